import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, connect as netConnect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { LIMITS } from '../../lib/base/index.js'
import { nodeRuntime } from '../../lib/member/node-runtime.js'
import {
  type Address,
  type Channel,
  type CloseReason,
  IpcTransport,
  MemoryNetwork,
  parseAddress,
  TcpTransport,
  type Transport,
  transportSuite
} from '../../lib/transport/index.js'

const { scheduler } = nodeRuntime()
const ANY_PORT: Address = { scheme: 'tcp', host: '127.0.0.1', port: 0 }
const never = new AbortController().signal

const tcp = (secret: string | null, ensembleName = 'default') => new TcpTransport({ scheduler, secret, ensembleName })
const directory = () => mkdtemp(join(tmpdir(), 'ezk-'))

/** A port that was free a moment ago: the suite dials an address before anybody listens on it. */
async function freeAddress(): Promise<Address> {
  const listener = await tcp(null).listen(ANY_PORT, () => {})
  await listener.close()
  return listener.address
}

function closeOf(channel: Channel): Promise<CloseReason> {
  return new Promise(resolve => channel.start({ onFrame: () => {}, onDrain: () => {}, onClose: resolve }))
}

/** Listens, and resolves to why the first channel was closed. */
async function firstClose(transport: Transport, address: Address) {
  let onClose: (reason: CloseReason) => void = () => {}
  const closed = new Promise<CloseReason>(resolve => {
    onClose = resolve
  })
  const listener = await transport.listen(address, channel => {
    channel.start({ onFrame: () => {}, onDrain: () => {}, onClose })
  })
  return { listener, closed }
}

async function rawConnection(address: Address): Promise<Socket> {
  const socket =
    address.scheme === 'tcp' ? netConnect(address.port, address.host) : netConnect(address.scheme === 'ipc' ? address.path : '')
  socket.on('error', () => {})
  await new Promise(resolve => socket.once('connect', resolve))
  return socket
}

for (const secret of [null, 'a shared secret']) {
  t.test(secret === null ? 'TCP' : 'TCP with a secret', async t => {
    transportSuite({
      test: (title, run) => t.test(title, run),
      factory: async () => ({ dialer: tcp(secret), acceptor: tcp(secret), address: await freeAddress() })
    })
  })
}

t.test('unix sockets', async t => {
  transportSuite({
    test: (title, run) => t.test(title, run),
    factory: async () => {
      const path = await directory()
      return {
        dialer: new IpcTransport({ scheduler }),
        acceptor: new IpcTransport({ scheduler }),
        address: { scheme: 'ipc', path: join(path, 'one.sock') },
        close: () => rm(path, { recursive: true })
      }
    }
  })
})

t.test('memory', async t => {
  transportSuite({
    test: (title, run) => t.test(title, run),
    factory: async () => {
      const network = new MemoryNetwork()
      return {
        dialer: network.transport('a', scheduler),
        acceptor: network.transport('b', scheduler),
        address: { scheme: 'memory', name: 'b' }
      }
    }
  })
})

t.test('a port of 0 becomes the port that was given', async t => {
  const listener = await tcp(null).listen(ANY_PORT, () => {})
  t.ok(listener.address.scheme === 'tcp' && listener.address.port > 0)
  await listener.close()
})

for (const [title, dialer] of [
  ['another secret', tcp('wrong')],
  ['the secret of another ensemble', tcp('right', 'other')]
] as const) {
  t.test(`${title} is refused at both ends`, async t => {
    const { listener, closed } = await firstClose(tcp('right'), ANY_PORT)
    await t.rejects(dialer.dial(listener.address, never), { code: 'AUTHENTICATION_FAILED' })
    t.equal((await closed).code, 'AUTHENTICATION_FAILED')
    await listener.close()
  })
}

t.test('a dialer without a secret is refused by a listener with one', async t => {
  const { listener, closed } = await firstClose(tcp('right'), ANY_PORT)
  const channel = await tcp(null).dial(listener.address, never)
  channel.send(new Uint8Array(100))
  const reasons = await Promise.all([closeOf(channel), closed])
  t.equal(reasons[1].code, 'AUTHENTICATION_FAILED')
  await listener.close()
})

t.test('a dialer with a secret does not fall back to a listener without one', async t => {
  const { listener, closed } = await firstClose(tcp(null), ANY_PORT)
  await t.rejects(tcp('right').dial(listener.address, never), { code: 'CONNECTION_LOSS' })
  t.equal((await closed).code, 'AUTHENTICATION_FAILED')
  await listener.close()
})

t.test('a channel that is dropped before it was encrypted is a lost connection', async t => {
  const { listener, closed } = await firstClose(tcp('right'), ANY_PORT)
  const socket = await rawConnection(listener.address)
  socket.destroy()
  t.equal((await closed).code, 'CONNECTION_LOSS')
  await listener.close()
})

t.test('nothing of what is sent with a secret can be read on the way', async t => {
  const seen: Buffer[] = []
  const { listener, closed } = await firstClose(tcp('right'), ANY_PORT)
  const upstream = listener.address
  const proxy = createServer(client => {
    const server = netConnect(upstream.scheme === 'tcp' ? upstream.port : 0, '127.0.0.1')
    for (const [from, to] of [
      [client, server],
      [server, client]
    ] as const) {
      from.on('data', (chunk: Buffer) => {
        seen.push(chunk)
        to.write(chunk)
      })
      from.on('error', () => {})
      from.on('close', () => to.destroy())
    }
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  const bound = proxy.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  const channel = await tcp('right').dial({ scheme: 'tcp', host: '127.0.0.1', port }, never)
  channel.send(Buffer.from('a canary in the frame'))
  channel.close({ code: 'CLOSED', detail: '' }, { flush: true })
  await closed
  t.ok(Buffer.concat(seen).length > 100)
  t.notOk(Buffer.concat(seen).includes('canary'))
  t.notOk(Buffer.concat(seen).includes('right'))
  proxy.close()
  await listener.close()
})

t.test('a declared length above the limit closes the channel, whatever follows', async t => {
  const { listener, closed } = await firstClose(tcp(null), ANY_PORT)
  const socket = await rawConnection(listener.address)
  socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3]))
  t.equal((await closed).code, 'BAD_FRAME')
  socket.destroy()
  await listener.close()
})

t.test('a stream that stops within a frame says so', async t => {
  const { listener, closed } = await firstClose(tcp(null), ANY_PORT)
  const socket = await rawConnection(listener.address)
  socket.end(Buffer.from([0, 0, 0, 9, 1]))
  t.match(await closed, { code: 'CONNECTION_LOSS', detail: /within a frame/ })
  await listener.close()
})

t.test('frames of one turn leave together: a hundred thousand small ones need few reads', async t => {
  const listener = await tcp(null).listen(ANY_PORT, channel => {
    channel.start({ onFrame: () => {}, onDrain: () => {}, onClose: () => {} })
    for (let index = 0; index < 100_000; index++) channel.send(new Uint8Array(60))
    channel.close({ code: 'CLOSED', detail: '' }, { flush: true })
  })
  const socket = await rawConnection(listener.address)
  let reads = 0
  let bytes = 0
  socket.on('data', (chunk: Buffer) => {
    reads++
    bytes += chunk.length
  })
  await new Promise(resolve => socket.once('close', resolve))
  t.equal(bytes, 100_000 * 68)
  t.ok(reads < 2_000, `${reads} reads`)
  await listener.close()
})

t.test('a peer that reads nothing makes what waits grow, not the memory that is hidden', async t => {
  const listener = await tcp(null).listen(ANY_PORT, channel => {
    channel.start({ onFrame: () => {}, onDrain: () => {}, onClose: () => {} })
    for (let index = 0; index < 64; index++) channel.send(new Uint8Array(1024 * 1024))
    t.ok(channel.bufferedBytes >= 64 * 1024 * 1024)
    channel.close({ code: 'CLOSED', detail: '' })
  })
  const socket = await rawConnection(listener.address)
  await new Promise(resolve => {
    socket.once('close', resolve)
    socket.resume()
  })
  await listener.close()
})

t.test('unix socket files', async t => {
  const transport = new IpcTransport({ scheduler })
  const path = await directory()
  t.teardown(() => rm(path, { recursive: true }))
  const addressOf = (name: string): Address => ({ scheme: 'ipc', path: join(path, name) })

  await t.test('are for their user alone and vanish with their listener', async t => {
    const listener = await transport.listen(addressOf('mode.sock'), () => {})
    t.equal((await stat(join(path, 'mode.sock'))).mode & 0o777, 0o600)
    await listener.close()
    t.strictSame(await readdir(path), [])
  })

  await t.test('that a dead process has left are taken over', async t => {
    const { spawn } = await import('node:child_process')
    const script = `require('node:net').createServer().listen(${JSON.stringify(join(path, 'stale.sock'))}, () => process.kill(process.pid, 'SIGKILL'))`
    const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' })
    await new Promise(resolve => child.once('exit', resolve))
    t.strictSame(await readdir(path), ['stale.sock'])
    const listener = await transport.listen(addressOf('stale.sock'), () => {})
    await listener.close()
    t.strictSame(await readdir(path), [])
  })

  await t.test('that another process listens on are left alone', async t => {
    const { listener, closed } = await firstClose(transport, addressOf('live.sock'))
    await t.rejects(
      new IpcTransport({ scheduler }).listen(addressOf('live.sock'), () => {}),
      { code: 'ADDRESS_UNAVAILABLE' }
    )
    t.equal((await closed).code, 'CONNECTION_LOSS', 'only the probe came and went')
    const channel = await transport.dial(addressOf('live.sock'), never)
    channel.close({ code: 'CLOSED', detail: '' })
    await listener.close()
  })

  await t.test('are not made where there is another file, which stays', async t => {
    await writeFile(join(path, 'file'), 'precious')
    await t.rejects(
      transport.listen(addressOf('file'), () => {}),
      { code: 'ADDRESS_UNAVAILABLE' }
    )
    t.strictSame(await readdir(path), ['file'])
  })

  await t.test('of a name lie in a directory that is closed to others', async t => {
    const former = process.env.XDG_RUNTIME_DIR
    process.env.XDG_RUNTIME_DIR = path
    t.teardown(() => {
      if (former === undefined) delete process.env.XDG_RUNTIME_DIR
      else process.env.XDG_RUNTIME_DIR = former
    })
    const listener = await transport.listen(parseAddress('ipc:named'), () => {})
    t.equal((await stat(join(path, 'embedded-zookeeper'))).mode & 0o777, 0o700)
    await listener.close()
    const { chmod } = await import('node:fs/promises')
    await chmod(join(path, 'embedded-zookeeper'), 0o755)
    await t.rejects(
      transport.listen(parseAddress('ipc:named'), () => {}),
      { code: 'ADDRESS_UNAVAILABLE' }
    )
    await t.rejects(transport.dial(parseAddress('ipc:named'), never), { code: 'CONNECTION_LOSS' })
  })
})

t.test('an unknown host is a lost connection and an unbindable one is unavailable', async t => {
  await t.rejects(tcp(null).dial({ scheme: 'tcp', host: 'no-such-host.invalid', port: 1 }, never), { code: 'CONNECTION_LOSS' })
  await t.rejects(
    tcp(null).listen({ scheme: 'tcp', host: '192.0.2.1', port: 1 }, () => {}),
    { code: 'ADDRESS_UNAVAILABLE' }
  )
})

t.test('a frame above the bound of frames is our bug', async t => {
  const listener = await tcp(null).listen(ANY_PORT, channel => {
    channel.start({ onFrame: () => {}, onDrain: () => {}, onClose: () => {} })
  })
  const channel = await tcp(null).dial(listener.address, never)
  t.throws(() => channel.send(new Uint8Array(LIMITS.frameBytesMax + 1)), { code: 'INVARIANT_VIOLATED' })
  channel.close({ code: 'CLOSED', detail: '' })
  await closeOf(channel)
  await listener.close()
})
