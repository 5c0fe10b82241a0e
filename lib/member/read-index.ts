import type { MemberId, Scheduler, Zxid } from '../base/index.js'

export interface ReadIndexParts {
  readonly scheduler: Scheduler
  /** Asks the leader, which may be this member. Called only while the member serves. */
  ask(query: number): void
  /** The leader's side: prove leadership, then call {@link ReadIndex.onConfirmed}. */
  confirm(confirmation: number): void
  /** The leader's side: tell a learner. */
  reply(to: MemberId, query: number, zxid: Zxid): void
}

type Asker = (zxid: Zxid) => void

/** What a leader is asked, by a learner or (null) by itself. */
interface Question {
  readonly from: MemberId | null
  readonly query: number
}

/**
 * How far a read must wait to be linearizable: the leader's commit point, once a quorum has confirmed that it still led after the question
 * was asked. Questions of one turn of the event loop are asked as one, and those that a change of leader leaves open are asked again; a leader
 * confirms all that it is asked in one turn at once.
 */
export class ReadIndex {
  readonly #parts: ReadIndexParts
  #unasked: Asker[] = []
  readonly #asked = new Map<number, Asker[]>()
  /** The leader's side: questions that came since the last confirmation was begun. */
  #unconfirmed: Question[] = []
  readonly #confirming = new Map<number, readonly Question[]>()
  #queries = 0
  #confirmations = 0
  #open = false
  #posted = false
  #confirmPosted = false

  constructor(parts: ReadIndexParts) {
    this.#parts = parts
  }

  /** Calls `asker` with a zxid at or above everything that was committed anywhere when this was called. */
  ask(asker: Asker): void {
    this.#unasked.push(asker)
    this.#post()
  }

  open(): void {
    this.#open = true
    for (const askers of this.#asked.values()) this.#unasked.push(...askers)
    this.#asked.clear()
    this.#post()
  }

  close(): void {
    this.#open = false
    this.#unconfirmed = []
    this.#confirming.clear()
  }

  /** The leader has answered. */
  onReply(query: number, zxid: Zxid): void {
    const askers = this.#asked.get(query) ?? []
    this.#asked.delete(query)
    for (const asker of askers) asker(zxid)
  }

  /** This member is asked as the leader, by a learner or (null) by itself. */
  onQuery(from: MemberId | null, query: number): void {
    this.#unconfirmed.push({ from, query })
    if (this.#confirmPosted) return
    this.#confirmPosted = true
    this.#parts.scheduler.post(() => {
      this.#confirmPosted = false
      if (this.#unconfirmed.length === 0) return
      const confirmation = ++this.#confirmations
      this.#confirming.set(confirmation, this.#unconfirmed)
      this.#unconfirmed = []
      this.#parts.confirm(confirmation)
    })
  }

  onConfirmed(confirmation: number, zxid: Zxid): void {
    const questions = this.#confirming.get(confirmation) ?? []
    this.#confirming.delete(confirmation)
    for (const { from, query } of questions) {
      if (from === null) this.onReply(query, zxid)
      else this.#parts.reply(from, query, zxid)
    }
  }

  #post(): void {
    if (!this.#open || this.#posted || this.#unasked.length === 0) return
    this.#posted = true
    this.#parts.scheduler.post(() => {
      this.#posted = false
      if (!this.#open || this.#unasked.length === 0) return
      const query = ++this.#queries
      this.#asked.set(query, this.#unasked)
      this.#unasked = []
      this.#parts.ask(query)
    })
  }
}
