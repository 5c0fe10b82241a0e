import { obey } from '../processes/orders.js'
import { WaitingTime } from '../waiting-time.js'
import { wallNow } from './clock.js'
import { HostedMember, type HostOrders } from './hosted-member.js'
import { type Recovery, SteadyWrites } from './steady-writes.js'

// One process of the bench of failovers: it writes at its own member all the time.

/** What has happened to a member, and when by {@link wallNow}. */
export interface Event {
  readonly at: number
  readonly what: string
  /** Milliseconds since the event before it in which this process was ready to run and others had the processors. */
  readonly waited: number
}

export interface FailoverOrders extends HostOrders {
  fill(path: string, valueBytes: number): Promise<void>
  beginWrites(path: string, valueBytes: number): Promise<void>
  /** See {@link SteadyWrites}; and what has happened to the member since. */
  recovered(since: number): Promise<{ readonly recovery: Recovery; readonly events: readonly Event[] }>
}

let events: Event[] = []
let waitedBefore = 0
const waiting = new WaitingTime()

const note = (what: string): void => {
  const waited = waiting.milliseconds()
  events.push({ at: wallNow(), what, waited: waited - waitedBefore })
  waitedBefore = waited
}

const host = new HostedMember(member => {
  member.on('role', (role, leader) => note(`${role}, leader ${leader}`))
  member.on('stall', milliseconds => note(`stalled for ${Math.round(milliseconds)} ms`))
  member.on('session', () => note('new session'))
  member.on('progress', progress => {
    note(
      progress.kind === 'serving'
        ? `serves in epoch ${progress.epoch}`
        : `${progress.kind}${'reason' in progress ? `: ${progress.reason}` : ''}`
    )
  })
})
let path = '/'
let data = Buffer.alloc(0)
const writes = new SteadyWrites(() => host.zk.setData(path, data))

const orders: FailoverOrders = {
  ...host.orders,

  async fill(path, valueBytes) {
    await host.zk.create(path, Buffer.alloc(valueBytes, '.'))
  },

  async beginWrites(toPath, valueBytes) {
    path = toPath
    data = Buffer.alloc(valueBytes, '.')
    events = []
    waitedBefore = waiting.milliseconds()
    await host.zk.sync()
    writes.begin()
  },

  async recovered(since) {
    note('hears that the leader was killed')
    const recovery = await writes.recovered(since)
    note('has a write acknowledged')
    return { recovery, events: events.filter(({ at }) => at >= since) }
  }
}

obey(orders)
