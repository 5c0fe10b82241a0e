import { type ChildProcess, spawn } from 'node:child_process'

const COMPLAINT_CHARACTERS_MAX = 4_000

const running = new Set<ChildProcess>()

/** A server that is no program of ours, in a process of its own. It ends when the bench does. */
export class ServerProcess {
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>
  readonly #child: ChildProcess
  #hasEnded = false
  #complaint = ''

  constructor(command: string, args: readonly string[]) {
    if (running.size === 0) endWithTheBench()
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child = child
    running.add(child)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-COMPLAINT_CHARACTERS_MAX)
    })
    this.ended = new Promise(resolve => {
      const end = (): void => {
        running.delete(child)
        this.#hasEnded = true
        resolve()
      }
      child.once('exit', end).once('error', error => {
        this.#complaint += error.message
        end()
      })
    })
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** The end of what it has written to its stderr. */
  get complaint(): string {
    return this.#complaint
  }

  /** As a crash would. Resolves when the operating system has cleared it away. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }
}

let isEnding = false

/** A server does not notice that nobody is there any more. A signal alone would end the bench without its `exit` event. */
function endWithTheBench(): void {
  if (isEnding) return
  isEnding = true
  process.once('exit', () => {
    for (const child of running) child.kill('SIGKILL')
  })
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
}
