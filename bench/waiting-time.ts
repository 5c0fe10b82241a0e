import { closeSync, openSync, readSync } from 'node:fs'

/** How long this thread has been ready to run without running, as Linux counts it; 0 elsewhere. */
export class WaitingTime {
  readonly #file: number | null
  readonly #bytes = Buffer.alloc(100)

  constructor() {
    let file: number | null = null
    try {
      // Of the process's first thread, which is the one that runs JavaScript.
      file = openSync('/proc/self/schedstat', 'r')
    } catch {
      // Another system, or one without scheduler statistics.
    }
    this.#file = file
  }

  milliseconds(): number {
    if (this.#file === null) return 0
    const length = readSync(this.#file, this.#bytes, 0, this.#bytes.length, 0)
    return Number(this.#bytes.toString('latin1', 0, length).split(' ')[1]) / 1e6
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file)
  }
}
