import { setTimeout as sleep } from 'node:timers/promises'
import { createEnsembleMember, type EnsembleMember, isZooKeeperError } from 'embedded-zookeeper'
import { type MemberOrders, type Notice, type Reply, type Request, WRITES, type Written } from './demo-messages.js'

// One of the demo's three processes: an application that embeds a member of the ensemble, and does what the demo asks for.

/** Writes of one process that are under way at the same time, and the pause of each between two writes. */
const WRITERS = 8
const PAUSE_MILLISECONDS = 8

let zk: EnsembleMember
let isWriting = false
let writing: Promise<unknown> = Promise.resolve()
let untold: Written[] = []

const orders: MemberOrders = {
  async start(peers, id, dataDir) {
    zk = await createEnsembleMember(peers, { id, dataDir, ensemble: 'demo' })
  },

  async status() {
    return zk.status()
  },

  async create(path, data) {
    await zk.create(path, data)
  },

  async holds(path) {
    return zk.local.exists(path) !== null
  },

  async beginWriting(writer) {
    await createUnlessThere(WRITES)
    await zk.create(`${WRITES}/${writer}`, '0')
    isWriting = true
    writing = Promise.all(Array.from({ length: WRITERS }, (_, slot) => writeSteadily(`${WRITES}/${writer}`, slot)))
  },

  async endWriting() {
    isWriting = false
    await writing
    tell()
  },

  async measure(outstanding, milliseconds) {
    await createUnlessThere('/measured')
    const data = Buffer.alloc(100, '.')
    const begin = performance.now()
    let writes = 0
    const writeOn = async (slot: number): Promise<void> => {
      const path = `/measured/${slot}`
      await createUnlessThere(path)
      while (performance.now() - begin < milliseconds) {
        await zk.setData(path, data)
        writes++
      }
    }
    await Promise.all(Array.from({ length: outstanding }, (_, slot) => writeOn(slot)))
    return { writes, milliseconds: performance.now() - begin }
  },

  async sync() {
    await zk.sync()
  },

  async dump() {
    return read(WRITES)
  },

  close() {
    return zk.close()
  }
}

/**
 * Odd writes create a znode of their own, which is refused if it is done twice. Even writes set the writer's counter, whose number must then
 * be the znode's version: a write that was lost or done twice would drive the two apart for ever.
 */
async function writeSteadily(writer: string, slot: number): Promise<void> {
  try {
    for (let number = slot; isWriting; number += WRITERS) {
      const path = `${writer}/${number}`
      const { stat } = await zk.create(path, `value ${number}`)
      acknowledged({ path, data: `value ${number}`, version: stat.version })
      await count(writer)
      await sleep(PAUSE_MILLISECONDS)
    }
  } catch (error) {
    send({ kind: 'refused', reason: reasonOf(error) })
  }
}

let counted = 0

async function count(path: string): Promise<void> {
  // Numbered when it is issued: a session's writes take effect in the order of its calls.
  const data = String(++counted)
  const { version } = await zk.setData(path, data)
  acknowledged({ path, data, version })
}

/** What is acknowledged in one turn of the event loop is told in one message. */
function acknowledged(write: Written): void {
  if (untold.push(write) === 1) setImmediate(tell)
}

function tell(): void {
  if (untold.length > 0) send({ kind: 'acknowledged', writes: untold })
  untold = []
}

async function createUnlessThere(path: string): Promise<void> {
  try {
    await zk.create(path)
  } catch (error) {
    if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error
  }
}

function read(path: string): readonly Written[] {
  const children = zk.local.getChildren(path)?.children ?? []
  return children.flatMap(name => {
    const child = `${path}/${name}`
    const found = zk.local.getData(child)
    if (found === null) return []
    return [{ path: child, data: found.data?.toString() ?? '', version: found.stat.version }, ...read(child)]
  })
}

function reasonOf(error: unknown): string {
  return isZooKeeperError(error) ? `${error.code}: ${error.message}` : String(error)
}

function send(message: Reply | Notice): void {
  if (process.connected) process.send?.(message)
}

process.on('message', ({ number, order, args }: Request) => {
  const carryOut = orders[order] as (...args: readonly unknown[]) => Promise<unknown>
  carryOut(...args).then(
    result => {
      send({ kind: 'done', number, result })
      // Nothing is left behind then: the process ends by itself.
      if (order === 'close') process.disconnect()
    },
    (error: unknown) => send({ kind: 'failed', number, reason: reasonOf(error) })
  )
})

// Without the demo there is nothing to do. After an orderly close there is nothing left to end either.
process.on('disconnect', () => {
  if (zk === undefined || zk.role !== 'closed') process.exit(1)
})
// Ctrl-C in a terminal reaches all of its processes. The demo ends this one in its own time.
process.on('SIGINT', () => {})
