import { type ChildProcess, fork } from 'node:child_process'
import type { Orders, Reply, Request } from './orders.js'

interface Waiter {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/** A process that a bench has forked from a program that calls `obey`, seen from outside. */
export class BenchProcess<Known extends Orders> {
  /** Resolves to the exit code, or to the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  readonly #child: ChildProcess
  readonly #waiters = new Map<number, Waiter>()
  #number = 0

  /** `program` is the compiled file. */
  constructor(program: URL, nodeArguments: readonly string[] = []) {
    this.#child = fork(program, { execArgv: [...nodeArguments] })
    this.#child.on('message', (reply: Reply) => this.#settle(reply))
    this.ended = new Promise(resolve => {
      this.#child.once('exit', (code, signal) => {
        for (const { reject } of this.#waiters.values()) reject(new Error(`${program.pathname} ended without an answer`))
        this.#waiters.clear()
        resolve(code ?? signal)
      })
    })
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw new Error('the process has not started')
    return pid
  }

  ask<Order extends keyof Known & string>(order: Order, ...args: Parameters<Known[Order]>): ReturnType<Known[Order]> {
    const answer = new Promise<unknown>((resolve, reject) => {
      const number = ++this.#number
      this.#waiters.set(number, { resolve, reject })
      const request: Request = { number, order, args }
      this.#child.send(request, error => {
        if (error !== null) this.#settle({ kind: 'failed', number, reason: error.message })
      })
    })
    return answer as ReturnType<Known[Order]>
  }

  /** As a crash would: nothing in the process gets to run any more. Resolves when the operating system has cleared it away. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  #settle(reply: Reply): void {
    const waiter = this.#waiters.get(reply.number)
    if (waiter === undefined) return
    this.#waiters.delete(reply.number)
    if (reply.kind === 'done') waiter.resolve(reply.result)
    else waiter.reject(new Error(reply.reason))
  }
}
