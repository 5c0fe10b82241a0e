import type { SessionId } from '../../base/index.js'
import type { AuthId } from '../../tree/index.js'
import { allows, READ } from '../model/plain-acl.js'
import type { SessionHome, SessionLife } from '../sessions/session-log.js'
import type { TxnEvent } from './txn-events.js'

/** One session in one process: until when its watches hear of anything there, and of what it may hear. */
export class WatchingSession {
  readonly session: SessionId
  readonly #life: SessionLife
  readonly #home: SessionHome
  /** Who it had shown to be behind which zxid. */
  readonly #shown: { readonly zxid: number; readonly auth: readonly AuthId[] }[] = []
  /** What its client was told last. */
  state: string | null = null
  /** The final state that its client was told of; null while it was not. */
  over: string | null = null

  constructor(life: SessionLife, home: SessionHome) {
    this.session = life.session
    this.#life = life
    this.#home = home
  }

  /** With which txn nothing is owed to it any more; infinity while it lives there. */
  get owedUntil(): number {
    return this.#home.to ?? Number.POSITIVE_INFINITY
  }

  /** With which txn nothing can be told any more: later, if it has asked for an end that takes several. */
  get toldUntil(): number {
    if (this.#home.to === null || this.#home.to !== this.#life.over) return this.owedUntil
    return this.#life.end ?? Number.POSITIVE_INFINITY
  }

  /** It has shown who it is: it is `auth` from here on, with everything up to `zxid` behind it. */
  show(auth: readonly AuthId[], zxid: number): void {
    this.#shown.push({ zxid, auth })
  }

  /** Whether it could hear of an event, being who it was when its process applied that. */
  hears({ acl, zxid }: TxnEvent): boolean {
    return allows(acl, [READ], this.#shown.findLast(shown => shown.zxid < zxid)?.auth ?? [])
  }
}
