import type { MemberStatus } from '../../lib/index.js'
import type { MemberProcess } from '../fixtures/integration-process.js'

/** How often a process is asked how its member is. */
const LOOK_MILLISECONDS = 50

/** One process of a tortured ensemble, with what it last said of itself: a stopped one does not answer. */
export class TorturedMember {
  readonly id: number
  readonly number: number
  readonly process: MemberProcess
  /** What the member last said. Null until it has started. */
  status: MemberStatus | null = null
  #looking: NodeJS.Timeout | null

  /** @param number names the process among all of the run */
  constructor(id: number, number: number, process: MemberProcess, onStatus: (status: MemberStatus) => void) {
    this.id = id
    this.number = number
    this.process = process
    this.#looking = setTimeout(() => this.#look(onStatus), LOOK_MILLISECONDS)
    void process.exited.then(() => {
      if (this.#looking !== null) clearTimeout(this.#looking)
      this.#looking = null
    })
  }

  get isGone(): boolean {
    return this.process.isGone
  }

  get isServing(): boolean {
    return !this.isGone && this.status?.serving === true
  }

  /** One question at a time, however long the answer takes. */
  #look(onStatus: (status: MemberStatus) => void): void {
    this.process.status().then(
      status => {
        if (this.#looking === null) return
        this.status = status
        if (status !== null) onStatus(status)
        this.#looking = setTimeout(() => this.#look(onStatus), LOOK_MILLISECONDS)
      },
      // The process has ended: whoever started it hears of that.
      () => undefined
    )
  }
}
