import { ZooKeeperError, type Zxid } from '../base/index.js'
import type { OperationResult } from '../tree/index.js'
import type { RequestBody } from '../wire/index.js'
import { acceptedOf } from './answers.js'
import { Call } from './call.js'
import type { Deadlines } from './deadlines.js'
import type { FollowUp, Outbox, Requester } from './outbox.js'
import type { AppliedTxn } from './replica.js'
import type { CallOptions, ReadOptions } from './zookeeper.js'

/** What calls need of the member that they are made in. */
export interface CallHost {
  readonly outbox: Outbox
  readonly deadlines: Deadlines
  readonly requestTimeout: number
  /** The member takes part in an established epoch and has applied what it began with. */
  readonly serving: boolean
  /** Calls back, once, as soon as the member serves. */
  whenServing(callback: () => void): void
  /** Calls back with a zxid that a linearizable read must have reached. */
  readIndex(callback: (zxid: Zxid) => void): void
  /** Calls back, once, as soon as everything up to `zxid` has been applied. */
  whenApplied(zxid: Zxid, callback: () => void): void
}

/**
 * The calls of one session, in order: a write goes to the log at once, a read behind a write is done directly after that write has been applied,
 * and nothing overtakes a `sync` or a linearizable read.
 */
export class CallOrder {
  readonly #host: CallHost
  readonly #requester: Requester
  /** Calls that wait for something other than an answer from the log. */
  readonly #waiting = new Set<Call<never>>()
  /** What was issued behind a `sync` or linearizable read and is not done yet; null when there is none. */
  #deferred: (() => void)[] | null = null
  /** It is under way; otherwise what it has held up is being done. */
  #isHeldUp = false

  constructor(host: CallHost, requester: Requester) {
    this.#host = host
    this.#requester = requester
  }

  /** Gives what `pick` makes of the write's result. Who asks is whoever the session has shown to be when this is called. */
  write<T>(body: RequestBody, options: CallOptions, pick: (result: OperationResult) => T): Promise<T> {
    const { auth } = this.#requester
    const call = new Call<T>(this.#host.deadlines, this.#host.requestTimeout, options)
    if (this.#deferred === null) this.#issue(call, body, auth, pick)
    else {
      this.#await(call)
      call.outcome = 'not-applied'
      this.#deferred.push(() => {
        this.#waiting.delete(call as unknown as Call<never>)
        call.outcome = 'unknown'
        this.#issue(call, body, auth, pick)
      })
    }
    return call.promise
  }

  #issue<T>(call: Call<T>, body: RequestBody, auth: Requester['auth'], pick: (result: OperationResult) => T): void {
    if (call.settled) return
    const settle = (answer: AppliedTxn | ZooKeeperError): void => {
      if (answer instanceof ZooKeeperError) return call.reject(answer)
      try {
        call.resolve(pick(acceptedOf(answer)))
      } catch (error) {
        call.reject(error)
      }
    }
    try {
      this.#host.outbox.add(this.#requester, body, settle, auth)
    } catch (error) {
      call.reject(error)
    }
  }

  /** Gives what `produce` finds when it is the read's turn. */
  read<T>(options: ReadOptions, produce: () => T): Promise<T> {
    const immediate = this.#deferred === null && this.#requester.last === null && this.#host.serving
    if (immediate && options.linearizable !== true) {
      try {
        options.signal?.throwIfAborted()
        return Promise.resolve(produce())
      } catch (error) {
        return Promise.reject(error)
      }
    }
    const call = new Call<T>(this.#host.deadlines, this.#host.requestTimeout, options)
    this.#await(call)
    if (options.linearizable === true) {
      // PERF: asked at once and not when its turn has come, so that a session has as many under way as it likes. What is committed by now is
      // what this read must have seen; what its own session has written before, it waits for besides.
      const index = new ReachedIndex(this.#host)
      this.#inOrder(() => this.#barrier(call, index, produce))
    } else
      this.#inOrder(() => this.#behindWrites(overtaken => (overtaken === null ? call.settle(produce) : call.reject(overtaken))))
    return call.promise
  }

  /** The session is over: what waits is not done, and what is behind it neither. */
  end(error: ZooKeeperError): void {
    for (const call of this.#waiting) call.reject(error)
    this.#waiting.clear()
    this.#deferred = null
    this.#isHeldUp = false
  }

  #await<T>(call: Call<T>): void {
    const waiting = call as unknown as Call<never>
    this.#waiting.add(waiting)
    const forget = () => this.#waiting.delete(waiting)
    call.promise.then(forget, forget)
  }

  /** Does it as soon as every write issued so far has been applied and, if there is none under way, the member serves. */
  #behindWrites(act: FollowUp): void {
    const { last } = this.#requester
    if (last !== null) {
      last.behind ??= []
      last.behind.push(act)
    } else if (this.#host.serving) act(null)
    else this.#host.whenServing(() => act(null))
  }

  /** Does it now, or when the `sync` or linearizable read ahead of it is done. */
  #inOrder(act: () => void): void {
    if (this.#deferred === null) act()
    else this.#deferred.push(act)
  }

  #barrier<T>(call: Call<T>, index: ReachedIndex, produce: () => T): void {
    if (call.settled) return
    this.#deferred ??= []
    this.#isHeldUp = true
    let done = false
    const finish = () => {
      if (done) return
      done = true
      call.settle(produce)
      this.#isHeldUp = false
      this.#resume()
    }
    // A call that has timed out or was aborted must not hold up what stands behind it.
    call.promise.catch(finish)
    index.whenReached(() => this.#behindWrites(finish))
  }

  /** Does what was held up, to its end or to the next that holds up the rest. What listeners ask for meanwhile stands behind all of it. */
  #resume(): void {
    while (this.#deferred !== null && !this.#isHeldUp) {
      const act = this.#deferred.shift()
      if (act === undefined) this.#deferred = null
      else act()
    }
  }
}

/** Everything that was committed anywhere when it was made, and whether it has been applied here. */
class ReachedIndex {
  #isReached = false
  #callback: (() => void) | null = null

  constructor(host: CallHost) {
    host.readIndex(zxid => host.whenApplied(zxid, () => this.#reach()))
  }

  /** Calls back once. */
  whenReached(callback: () => void): void {
    if (this.#isReached) callback()
    else this.#callback = callback
  }

  #reach(): void {
    this.#isReached = true
    this.#callback?.()
  }
}
