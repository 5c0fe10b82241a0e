import type { Watcher, WatchListener } from '../../lib/index.js'
import { Latencies } from '../load/latencies.js'
import { obey } from '../processes/orders.js'
import { WaitingTime } from '../waiting-time.js'
import { wallNow } from './clock.js'
import { HostedMember, type HostOrders } from './hosted-member.js'

// One process of the bench of watches: it writes, or it has the listeners, or both.

/** `one`: all listeners on one znode. `each`: one listener on each of as many znodes. */
export type Watched = 'one' | 'each'
/** Set by `getData` and gone with its first event, or set by `watch` and there to stay. */
export type WatchedBy = 'getData' | 'watch'

/** When it happened, by {@link wallNow}. */
export interface Written {
  readonly issued: number
  /** The last of the writes was acknowledged. */
  readonly acknowledged: number
}

/** When it happened, by {@link wallNow}. */
export interface Heard {
  /** This member applied the write directly before the first one that is watched, which was issued, logged and committed together with it. */
  readonly committed: number
  readonly first: number
  readonly last: number
  /** Milliseconds of the time from `committed` to `last` in which the thread was ready to run and others had the processors. */
  readonly waited: number
  /** Of every call: from `committed`, encoded. */
  readonly latencies: string
}

export interface WatchOrders extends HostOrders {
  /** Creates the znodes that are watched. */
  fill(listeners: number, valueBytes: number): Promise<void>
  /** Sets the listeners, if they are not there any more or not yet. Resolves when all are there. */
  listen(watched: Watched, by: WatchedBy, listeners: number): Promise<void>
  /** Resolves when every listener has been called since `listen`. */
  heard(): Promise<Heard>
  /** Ends the listeners that are there to stay. */
  deafen(): Promise<void>
  write(watched: Watched, znodes: number, valueBytes: number): Promise<Written>
}

const ONE = '/watched/one'
const BEFORE = '/watched/before'

const host = new HostedMember()
const waiting = new WaitingTime()
let calls = new Float64Array(0)
let count = 0
let committed = 0
let waitedBefore = 0
let waited = 0
let onAllCalled = () => {}
let allCalled: Promise<void> = Promise.resolve()
/** Those that are there to stay. */
let watchers: Watcher[] = []

const orders: WatchOrders = {
  ...host.orders,

  async fill(listeners, valueBytes) {
    const data = Buffer.alloc(valueBytes, '.')
    await host.zk.create('/watched')
    const paths = [BEFORE, ONE, ...Array.from({ length: listeners }, (_, number) => pathOf('each', number))]
    for (let from = 0; from < paths.length; from += 1_000) {
      await Promise.all(paths.slice(from, from + 1_000).map(path => host.zk.create(path, data)))
    }
  },

  async listen(watched, by, listeners) {
    await host.zk.sync()
    calls = new Float64Array(listeners)
    count = 0
    allCalled = new Promise(resolve => {
      onAllCalled = resolve
    })
    if (watchers.length > 0) return
    const onBefore = () => {
      waitedBefore = waiting.milliseconds()
      committed = wallNow()
    }
    const paths = Array.from({ length: listeners }, (_, number) => pathOf(watched, number))
    if (by === 'getData') {
      // Each a function of its own: a session calls one function once for one event.
      const reads = paths.map(path => host.zk.getData(path, { watch: listener() }))
      await Promise.all([host.zk.getData(BEFORE, { watch: onBefore }), ...reads])
    } else {
      watchers = [host.zk.watch(BEFORE, {}, onBefore), ...paths.map(path => host.zk.watch(path, {}, listener()))]
    }
  },

  async heard() {
    await allCalled
    const latencies = Latencies.empty()
    for (const call of calls) latencies.record(call - committed)
    return { committed, first: calls[0] ?? 0, last: calls.at(-1) ?? 0, waited, latencies: latencies.encoded() }
  },

  async deafen() {
    for (const watcher of watchers) watcher.dispose()
    watchers = []
  },

  async write(watched, znodes, valueBytes) {
    const data = Buffer.alloc(valueBytes, '.')
    const issued = wallNow()
    const writes: Promise<unknown>[] = []
    if (watched === 'one') writes.push(host.zk.setData(BEFORE, data), host.zk.setData(ONE, data))
    else {
      // A member takes ten thousand requests at a time, so that the write before shares one with the first of the others.
      const set = (path: string) => ({ type: 'setData', path, data }) as const
      writes.push(host.zk.multi([set(BEFORE), set(pathOf('each', 0))]))
      for (let number = 1; number < znodes; number++) writes.push(host.zk.setData(pathOf('each', number), data))
    }
    await Promise.all(writes)
    return { issued, acknowledged: wallNow() }
  }
}

function pathOf(watched: Watched, number: number): string {
  return watched === 'one' ? ONE : `/watched/each-${number}`
}

function listener(): WatchListener {
  return () => {
    calls[count++] = wallNow()
    if (count < calls.length) return
    waited = waiting.milliseconds() - waitedBefore
    onAllCalled()
  }
}

obey(orders)
