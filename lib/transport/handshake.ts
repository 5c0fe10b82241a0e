import { type CancelTimer, isZooKeeperError, LIMITS, type MemberId, type Runtime, unreachable } from '../base/index.js'
import { decodeHandshake, encodeHandshake, FEATURE_LEVEL, type HandshakeMessage, type Hello, NONCE_BYTES } from '../wire/index.js'
import { type HandshakeRole, isSameProof, proofOf } from './secret-keys.js'
import type { Channel, ChannelHandlers, CloseReason, PeerIntroduction, Refusal } from './transport.js'

/** What this member says of itself, and demands of others. */
export interface HandshakeTerms {
  readonly id: MemberId
  readonly ensembleName: string
  readonly ensembleId: string | null
  readonly incarnation: string
  readonly run: number
  readonly fingerprint: string
  /** The ids of the peer list. */
  readonly members: ReadonlySet<MemberId>
}

export interface HandshakeOptions {
  readonly runtime: Runtime
  readonly terms: HandshakeTerms
  /** What the proofs are made with; null where there is nothing to prove. */
  readonly proofKey: Uint8Array | null
  readonly deadlineMilliseconds: number
}

export interface HandshakeEvents {
  /** Both sides have shown who they are. `handshake.peer` is set from now on. */
  onProven(handshake: Handshake): void
  /** The peer would take this channel as the link (sent by the lower id). */
  onReady(handshake: Handshake, seen: number, held: boolean): void
  /** The peer has made this channel the link (sent by the higher id). To be answered at once by {@link Handshake.promote} or `abandon`. */
  onSelected(handshake: Handshake, generation: number): void
  /** It has become a link. */
  onPromoted(handshake: Handshake): void
  /** It came to nothing. Called once, and not at all after `onPromoted`. */
  onFailed(handshake: Handshake, refusal: Refusal | null): void
  /** The channel is gone, whatever it had become. */
  onClosed(handshake: Handshake): void
}

/**
 * The talk on a new channel until it is the link to a peer, or is not wanted. Both sides say hello, compare, and prove themselves; then the
 * lower id offers the channel (`ready`) and the higher id decides (`select`). All of it happens within the channel's calls: the frames
 * behind the last one of the handshake may lie in the same chunk.
 */
export class Handshake implements ChannelHandlers {
  /** The peer that this side meant to reach; null on the side that was dialled. */
  readonly addressee: MemberId | null
  /** Known once both sides are proven. */
  peer: PeerIntroduction | null = null
  readonly channel: Channel
  readonly #options: HandshakeOptions
  readonly #events: HandshakeEvents
  readonly #ownHello: Uint8Array
  readonly #cancelDeadline: CancelTimer
  #peerHello: { readonly bytes: Uint8Array; readonly hello: Hello } | null = null
  #claimedId: MemberId | null = null
  /** Takes over the channel's calls when this has become a link. */
  #heir: ChannelHandlers | null = null
  /** Whether the lower id has offered the channel. */
  #offered = false
  #over = false

  constructor(channel: Channel, addressee: MemberId | null, options: HandshakeOptions, events: HandshakeEvents) {
    this.channel = channel
    this.addressee = addressee
    this.#options = options
    this.#events = events
    const { terms, runtime } = options
    this.#ownHello = encodeHandshake({
      kind: 'hello',
      ensembleName: terms.ensembleName,
      ensembleId: terms.ensembleId,
      id: terms.id,
      addressee,
      incarnation: terms.incarnation,
      run: terms.run,
      fingerprint: terms.fingerprint,
      featureLevel: FEATURE_LEVEL,
      nonce: runtime.random.bytes(NONCE_BYTES)
    })
    this.#cancelDeadline = runtime.scheduler.after(options.deadlineMilliseconds, () =>
      this.abandon('the handshake took too long')
    )
    channel.start(this)
    if (addressee !== null) channel.send(this.#ownHello)
  }

  /** Offers the channel as the link. */
  ready(seen: number, held: boolean): void {
    this.#offered = true
    this.#send({ kind: 'ready', seen, held })
  }

  /** Makes the channel the link, and tells the peer. */
  select(generation: number, heir: (channel: Channel) => ChannelHandlers): void {
    this.#send({ kind: 'select', generation })
    this.promote(heir)
  }

  /** Makes the channel the link that the peer has selected. */
  promote(heir: (channel: Channel) => ChannelHandlers): void {
    this.#over = true
    this.#cancelDeadline()
    this.channel.limitFrames(LIMITS.frameBytesMax)
    this.#heir = heir(this.channel)
    this.#events.onPromoted(this)
  }

  /** Tells the peer that there is a better channel already. */
  redundant(): void {
    this.#send({ kind: 'redundant' })
    this.#end({ code: 'CLOSED', detail: 'there is a link already' }, null, true)
  }

  /** Tells the peer why it cannot be a link, then closes. */
  refuse(code: Refusal['code'], detail: string): void {
    this.#send({ kind: 'refuse', code, detail })
    this.#end({ code: 'CLOSED', detail }, { code, detail, peer: this.#peerId, remote: false }, true)
  }

  /** Gives up without a word. */
  abandon(detail: string): void {
    this.#end({ code: 'CLOSED', detail }, null, false)
  }

  onFrame(frame: Uint8Array): void {
    if (this.#heir !== null) return this.#heir.onFrame(frame)
    if (this.#over) return
    let message: HandshakeMessage
    try {
      message = decodeHandshake(frame)
    } catch (error) {
      if (!isZooKeeperError(error) || (error.code !== 'BAD_FRAME' && error.code !== 'FORMAT_VERSION')) throw error
      return this.refuse(error.code, error.message)
    }
    this.#onMessage(message, frame)
  }

  onDrain(): void {
    this.#heir?.onDrain()
  }

  onClose(reason: CloseReason): void {
    if (this.#heir !== null) this.#heir.onClose(reason)
    else this.#end(reason, this.#refusalOf(reason), false)
    this.#events.onClosed(this)
  }

  #onMessage(message: HandshakeMessage, frame: Uint8Array): void {
    switch (message.kind) {
      case 'hello':
        return this.#onHello(message, frame)
      case 'prove':
        return this.#onProof(message.proof)
      case 'ready':
        if (this.peer === null || this.peer.id > this.#options.terms.id || this.#offered) return this.#outOfTurn(message.kind)
        this.#offered = true
        return this.#events.onReady(this, message.seen, message.held)
      case 'select':
        if (this.peer === null || this.peer.id < this.#options.terms.id || !this.#offered) return this.#outOfTurn(message.kind)
        return this.#events.onSelected(this, message.generation)
      case 'redundant':
        return this.abandon('the peer has a link already')
      case 'refuse': {
        const { code, detail } = message
        return this.#end({ code: 'CLOSED', detail }, { code, detail, peer: this.#peerId, remote: true }, false)
      }
      default:
        return unreachable(message)
    }
  }

  #onHello(hello: Hello, bytes: Uint8Array): void {
    if (this.#peerHello !== null) return this.#outOfTurn('hello')
    // The bytes are needed until the proofs are made, and are a view of a chunk that is not.
    this.#peerHello = { bytes: new Uint8Array(bytes), hello }
    this.#claimedId = hello.id
    const mismatch = mismatchOf(this.#options.terms, this.addressee, hello)
    if (mismatch !== null) return this.refuse(mismatch.code, mismatch.detail)
    if (this.addressee !== null) return
    this.channel.send(this.#ownHello)
    this.#send({ kind: 'prove', proof: this.#proof('acceptor') })
  }

  #onProof(proof: Uint8Array | null): void {
    if (this.#peerHello === null || this.peer !== null) return this.#outOfTurn('prove')
    const dialled = this.addressee === null
    const expected = this.#proof(dialled ? 'dialer' : 'acceptor')
    const isProven = expected === null || proof === null ? expected === proof : isSameProof(expected, proof)
    if (!isProven) return this.refuse('AUTHENTICATION_FAILED', 'the secret differs, or only one side has one')
    if (!dialled) this.#send({ kind: 'prove', proof: this.#proof('dialer') })
    const { id, incarnation, run, ensembleId } = this.#peerHello.hello
    this.peer = { id, incarnation, run, ensembleId }
    this.#events.onProven(this)
  }

  #proof(role: HandshakeRole): Uint8Array | null {
    const key = this.#options.proofKey
    const peerHello = this.#peerHello
    if (key === null || peerHello === null) return null
    return this.addressee === null
      ? proofOf(key, role, peerHello.bytes, this.#ownHello)
      : proofOf(key, role, this.#ownHello, peerHello.bytes)
  }

  #outOfTurn(kind: string): void {
    this.refuse('BAD_FRAME', `${kind} at the wrong place of the handshake`)
  }

  get #peerId(): MemberId | null {
    return this.addressee ?? this.#claimedId
  }

  #refusalOf({ code, detail }: CloseReason): Refusal | null {
    return code === 'BAD_FRAME' || code === 'AUTHENTICATION_FAILED' ? { code, detail, peer: this.#peerId, remote: false } : null
  }

  #send(message: HandshakeMessage): void {
    this.channel.send(encodeHandshake(message))
  }

  #end(reason: CloseReason, refusal: Refusal | null, flush: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#cancelDeadline()
    this.channel.close(reason, { flush })
    this.#events.onFailed(this, refusal)
  }
}

/** Why the two cannot be members of one ensemble, as they say they are. Names both sides. */
function mismatchOf(
  own: HandshakeTerms,
  addressee: MemberId | null,
  peer: Hello
): { readonly code: Refusal['code']; readonly detail: string } | null {
  if (peer.ensembleName !== own.ensembleName) {
    return {
      code: 'ENSEMBLE_MISMATCH',
      detail: `member ${own.id} belongs to the ensemble named '${own.ensembleName}', member ${peer.id} to '${peer.ensembleName}'`
    }
  }
  if (peer.ensembleId !== null && own.ensembleId !== null && peer.ensembleId !== own.ensembleId) {
    return {
      code: 'ENSEMBLE_MISMATCH',
      detail: `the data of member ${own.id} belongs to ensemble ${own.ensembleId}, that of member ${peer.id} to ${peer.ensembleId}`
    }
  }
  if (peer.fingerprint !== own.fingerprint || !own.members.has(peer.id)) {
    return { code: 'PEER_LIST_MISMATCH', detail: `members ${own.id} and ${peer.id} were given different peer lists` }
  }
  if (peer.id === own.id) {
    return peer.incarnation === own.incarnation && peer.run === own.run
      ? { code: 'PEER_LIST_MISMATCH', detail: `an address of another member leads to member ${own.id} itself` }
      : { code: 'DUPLICATE_ID', detail: `two processes are member ${own.id}` }
  }
  const reached = addressee === null ? peer.addressee === own.id : peer.id === addressee
  if (reached) return null
  const [meant, met] = addressee === null ? [peer.addressee, own.id] : [addressee, peer.id]
  return { code: 'PEER_LIST_MISMATCH', detail: `the address of member ${meant} leads to member ${met}` }
}
