import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { MemberOrders, Notice, Reply, Request } from './demo-messages.js'

const PROGRAM = fileURLToPath(new URL('./demo-member.js', import.meta.url))

/** No order may take longer: the demo fails rather than hangs. */
const ANSWER_MILLISECONDS_MAX = 15_000

interface Waiter {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** One life of one of the demo's processes, seen from outside. */
export class DemoProcess {
  readonly id: number
  /** Resolves to the exit code, or to the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  readonly #child: ChildProcess
  readonly #waiters = new Map<number, Waiter>()
  #number = 0

  constructor(id: number, onNotice: (notice: Notice) => void) {
    this.id = id
    this.#child = fork(PROGRAM)
    this.#child.on('message', (message: Reply | Notice) => {
      if (message.kind === 'done' || message.kind === 'failed') this.#settle(message)
      else onNotice(message)
    })
    this.ended = new Promise(resolve => {
      this.#child.once('exit', (code, signal) => resolve(code ?? signal))
    })
    this.#child.once('exit', () => {
      for (const { reject, timer } of this.#waiters.values()) {
        clearTimeout(timer)
        reject(new Error(`process of member ${id} ended without an answer`))
      }
      this.#waiters.clear()
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  ask<Order extends keyof MemberOrders>(order: Order, ...args: Parameters<MemberOrders[Order]>): ReturnType<MemberOrders[Order]> {
    const answer = new Promise<unknown>((resolve, reject) => {
      const number = ++this.#number
      const onLate = () => {
        this.#waiters.delete(number)
        reject(new Error(`member ${this.id} did not answer '${order}' within ${ANSWER_MILLISECONDS_MAX} ms`))
      }
      this.#waiters.set(number, { resolve, reject, timer: setTimeout(onLate, ANSWER_MILLISECONDS_MAX) })
      const request: Request = { number, order, args }
      this.#child.send(request, error => {
        if (error !== null) this.#settle({ kind: 'failed', number, reason: error.message })
      })
    })
    return answer as ReturnType<MemberOrders[Order]>
  }

  /** As a crash would: nothing in the process gets to run any more. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #settle(reply: Reply): void {
    const waiter = this.#waiters.get(reply.number)
    if (waiter === undefined) return
    this.#waiters.delete(reply.number)
    clearTimeout(waiter.timer)
    if (reply.kind === 'done') waiter.resolve(reply.result)
    else waiter.reject(new Error(`member ${this.id}: ${reply.reason}`))
  }
}
