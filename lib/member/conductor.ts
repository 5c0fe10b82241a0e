import createDebug from 'debug'
import {
  assert,
  type Epoch,
  isZooKeeperError,
  LIMITS,
  type MemberId,
  present,
  type Runtime,
  ZooKeeperError,
  type Zxid
} from '../base/index.js'
import type { Storage } from '../storage/index.js'
import type { CloseReason, LinkGeneration, PeerIntroduction, PeerLinks, PeerLinksHandlers, Refusal } from '../transport/index.js'
import { decodePeerMessage, encodePeerMessage, type MemberMessage, type PeerMessage } from '../wire/index.js'
import type { Batch, DurableState, Outgoing, RoleName, ZabEffect, ZabEvent } from '../zab/index.js'
import { Peer, type PeerOptions } from '../zab/index.js'
import { HistorySender } from './history-sender.js'

const debug = createDebug('embedded-zookeeper:election')

type WriteEffect = Extract<ZabEffect, { kind: 'write' }>

/** What the conductor tells the rest of the member. Called between steps of the protocol, never within one. */
export interface ConductorHandlers {
  /** A batch has entered the log (not: is durable). In zxid order. */
  onLogged(batch: Batch): void
  /** Everything behind `zxid` has left the log. */
  onTruncated(zxid: Zxid): void
  /** Log and snapshots have been replaced: the state must be loaded anew. */
  onReplaced(): void
  /** Everything up to `through` may be applied. */
  onDeliver(through: Zxid): void
  onRole(role: RoleName, leader: MemberId | null, reason: string): void
  onServing(leader: MemberId, epoch: Epoch, zxidHistory: Zxid): void
  onConfirmed(confirmation: number, zxid: Zxid): void
  /** Nothing is being written any more: what has collected meanwhile can be one write. */
  onDiskIdle(): void
  onMemberMessage(from: MemberId, message: MemberMessage): void
  /** What this member's pong carries. */
  pongPayload(): Uint8Array
  onLearnerAlive(learner: MemberId, payload: Uint8Array): void
  onRefused(refusal: Refusal): void
  onConnected(connected: ReadonlySet<MemberId>): void
  /** The store refuses everything until it is reopened; the protocol has stopped. */
  onStorageFailed(error: ZooKeeperError): void
  onFatal(error: unknown): void
}

export interface ConductorParts {
  readonly runtime: Runtime
  readonly storage: Storage
  readonly links: PeerLinks
  readonly peerOptions: PeerOptions
}

interface Up {
  readonly introduction: PeerIntroduction
  readonly generation: LinkGeneration
}

/**
 * The only place where the protocol meets disk and network: collects events, steps the peer with one at a time, and carries out what it asks
 * for, in order. What vouches for a write is sent when that write is durable, unless the peer has changed its role since.
 */
export class Conductor implements PeerLinksHandlers {
  readonly #parts: ConductorParts
  readonly #handlers: ConductorHandlers
  readonly #up = new Map<MemberId, Up>()
  readonly #events: ZabEvent[] = []
  readonly #senders = new Map<MemberId, HistorySender>()
  /** Handlers to call once the step under way is over. */
  readonly #after: (() => void)[] = []
  #peer: Peer | null = null
  /** Grows whenever a peer is made or dropped; completions of an earlier one are void. */
  #life = 0
  #stepping = false
  #calling = false
  /** Writes in the hands of the store. */
  #writing = 0
  #written: WriteEffect[] = []
  #writtenPosted = false
  #replacing = false
  /** What was sent last, while a step is under way. */
  #sent: { readonly message: PeerMessage; readonly frame: Uint8Array } | null = null

  constructor(parts: ConductorParts, handlers: ConductorHandlers) {
    this.#parts = parts
    this.#handlers = handlers
  }

  /** Null while there is none: before the start, and while the store is out of order. */
  get peer(): Peer | null {
    return this.#peer
  }

  /** Whether anything is in the hands of the store: what is issued now waits for that. */
  get diskBusy(): boolean {
    return this.#writing > 0
  }

  get connected(): ReadonlySet<MemberId> {
    return new Set(this.#up.keys())
  }

  /** Makes a peer of what the store holds, and lets it take part. */
  start(): void {
    assert(this.#peer === null, 'one peer at a time')
    const { state } = this.#parts.storage
    const durable: DurableState = {
      ensembleId: state.ensembleId,
      acceptedEpoch: state.acceptedEpoch,
      currentEpoch: state.currentEpoch,
      vote: state.vote,
      log: state.log,
      zxidCommitted: state.zxidCommitted,
      damaged: state.damage !== null
    }
    this.#life++
    this.#replacing = false
    this.#peer = new Peer(this.#parts.peerOptions, durable)
    if (durable.ensembleId !== null && durable.currentEpoch > 0) this.#parts.links.setEnsembleId(durable.ensembleId)
    this.dispatch({ kind: 'start' })
    for (const peer of this.#up.keys()) this.dispatch({ kind: 'linkUp', peer })
  }

  /** Takes the peer out: nothing more is said or written in its name. */
  stop(): void {
    this.#life++
    this.#peer = null
    this.#events.length = 0
    this.#writing = 0
    this.#written = []
    for (const sender of this.#senders.values()) sender.cancel()
    this.#senders.clear()
  }

  dispatch(event: ZabEvent): void {
    this.#events.push(event)
    if (this.#stepping) return
    this.#stepping = true
    try {
      this.#drain()
    } catch (error) {
      this.stop()
      this.#after.push(() => this.#handlers.onFatal(error))
    } finally {
      this.#stepping = false
      this.#sent = null
    }
    this.#callAfter()
  }

  /** What a call leads to (a proposal, say) is stepped, and called, behind what is already waiting. */
  #callAfter(): void {
    if (this.#calling) return
    this.#calling = true
    try {
      for (let call = this.#after.shift(); call !== undefined; call = this.#after.shift()) call()
    } catch (error) {
      this.stop()
      this.#handlers.onFatal(error)
    } finally {
      this.#calling = false
    }
  }

  /** Sends what is not the protocol's own. Dropped when there is no link. */
  sendMemberMessage(to: MemberId, message: MemberMessage): void {
    this.#send(to, message)
  }

  disconnect(peer: MemberId, reason: string): void {
    const up = this.#up.get(peer)
    if (up !== undefined) this.#parts.links.disconnect(peer, up.generation, reason)
  }

  disconnectAll(reason: string): void {
    for (const peer of [...this.#up.keys()]) this.disconnect(peer, reason)
  }

  onUp(introduction: PeerIntroduction, generation: LinkGeneration): void {
    const peer = introduction.id
    if (this.#up.has(peer)) this.#lost(peer)
    this.#up.set(peer, { introduction, generation })
    if (this.#peer !== null) this.dispatch({ kind: 'linkUp', peer })
    this.#handlers.onConnected(this.connected)
  }

  onDown(peer: MemberId, generation: LinkGeneration, reason: CloseReason): void {
    if (this.#up.get(peer)?.generation !== generation) return
    debug('link to %d is down: %s', peer, reason.detail)
    this.#lost(peer)
    this.#handlers.onConnected(this.connected)
  }

  onFrame(peer: MemberId, generation: LinkGeneration, frame: Uint8Array): void {
    if (this.#up.get(peer)?.generation !== generation) return
    let message: PeerMessage
    try {
      message = decodePeerMessage(frame)
    } catch (error) {
      if (!isZooKeeperError(error, 'BAD_FRAME')) throw error
      this.#parts.links.disconnect(peer, generation, error.message)
      return
    }
    if (this.#peer === null) return
    switch (message.kind) {
      case 'requests':
      case 'readIndex':
      case 'readIndexReply':
        this.#after.push(() => this.#handlers.onMemberMessage(peer, message))
        return this.#callAfter()
      default:
        return this.dispatch({ kind: 'received', from: peer, message })
    }
  }

  onDrain(peer: MemberId, generation: LinkGeneration): void {
    if (this.#up.get(peer)?.generation === generation) this.#senders.get(peer)?.onDrain()
  }

  onRefused(refusal: Refusal): void {
    this.#handlers.onRefused(refusal)
  }

  #lost(peer: MemberId): void {
    this.#up.delete(peer)
    this.#senders.get(peer)?.cancel()
    this.#senders.delete(peer)
    if (this.#peer !== null) this.dispatch({ kind: 'linkDown', peer })
  }

  #drain(): void {
    for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
      if (this.#peer === null) return
      const life = this.#life
      for (const effect of this.#peer.step(event)) {
        if (this.#life !== life) return
        this.#run(effect)
      }
    }
  }

  #run(effect: ZabEffect): void {
    const handlers = this.#handlers
    switch (effect.kind) {
      case 'send':
        return this.#send(effect.to, effect.message)
      case 'write':
        return this.#write(effect)
      case 'deliver':
        this.#after.push(() => handlers.onDeliver(effect.through))
        return
      case 'replaced':
        this.#after.push(() => handlers.onReplaced())
        return
      case 'pong': {
        const { to, epoch, sequence, zxidDurable } = effect
        return this.#send(to, { kind: 'pong', epoch, sequence, zxidDurable, payload: handlers.pongPayload() })
      }
      case 'learnerAlive':
        this.#after.push(() => handlers.onLearnerAlive(effect.learner, effect.payload))
        return
      case 'stream':
        return this.#stream(effect)
      case 'cancelStream':
        this.#senders.get(effect.to)?.cancel()
        return
      case 'role':
        debug('%s, leader %s: %s', effect.role, effect.leader, effect.reason)
        this.#after.push(() => handlers.onRole(effect.role, effect.leader, effect.reason))
        return
      case 'serving':
        this.#after.push(() => handlers.onServing(effect.leader, effect.epoch, effect.zxidHistory))
        return
      case 'confirmed':
        this.#after.push(() => handlers.onConfirmed(effect.confirmation, effect.zxid))
        return
      case 'ensemble':
        return this.#parts.links.setEnsembleId(effect.ensembleId)
      case 'disconnect':
        return this.disconnect(effect.peer, effect.reason)
      case 'fatal': {
        const error = new ZooKeeperError(effect.code, { message: effect.reason })
        this.stop()
        this.#after.push(() => handlers.onFatal(error))
        return
      }
    }
  }

  /** PERF: what goes to several learners is one message, and becomes bytes once. */
  #send(to: MemberId, message: PeerMessage): void {
    if (!this.#up.has(to)) return
    if (this.#sent?.message !== message) this.#sent = { message, frame: encodePeerMessage(message) }
    this.#parts.links.send(to, this.#sent.frame)
  }

  #write(effect: WriteEffect): void {
    const { change } = effect
    const handlers = this.#handlers
    if (change.kind === 'beginReplacement') this.#replacing = true
    if (change.kind === 'abandonReplacement' || change.kind === 'adoptEpoch') this.#replacing = false
    if (change.kind === 'append' && !this.#replacing) this.#after.push(() => handlers.onLogged(change.batch))
    if (change.kind === 'truncate') this.#after.push(() => handlers.onTruncated(change.zxid))
    const life = this.#life
    this.#writing++
    this.#parts.storage.write(change).then(
      () => this.#onWritten(life, effect),
      (error: unknown) => this.#onWriteFailed(life, error)
    )
  }

  /** Writes that went to disk together are told of together. */
  #onWritten(life: number, effect: WriteEffect): void {
    if (this.#life !== life) return
    this.#written.push(effect)
    if (this.#writtenPosted) return
    this.#writtenPosted = true
    this.#parts.runtime.scheduler.post(() => {
      this.#writtenPosted = false
      this.#release()
    })
  }

  #release(): void {
    const written = this.#written
    this.#written = []
    const last = written.at(-1)
    if (this.#peer === null || last === undefined) return
    this.#writing -= written.length
    const { tenure } = this.#peer
    const outgoing = written.filter(effect => effect.tenure === tenure).flatMap(effect => effect.thenSend)
    for (const { to, message } of withoutSuperseded(outgoing)) this.#send(to, message)
    // A history that could not be proven was not loaded either; from now on what is left of it counts.
    if (written.some(({ change }) => change.kind === 'acceptDamage')) this.#after.push(() => this.#handlers.onReplaced())
    this.dispatch({ kind: 'written', write: last.write })
    if (this.#peer === null || this.diskBusy) return
    this.#after.push(() => this.#handlers.onDiskIdle())
    this.#callAfter()
  }

  #onWriteFailed(life: number, error: unknown): void {
    if (this.#life !== life) return
    this.#parts.runtime.scheduler.post(() => {
      if (this.#life === life) this.failStorage(error)
    })
  }

  /** Stops the protocol because the store cannot be trusted until it has been verified anew. */
  failStorage(error: unknown): void {
    if (this.#peer === null) return
    this.stop()
    this.disconnectAll('storage failed')
    const coded = error instanceof ZooKeeperError ? error : new ZooKeeperError('STORAGE_FAILED', { cause: error })
    this.#handlers.onStorageFailed(coded)
  }

  #stream(effect: Extract<ZabEffect, { kind: 'stream' }>): void {
    const { to, epoch, stream, from } = effect
    this.#senders.get(to)?.cancel()
    const up = present(this.#up.get(to), 'a stream goes to a connected learner')
    const { links, storage } = this.#parts
    const life = this.#life
    const sender = new HistorySender({
      storage,
      epoch,
      from,
      send: message => links.send(to, encodePeerMessage(message)),
      congested: () => links.bufferedBytes(to) > LIMITS.linkQueueBytesHigh
    })
    this.#senders.set(to, sender)
    sender.run().then(
      through => {
        if (this.#life !== life || through === null) return
        this.#parts.runtime.scheduler.post(() => this.#life === life && this.dispatch({ kind: 'streamed', to, stream, through }))
      },
      (error: unknown) => {
        if (this.#life !== life || this.#up.get(to) !== up) return
        // What should be there is not whole: the learner comes again, and we find out what is wrong with the store.
        links.disconnect(to, up.generation, 'the stored history cannot be read')
        if (isZooKeeperError(error, 'LOG_CORRUPTED')) this.#onWriteFailed(life, error)
      }
    )
  }
}

/** Acks are cumulative: of several to the same member, the last one says it all. */
function withoutSuperseded(outgoing: readonly Outgoing[]): readonly Outgoing[] {
  return outgoing.filter(({ to, message }, index) => {
    const next = outgoing[index + 1]
    return !(message.kind === 'ack' && next?.to === to && next.message.kind === 'ack')
  })
}
