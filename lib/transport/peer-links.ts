import { LIMITS, type MemberId, present, type Runtime, ZooKeeperError } from '../base/index.js'
import { assertListenable, fingerprintOf, formatAddress } from './address.js'
import { Handshake, type HandshakeEvents, type HandshakeTerms } from './handshake.js'
import { PeerSlot } from './peer-slot.js'
import { proofKey } from './secret-keys.js'
import type {
  Address,
  Channel,
  LinkGeneration,
  Listener,
  PeerIntroduction,
  PeerLinks,
  PeerLinksHandlers,
  Refusal,
  Transport
} from './transport.js'
import type { Transports } from './transports.js'

export interface PeerLinksOptions {
  readonly id: MemberId
  /** All members, this one included. */
  readonly peers: ReadonlyMap<MemberId, Address>
  readonly transports: Transports
  readonly ensembleName: string
  /** Null: whoever can connect, and knows the ensemble's name and peers, is a member. */
  readonly secret: string | null
  /** Allows to listen beyond loopback without a secret. */
  readonly insecure: boolean
  /** What is said of this member's store and process. */
  readonly introduction: Omit<PeerIntroduction, 'id'>
  readonly runtime: Runtime
  /** How often a link that has nothing to send shows life. */
  readonly keepaliveMilliseconds: number
  /** A link on which nothing was heard for as long is dead. Several times the above. */
  readonly silenceMilliseconds: number
  /** Default {@link LIMITS.linkQueueBytesMax}. */
  readonly queueBytesMax?: number
  /** For connecting, and for the handshake behind it. Default {@link LIMITS.handshakeMilliseconds}. */
  readonly handshakeMilliseconds?: number
}

/** The links of one member. A member that is alone listens as well: its address is taken, and who has another peer list is told so. */
export function createPeerLinks(options: PeerLinksOptions): PeerLinks {
  return new MemberLinks(options)
}

class MemberLinks implements PeerLinks {
  readonly #options: PeerLinksOptions
  readonly #fingerprint: string
  readonly #members: ReadonlySet<MemberId>
  readonly #proofKey: Uint8Array | null
  readonly #slots = new Map<MemberId, PeerSlot>()
  /** Every channel that is open, in handshake or as a link. */
  readonly #channels = new Set<Handshake>()
  /** Of those, the ones that others have opened and that are in handshake. */
  readonly #accepted = new Set<Handshake>()
  /** What was reported of whom, until a link comes up. */
  readonly #reported = new Map<string, string>()
  #ensembleId: string | null
  #handlers: PeerLinksHandlers | null = null
  #listener: Listener | null = null
  #generation: LinkGeneration = 0
  #closing: Promise<void> | null = null
  #onLastClosed: (() => void) | null = null

  constructor(options: PeerLinksOptions) {
    this.#options = options
    this.#fingerprint = fingerprintOf(options.peers)
    this.#members = new Set(options.peers.keys())
    this.#proofKey = options.secret === null ? null : proofKey(options.secret, options.ensembleName)
    this.#ensembleId = options.introduction.ensembleId
  }

  async start(handlers: PeerLinksHandlers): Promise<void> {
    const { id, peers, secret, insecure } = this.#options
    this.#handlers = handlers
    const address = peers.get(id)
    if (address === undefined) throw new ZooKeeperError('BAD_ARGUMENTS', { message: `the peer list does not hold member ${id}` })
    assertListenable(address, { secret, insecure })
    for (const peerAddress of peers.values()) this.#transportOf(peerAddress)
    for (const [peer, peerAddress] of peers) if (peer !== id) this.#slots.set(peer, this.#slotOf(peer, peerAddress, handlers))
    const transport = this.#transportOf(address)
    const listener = await transport.listen(address, channel => this.#onChannel(channel, transport))
    if (this.#closing !== null) {
      await listener.close()
      throw new ZooKeeperError('CLOSED', { message: 'the links were closed while they started' })
    }
    this.#listener = listener
    for (const slot of this.#slots.values()) slot.start()
  }

  send(peer: MemberId, frame: Uint8Array): void {
    this.#slots.get(peer)?.send(frame)
  }

  bufferedBytes(peer: MemberId): number {
    return this.#slots.get(peer)?.bufferedBytes ?? 0
  }

  disconnect(peer: MemberId, generation: LinkGeneration, reason: string): void {
    this.#slots.get(peer)?.disconnect(generation, reason)
  }

  setEnsembleId(ensembleId: string): void {
    this.#ensembleId = ensembleId
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const slot of this.#slots.values()) slot.close()
    for (const handshake of [...this.#accepted]) handshake.abandon('this member closes its links')
    await this.#listener?.close()
    if (this.#channels.size === 0) return
    await new Promise<void>(resolve => {
      this.#onLastClosed = resolve
    })
  }

  #slotOf(peer: MemberId, address: Address, handlers: PeerLinksHandlers): PeerSlot {
    const { id, runtime, keepaliveMilliseconds, silenceMilliseconds } = this.#options
    const transport = this.#transportOf(address)
    return new PeerSlot({
      id,
      peer,
      runtime,
      link: {
        runtime,
        keepaliveMilliseconds,
        silenceMilliseconds,
        queueBytesMax: this.#options.queueBytesMax ?? LIMITS.linkQueueBytesMax
      },
      dialer: {
        peer,
        address,
        transport,
        runtime,
        deadlineMilliseconds: this.#deadlineMilliseconds,
        shake: channel => this.#shake(channel, peer, transport),
        onRefused: refusal => this.#report(refusal)
      },
      nextGeneration: () => ++this.#generation,
      handlers,
      onLinked: () => this.#forgetReports(peer)
    })
  }

  #onChannel(channel: Channel, transport: Transport): void {
    if (this.#closing !== null || this.#accepted.size >= LIMITS.handshakesMax) {
      channel.close({ code: 'CLOSED', detail: 'too many handshakes at one time' })
      return
    }
    this.#accepted.add(this.#shake(channel, null, transport))
  }

  #shake(channel: Channel, addressee: MemberId | null, transport: Transport): Handshake {
    const { id, ensembleName, introduction, runtime } = this.#options
    const { incarnation, run } = introduction
    const terms: HandshakeTerms = {
      id,
      ensembleName,
      ensembleId: this.#ensembleId,
      incarnation,
      run,
      fingerprint: this.#fingerprint,
      members: this.#members
    }
    const handshake = new Handshake(
      channel,
      addressee,
      {
        runtime,
        terms,
        proofKey: transport.provesSecret ? null : this.#proofKey,
        deadlineMilliseconds: this.#deadlineMilliseconds
      },
      this.#handshakeEvents
    )
    this.#channels.add(handshake)
    return handshake
  }

  readonly #handshakeEvents: HandshakeEvents = {
    onProven: handshake => {
      const peer = introductionOf(handshake)
      this.#slotFor(peer.id).onProven(handshake, peer)
    },
    onReady: (handshake, seen, held) => {
      const peer = introductionOf(handshake)
      this.#slotFor(peer.id).onReady(handshake, peer, seen, held)
    },
    onSelected: (handshake, generation) => {
      const peer = introductionOf(handshake)
      this.#slotFor(peer.id).onSelected(handshake, peer, generation)
    },
    onPromoted: handshake => {
      this.#accepted.delete(handshake)
    },
    onFailed: (handshake, refusal) => {
      this.#accepted.delete(handshake)
      const peer = handshake.addressee ?? handshake.peer?.id ?? null
      if (peer !== null) this.#slots.get(peer)?.onFailed(handshake)
      if (refusal !== null) this.#report(refusal)
    },
    onClosed: handshake => {
      this.#channels.delete(handshake)
      this.#accepted.delete(handshake)
      if (this.#channels.size === 0) this.#onLastClosed?.()
    }
  }

  /** Once per change and not per retry: the dialers go on for ever, and so would the reports. */
  #report(refusal: Refusal): void {
    const key = `${refusal.peer} ${refusal.remote}`
    const words = refusal.peer === null ? refusal.code : `${refusal.code} ${refusal.detail}`
    if (this.#reported.get(key) === words) return
    this.#reported.set(key, words)
    this.#options.runtime.scheduler.post(() => {
      if (this.#closing === null) this.#handlers?.onRefused(refusal)
    })
  }

  #forgetReports(peer: MemberId): void {
    for (const key of [peer, null]) {
      this.#reported.delete(`${key} true`)
      this.#reported.delete(`${key} false`)
    }
  }

  #slotFor(peer: MemberId): PeerSlot {
    return present(this.#slots.get(peer), 'a peer with the same peer list is one of its members')
  }

  get #deadlineMilliseconds(): number {
    return this.#options.handshakeMilliseconds ?? LIMITS.handshakeMilliseconds
  }

  #transportOf(address: Address): Transport {
    const transport = this.#options.transports[address.scheme]
    if (transport !== undefined) return transport
    throw new ZooKeeperError('BAD_ARGUMENTS', { message: `${formatAddress(address)}: there is no transport for its scheme here` })
  }
}

function introductionOf(handshake: Handshake): PeerIntroduction {
  return present(handshake.peer, 'a handshake that goes on knows its peer')
}
