import { assert, type MemberId, type Runtime } from '../base/index.js'
import { Dialer, type DialerOptions } from './dialer.js'
import type { Handshake } from './handshake.js'
import { Link, type LinkOptions } from './link.js'
import type { Channel, CloseReason, LinkGeneration, PeerIntroduction, PeerLinksHandlers } from './transport.js'

export interface PeerSlotOptions {
  readonly id: MemberId
  readonly peer: MemberId
  readonly runtime: Runtime
  readonly link: LinkOptions
  readonly dialer: DialerOptions
  readonly nextGeneration: () => LinkGeneration
  readonly handlers: PeerLinksHandlers
  /** Called at once when a channel has become the link; the member hears of it later. */
  readonly onLinked: () => void
}

/** A channel that both sides have proven themselves on, and what the lower id said when it offered it. */
interface Newcomer {
  readonly handshake: Handshake
  readonly peer: PeerIntroduction
  /** The last link that the lower id saw selected, in the higher id's count; 0 for none. */
  readonly seen: number
  /** Whether that link is still up at the lower id. */
  readonly held: boolean
}

/**
 * The link to one peer, and the choice of the channel that is it. Both members dial, and of the two ids the higher one decides, whoever
 * dialled; it counts its decisions, so the other follows the latest even where they arrive out of order.
 *
 * A channel that comes while there is a link replaces it only when the link is over: the lower id says so, or it falls silent. Until that
 * is known the newcomer waits, and the link is asked for a sign of life; with it, the newcomer was a second dial or a second process.
 */
export class PeerSlot {
  readonly #options: PeerSlotOptions
  readonly #isArbiter: boolean
  readonly #dialer: Dialer
  #link: Link | null = null
  #linkedAt = 0
  /** The link that the member has been told of. What it sends is meant for this one. */
  #announced: Link | null = null
  /** At the lower id: the highest decision of the higher one, of which process. */
  #lastSeen: { readonly peer: PeerIntroduction; readonly generation: number } | null = null
  readonly #waiting = new Set<Newcomer>()
  #closed = false

  constructor(options: PeerSlotOptions) {
    this.#options = options
    this.#isArbiter = options.id > options.peer
    this.#dialer = new Dialer(options.dialer)
  }

  start(): void {
    this.#dialer.resume()
  }

  close(): void {
    this.#closed = true
    this.#dialer.pause(null)
    const reason: CloseReason = { code: 'CLOSED', detail: 'this member closes its links' }
    for (const { handshake } of this.#waiting) handshake.abandon(reason.detail)
    this.#waiting.clear()
    this.#link?.cut(reason, { flush: true })
  }

  send(frame: Uint8Array): void {
    this.#announced?.send(frame)
  }

  get bufferedBytes(): number {
    return this.#announced?.bufferedBytes ?? 0
  }

  disconnect(generation: LinkGeneration, reason: string): void {
    const link = this.#announced
    if (link?.generation !== generation) return
    link.muted = true
    link.cut({ code: 'CLOSED', detail: reason })
  }

  onProven(handshake: Handshake, peer: PeerIntroduction): void {
    if (!this.#isArbiter) this.#consider({ handshake, peer, seen: 0, held: false })
  }

  onReady(handshake: Handshake, peer: PeerIntroduction, seen: number, held: boolean): void {
    this.#consider({ handshake, peer, seen, held })
  }

  onSelected(handshake: Handshake, peer: PeerIntroduction, generation: number): void {
    const last = this.#lastSeen
    const isStale = last !== null && isSameProcess(last.peer, peer) && generation <= last.generation
    const isDuplicate = this.#link !== null && !isSameProcess(this.#link.peer, peer)
    if (isStale || isDuplicate) {
      handshake.abandon('another channel has become the link')
      return
    }
    this.#lastSeen = { peer, generation }
    const own = this.#options.nextGeneration()
    handshake.promote(channel => this.#linkOn(channel, peer, own))
    this.#dialer.pause(handshake)
  }

  onFailed(handshake: Handshake): void {
    for (const newcomer of this.#waiting) if (newcomer.handshake === handshake) this.#waiting.delete(newcomer)
    this.#dialer.onFailed(handshake)
  }

  #consider(newcomer: Newcomer): void {
    const link = this.#link
    if (link === null) return this.#accept(newcomer)
    if (isSameProcess(link.peer, newcomer.peer)) {
      // The lower id offers every channel of the process that it is linked to already: the choice is not its own.
      if (!this.#isArbiter) return this.#accept(newcomer)
      if (newcomer.seen === link.generation) {
        if (newcomer.held) newcomer.handshake.redundant()
        else this.#accept(newcomer)
        return
      }
    }
    this.#waiting.add(newcomer)
    link.probe()
  }

  #accept({ handshake, peer }: Newcomer): void {
    if (this.#isArbiter) {
      const generation = this.#options.nextGeneration()
      handshake.select(generation, channel => this.#linkOn(channel, peer, generation))
      this.#dialer.pause(handshake)
      return
    }
    const last = this.#lastSeen
    const isKnown = last !== null && isSameProcess(last.peer, peer)
    handshake.ready(isKnown ? last.generation : 0, isKnown && this.#link !== null)
  }

  #linkOn(channel: Channel, peer: PeerIntroduction, generation: LinkGeneration): Link {
    const { runtime, handlers } = this.#options
    const former = this.#link
    const link: Link = new Link(channel, peer, generation, this.#options.link, {
      onFrame: frame => this.#deliver(link, () => handlers.onFrame(peer.id, generation, frame)),
      onDrain: () => this.#deliver(link, () => handlers.onDrain(peer.id, generation)),
      onAlive: () => this.#onAlive(link),
      onDown: reason => this.#onDown(link, reason)
    })
    this.#link = link
    this.#linkedAt = runtime.clock.monotonic()
    this.#options.onLinked()
    former?.cut({ code: 'CONNECTION_LOSS', detail: 'a newer channel has replaced it' })
    this.#post(() => {
      this.#announced = link
      handlers.onUp(peer, generation)
    })
    if (this.#waiting.size > 0) link.probe()
    return link
  }

  /** The link has shown life after newcomers had come: they are not needed, or are not who they say they are. */
  #onAlive(link: Link): void {
    const newcomers = [...this.#waiting]
    this.#waiting.clear()
    for (const { handshake, peer } of newcomers) {
      if (isSameProcess(link.peer, peer)) handshake.redundant()
      else if (isFormerProcess(peer, link.peer)) handshake.abandon('what a former process has left on its way')
      else handshake.refuse('DUPLICATE_ID', `another process is linked as member ${peer.id}`)
    }
  }

  #onDown(link: Link, reason: CloseReason): void {
    const { runtime, handlers } = this.#options
    this.#post(() => {
      if (this.#announced === link) this.#announced = null
      handlers.onDown(link.peer.id, link.generation, reason)
    })
    if (this.#link !== link) return
    this.#link = null
    if (this.#closed) return
    this.#dialer.resume(runtime.clock.monotonic() - this.#linkedAt)
    // The latest first: an older one may be a channel that its dialer has long given up.
    const newcomers = [...this.#waiting].reverse()
    this.#waiting.clear()
    for (const newcomer of newcomers) this.#consider(newcomer)
  }

  #deliver(link: Link, callback: () => void): void {
    this.#post(() => {
      assert(this.#announced === link, 'what a link brings is delivered between its up and its down')
      if (!link.muted) callback()
    })
  }

  #post(callback: () => void): void {
    this.#options.runtime.scheduler.post(() => {
      if (!this.#closed) callback()
    })
  }
}

/** Two channels of one process, and not of its successor or of another that was given the same id. */
function isSameProcess(a: PeerIntroduction, b: PeerIntroduction): boolean {
  return a.incarnation === b.incarnation && a.run === b.run
}

/** Whether `a` opened the same store before `b` did, and so was dead by then. */
function isFormerProcess(a: PeerIntroduction, b: PeerIntroduction): boolean {
  return a.incarnation === b.incarnation && a.run < b.run
}
