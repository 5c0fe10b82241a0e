import { connect, createServer, type Server, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { freePorts } from '../fixtures/integration-ports.js'
import { until } from '../fixtures/integration-until.js'
import { ProxiedNetwork } from './proxied-network.js'

/** One end of a connection, and everything that has come out of it. */
class End {
  readonly socket: Socket
  length = 0
  readonly #received: Buffer[] = []
  error: string | null = null
  closed = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', bytes => {
      this.#received.push(bytes)
      this.length += bytes.length
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message
    })
    socket.on('close', () => {
      this.closed = true
    })
  }

  get received(): Buffer {
    return Buffer.concat(this.#received)
  }
}

interface Link {
  readonly network: ProxiedNetwork
  readonly dialled: End
  readonly accepted: End
  dial(): Promise<readonly [End, End]>
  /** Writes on one end, and waits until it has come out of the other. */
  passes(from: End, to: End, text: string): Promise<void>
}

/** Member 1 has dialled member 2. */
async function linked(t: Test): Promise<Link> {
  const ports = new Map((await freePorts(2)).map((port, index) => [index + 1, port]))
  const network = await ProxiedNetwork.between(ports, 1)
  const accepted: End[] = []
  const servers: Server[] = []
  for (const port of ports.values()) {
    const server = createServer(socket => accepted.push(new End(socket)))
    await new Promise<void>(resolve => server.listen({ port, host: '127.0.0.1' }, resolve))
    servers.push(server)
  }
  const dialled: End[] = []
  t.teardown(async () => {
    for (const { socket } of [...dialled, ...accepted]) socket.destroy()
    await network.close()
    for (const server of servers) server.close()
  })
  const dial = async (): Promise<readonly [End, End]> => {
    const count = accepted.length
    const end = new End(connect({ port: network.port(1, 2), host: '127.0.0.1' }))
    dialled.push(end)
    return [end, await until('it is accepted', () => accepted[count])]
  }
  const [one, other] = await dial()
  const passes = async (from: End, to: End, text: string): Promise<void> => {
    const before = to.length
    from.socket.write(text)
    await until(`${text} has arrived`, () => to.received.subarray(before).toString() === text)
  }
  return { network, dialled: one, accepted: other, dial, passes }
}

t.test('what is sent arrives, in both directions', async t => {
  const { network, dialled, accepted, passes } = await linked(t)
  await passes(dialled, accepted, 'there')
  await passes(accepted, dialled, 'and back')
  t.equal(network.done.bytes, 'thereand back'.length)
})

t.test('a close is forwarded', async t => {
  const { dialled, accepted } = await linked(t)
  accepted.socket.end('last words')
  await until('the other end is closed', () => dialled.closed)
  t.equal(dialled.received.toString(), 'last words')
})

t.test('a reset ends both ends at once, and the next connection holds', async t => {
  const { network, dialled, accepted, dial, passes } = await linked(t)
  network.reset(2, 1)
  await until('both are closed', () => dialled.closed && accepted.closed)
  t.strictSame([dialled.error, accepted.error], ['ECONNRESET', 'ECONNRESET'])
  const [next, other] = await dial()
  await passes(next, other, 'again')
  t.equal(network.done.resets, 1)
})

t.test('while a pair is refused there is no new connection', async t => {
  const { network, dialled, dial, passes } = await linked(t)
  network.refuse(1, 2)
  await until('it is closed', () => dialled.closed)
  const refused = new End(connect({ port: network.port(1, 2), host: '127.0.0.1' }))
  await until('the next one is closed as well', () => refused.closed)
  network.heal(1, 2)
  const [next, other] = await dial()
  await passes(next, other, 'again')
})

t.test(
  'of a held direction nothing arrives, not even the close, and the other direction goes on; it all arrives when it is healed',
  async t => {
    const { network, dialled, accepted, passes } = await linked(t)
    network.hold(1, 2)
    dialled.socket.write('held')
    await passes(accepted, dialled, 'not held')
    dialled.socket.destroy()
    await until('the proxy has seen the end', () => dialled.closed)
    await passesTheLoop()
    t.equal(accepted.length, 0)
    t.notOk(accepted.closed)
    network.heal(1, 2)
    await until('the close has arrived', () => accepted.closed)
    t.equal(accepted.received.toString(), 'held')
  }
)

t.test('a delayed direction takes at least as long, and keeps the order', async t => {
  const { network, dialled, accepted, passes } = await linked(t)
  network.direction(1, 2).delayMilliseconds = 60
  const begin = performance.now()
  dialled.socket.write('a')
  await passes(accepted, dialled, 'back')
  t.equal(accepted.length, 0)
  dialled.socket.write('b')
  await until('both have arrived', () => accepted.received.toString() === 'ab')
  t.ok(performance.now() - begin >= 60)
})

t.test('a dripping direction lets so many bytes a second through', async t => {
  const { network, dialled, accepted } = await linked(t)
  network.direction(1, 2).bytesPerSecond = 5_000
  const begin = performance.now()
  dialled.socket.write(Buffer.alloc(1_000))
  await until('all has arrived', () => accepted.length === 1_000)
  t.ok(performance.now() - begin >= 150, 'a thousand bytes take a fifth of a second')
})

t.test('a connection is cut after so many bytes more', async t => {
  const { network, dialled, accepted } = await linked(t)
  network.direction(1, 2).cutAfterBytes = 5
  dialled.socket.write('abcdefgh')
  await until('both are closed', () => dialled.closed && accepted.closed)
  t.equal(accepted.received.toString(), 'abcde')
  t.equal(network.done.cuts, 1)
})

t.test('one bit of one byte is flipped', async t => {
  const { network, dialled, accepted, passes } = await linked(t)
  network.direction(2, 1).flips = 1
  const sent = Buffer.alloc(100)
  accepted.socket.write(sent)
  await until('all has arrived', () => dialled.length === 100)
  const wrong = [...dialled.received].filter(byte => byte !== 0)
  t.equal(wrong.length, 1)
  t.equal(wrong[0]?.toString(2).replaceAll('0', ''), '1')
  await passes(accepted, dialled, 'whole again')
  t.equal(network.done.flips, 1)
})

t.test('a sender whose bytes are held is made to wait', async t => {
  const { network, dialled, accepted } = await linked(t)
  network.hold(1, 2)
  const bytes = 32 * 1024 * 1024
  dialled.socket.write(Buffer.alloc(bytes))
  await passesTheLoop()
  t.ok(dialled.socket.writableLength > 0, 'not all of it has left')
  network.heal(1, 2)
  await until('all has arrived', () => accepted.length === bytes)
})

/** What sockets have to say is said. */
async function passesTheLoop(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}
