import { isZooKeeperError, type MemberId } from '../../base/index.js'
import type { EnsembleMember } from '../../member/index.js'
import type { VirtualEnsemble } from './virtual-ensemble.js'

/** What a process may end with although nothing is wrong with the library. */
const EXPECTED_ENDS = new Set(['START_TIMEOUT', 'STORAGE_FAILED', 'LOG_CORRUPTED', 'DATA_DIR_IN_USE', 'ADDRESS_UNAVAILABLE'])

export interface SupervisorHandlers {
  /** A member serves for the first time in its process. */
  onUp(id: MemberId, member: EnsembleMember): void
  /** Its process is gone. */
  onDown(id: MemberId): void
  /** A process ended with something that nothing explains. */
  onUnexpected(id: MemberId, error: unknown): void
}

/** Keeps processes running, as whatever runs an application does: what has ended is started again after a while. */
export class Supervisor {
  readonly #ensemble: VirtualEnsemble
  readonly #handlers: SupervisorHandlers
  readonly #wanted = new Set<number>()
  readonly #closing = new Set<number>()
  readonly #restartMs: number

  constructor(ensemble: VirtualEnsemble, restartMs: number, handlers: SupervisorHandlers) {
    this.#ensemble = ensemble
    this.#handlers = handlers
    this.#restartMs = restartMs
  }

  /** From here on the member's process runs, and again when it ends by itself. */
  up(id: number): void {
    this.#wanted.add(id)
    if (!this.#ensemble.isRunning(id) && !this.#closing.has(id)) this.#start(id)
  }

  /** Kills the process, at once: also in the middle of what it is doing. It stays down until {@link up}. */
  kill(id: number, how: { readonly silent?: boolean; readonly power?: boolean } = {}): void {
    this.#wanted.delete(id)
    this.#closing.delete(id)
    if (!this.#ensemble.isRunning(id)) return
    void this.#ensemble.crash(id, how)
    this.#handlers.onDown(id as MemberId)
  }

  /** Closes the member in order, if it serves; it stays down until {@link up}. */
  close(id: number): void {
    this.#wanted.delete(id)
    const member = this.#ensemble.memberOrNull(id)
    if (member === null) return this.kill(id)
    if (this.#closing.has(id)) return
    this.#closing.add(id)
    const life = this.#ensemble.life(id)
    const done = () => {
      if (this.#ensemble.life(id) !== life || !this.#closing.delete(id)) return
      if (this.#ensemble.isRunning(id)) void this.#ensemble.crash(id)
      this.#handlers.onDown(id as MemberId)
      if (this.#wanted.has(id)) this.#start(id)
    }
    member.close().then(done, error => {
      this.#handlers.onUnexpected(id as MemberId, error)
      done()
    })
  }

  isClosing(id: number): boolean {
    return this.#closing.has(id)
  }

  #start(id: number): void {
    const started = this.#ensemble.start(id)
    const life = this.#ensemble.life(id)
    started.then(
      member => {
        if (this.#ensemble.life(id) !== life || !this.#ensemble.isRunning(id)) return
        member.on('error', error => this.#onEnd(id, life, error))
        this.#handlers.onUp(id as MemberId, member)
      },
      error => this.#onEnd(id, life, error)
    )
  }

  #onEnd(id: number, life: number, error: unknown): void {
    if (this.#ensemble.life(id) !== life) return
    if (!isZooKeeperError(error) || !EXPECTED_ENDS.has(error.code)) this.#handlers.onUnexpected(id as MemberId, error)
    if (this.#ensemble.isRunning(id)) void this.#ensemble.crash(id)
    this.#handlers.onDown(id as MemberId)
    this.#ensemble.virtual.runtime.scheduler.after(this.#restartMs, () => {
      if (this.#wanted.has(id)) this.up(id)
    })
  }
}
