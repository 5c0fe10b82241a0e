import type { MemberId } from '../base/index.js'

/** An address as a member's peer list holds it, taken apart and checked. */
export type Address =
  | { readonly scheme: 'tcp'; readonly host: string; readonly port: number }
  | { readonly scheme: 'ipc'; readonly path: string }
  | { readonly scheme: 'memory'; readonly name: string }

/** Why a channel or link ended. `code` is one of the library's error codes where there is one. */
export interface CloseReason {
  readonly code: 'CLOSED' | 'CONNECTION_LOSS' | 'BAD_FRAME' | 'AUTHENTICATION_FAILED'
  readonly detail: string
}

/** What a channel tells its owner. Handlers are called once the callback that has caused them is done, never re-entrantly. */
export interface ChannelHandlers {
  /** One whole frame, the owner's to keep: the channel does not write to these bytes again. */
  onFrame(frame: Uint8Array): void
  /** Called exactly once, whoever closed; nothing is called after it. */
  onClose(reason: CloseReason): void
  /** The bytes waiting to be sent have fallen to {@link LIMITS.linkQueueBytesHigh} or below after having been above it. */
  onDrain(): void
}

/** A bidirectional stream of frames to one other process: what was sent arrives whole and in order, or the channel closes. */
export interface Channel {
  /** For diagnostics: who is at the other end, as the transport knows it. */
  readonly remote: string
  /** Bytes handed to `send` that have not left this process yet. */
  readonly bufferedBytes: number
  /** Must be called once, before the turn ends in which the channel was handed over. */
  start(handlers: ChannelHandlers): void
  /**
   * Leaves once the present callback is done, together with what else that sends. A closed channel drops it. A frame above `frameBytesMax` is our bug.
   * The bytes must not be changed afterwards: they may be sent as they lie.
   */
  send(frame: Uint8Array): void
  /** From now on frames above this size close the channel before anything is allocated. The limit of the handshake until then. */
  limitFrames(bytesMax: number): void
  /** Idempotent. `flush` lets what was sent before leave first, within a bound of time. */
  close(reason: CloseReason, options?: { readonly flush?: boolean }): void
}

export interface Listener {
  /** Where it really listens: a port of 0 has become the port that was given. */
  readonly address: Address
  /** Stops accepting; channels that were handed over live on. Idempotent. */
  close(): Promise<void>
}

/** One way to reach other members. Implemented over TCP (with TLS-PSK when there is a secret), local sockets, and memory. */
export interface Transport {
  /** Whether a channel of it has proven the shared secret by itself. Where it has not, the handshake of the links asks for the proof. */
  readonly provesSecret: boolean
  /** Rejects with `ADDRESS_UNAVAILABLE`, cause kept, and leaves nothing behind. */
  listen(address: Address, onChannel: (channel: Channel) => void): Promise<Listener>
  /** One attempt; DNS is asked anew each time. Rejects with `CONNECTION_LOSS`, `AUTHENTICATION_FAILED`, or the signal's reason. */
  dial(address: Address, signal: AbortSignal): Promise<Channel>
}

/** Tells two lives of a peer, and two links to it, apart. Strictly increasing within a process. */
export type LinkGeneration = number

/** What a peer proved or said of itself in the handshake. */
export interface PeerIntroduction {
  readonly id: MemberId
  /** Of its store: another one means that it has been wiped or replaced. */
  readonly incarnation: string
  /** Of its process. */
  readonly run: number
  /** Null while it has never belonged to an ensemble. */
  readonly ensembleId: string | null
}

/** Why a peer was refused, or refused us, in the handshake. */
export interface Refusal {
  readonly code:
    | 'ENSEMBLE_MISMATCH'
    | 'PEER_LIST_MISMATCH'
    | 'DUPLICATE_ID'
    | 'AUTHENTICATION_FAILED'
    | 'FORMAT_VERSION'
    | 'BAD_FRAME'
  readonly detail: string
  /** The peer that was dialled, or that it claimed to be; null when it did not get that far. */
  readonly peer: MemberId | null
  /** True when the other side refused us. */
  readonly remote: boolean
}

/** What the links tell the member. Called from the scheduler, never re-entrantly. */
export interface PeerLinksHandlers {
  onUp(peer: PeerIntroduction, generation: LinkGeneration): void
  onDown(peer: MemberId, generation: LinkGeneration, reason: CloseReason): void
  onFrame(peer: MemberId, generation: LinkGeneration, frame: Uint8Array): void
  onDrain(peer: MemberId, generation: LinkGeneration): void
  /** A handshake failed for a reason that time alone does not mend. The links keep trying, with backoff. */
  onRefused(refusal: Refusal): void
}

/** One authenticated link to every other member, kept up for as long as it is open. */
export interface PeerLinks {
  /** Listens and begins to dial. Rejects with `ADDRESS_UNAVAILABLE` or `BAD_ARGUMENTS` and leaves nothing running. */
  start(handlers: PeerLinksHandlers): Promise<void>
  /** Sends on the current link; dropped when there is none. A queue above its bound cuts the link. */
  send(peer: MemberId, frame: Uint8Array): void
  /** Unsent bytes on the current link, 0 without one. */
  bufferedBytes(peer: MemberId): number
  /** Cuts the link of that generation (a later one is left alone) and dials again with backoff. */
  disconnect(peer: MemberId, generation: LinkGeneration, reason: string): void
  /** What this member says of its ensemble from the next handshake on. */
  setEnsembleId(ensembleId: string): void
  close(): Promise<void>
}
