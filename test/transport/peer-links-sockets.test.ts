import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type MemberId, seededRandom } from '../../lib/base/index.js'
import { nodeRuntime } from '../../lib/member/node-runtime.js'
import { type Address, createTransports } from '../../lib/transport/index.js'
import { FrameQueue } from '../../lib/wire/index.js'
import { LinkedMember, type LinkedMemberOptions } from '../fixtures/linked-member.js'

const runtime = nodeRuntime()

/** Ports that were free a moment ago. */
async function tcpPeers(count: number): Promise<Map<MemberId, Address>> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map(server => once(server, 'listening')))
  const ports = servers.map(server => {
    const bound = server.address()
    return typeof bound === 'object' && bound !== null ? bound.port : 0
  })
  await Promise.all(servers.map(server => once(server.close(), 'close')))
  return new Map(ports.map((port, index) => [(index + 1) as MemberId, { scheme: 'tcp', host: '127.0.0.1', port }]))
}

async function socketPeers(t: { teardown(callback: () => unknown): void }, count: number): Promise<Map<MemberId, Address>> {
  const directory = await mkdtemp(join(tmpdir(), 'ezk-'))
  t.teardown(() => rm(directory, { recursive: true }))
  return new Map(
    Array.from({ length: count }, (_, index) => [
      (index + 1) as MemberId,
      { scheme: 'ipc', path: join(directory, `${index}.sock`) }
    ])
  )
}

function memberOf(id: number, peers: ReadonlyMap<MemberId, Address>, options: Partial<LinkedMemberOptions> = {}): LinkedMember {
  const secret = options.secret ?? null
  const ensembleName = options.ensembleName ?? 'default'
  const transports = createTransports({ scheduler: runtime.scheduler, secret, ensembleName, name: String(id) })
  return new LinkedMember({ id: id as MemberId, peers, runtime, transports, ...options })
}

/** Turns the loop until it holds. The test's own time limit is what ends it otherwise. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 2))
}

const close = (...members: LinkedMember[]) => Promise.all(members.map(member => member.links.close()))

async function stranger(peers: ReadonlyMap<MemberId, Address>): Promise<Socket> {
  const address = peers.get(1 as MemberId)
  const socket = connect(address?.scheme === 'tcp' ? address.port : 0, '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  await once(socket, 'connect')
  return socket
}

for (const [title, secret, makePeers] of [
  ['TCP', null, tcpPeers],
  ['TCP with a secret', 'shared', tcpPeers],
  ['unix sockets', null, (count: number) => socketPeers(t, count)],
  ['unix sockets with a secret', 'shared', (count: number) => socketPeers(t, count)]
] as const) {
  t.test(title, async t => {
    await t.test('three members are linked, talk, lose one and get it back', async t => {
      const peers = await makePeers(3)
      const members = [1, 2, 3].map(id => memberOf(id, peers, { secret }))
      await Promise.all(members.map(member => member.start()))
      await until(() => members.every(member => member.up.size === 2))
      const [one, two, three] = members
      if (one === undefined || two === undefined || three === undefined) throw new Error('there are three')
      const large = 'x'.repeat(3_000_000)
      for (let index = 0; index < 1_000; index++) one.send(2, `${index}`)
      one.send(2, large)
      await until(() => two.frames.length === 1_001)
      t.equal(two.textsOf(1)[999], '999')
      t.equal(two.textsOf(1)[1_000]?.length, large.length)
      await three.links.close()
      await until(() => one.up.size === 1 && two.up.size === 1)
      const again = memberOf(3, peers, { secret, introduction: { incarnation: 'store of 3', run: 2, ensembleId: null } })
      await again.start()
      await until(() => one.up.size === 2 && two.up.size === 2 && again.up.size === 2)
      t.strictSame([one.refusals, two.refusals, again.refusals], [[], [], []])
      await close(one, two, again)
    })

    if (secret === null) return
    for (const [title, other] of [
      ['another secret', 'wrong'],
      ['no secret', null]
    ] as const) {
      await t.test(`a member with ${title} is refused`, async t => {
        const peers = await makePeers(2)
        const [one, two] = [memberOf(1, peers, { secret }), memberOf(2, peers, { secret: other })]
        await Promise.all([one.start(), two.start()])
        await until(() => one.refusals.length > 0 && two.refusals.length > 0)
        t.ok(one.refusals.some(refusal => refusal.code === 'AUTHENTICATION_FAILED'))
        t.ok(two.refusals.some(refusal => refusal.code === 'AUTHENTICATION_FAILED'))
        t.strictSame([one.ups, two.ups], [[], []])
        await close(one, two)
      })
    }
  })
}

t.test('two ensembles that were given each other s addresses say so at both ends', async t => {
  const peers = await tcpPeers(2)
  const [one, two] = [memberOf(1, peers, { ensembleName: 'a' }), memberOf(2, peers, { ensembleName: 'b' })]
  await Promise.all([one.start(), two.start()])
  await until(() => one.refusals.length > 0 && two.refusals.length > 0)
  t.ok([...one.refusals, ...two.refusals].every(refusal => refusal.code === 'ENSEMBLE_MISMATCH'))
  await close(one, two)
})

function framed(frame: Uint8Array): Buffer {
  const queue = new FrameQueue()
  queue.push(frame)
  return Buffer.concat(queue.take(Number.POSITIVE_INFINITY))
}

t.test('strangers who send garbage, oversize lengths, or half a handshake disturb nobody and are closed', async t => {
  const peers = await tcpPeers(2)
  const [one, two] = [memberOf(1, peers, { handshakeMilliseconds: 200 }), memberOf(2, peers)]
  await Promise.all([one.start(), two.start()])
  await until(() => one.isLinkedTo(2))
  const random = seededRandom(4)
  const attacks: Uint8Array[] = [
    Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    Buffer.from([0xff, 0xff, 0xff, 0xff]),
    framed(Buffer.from([0x45, 0x5a, 0x4b, 0x50, 1])),
    framed(Buffer.concat([Buffer.from([0x45, 0x5a, 0x4b, 0x50, 1]), ...new Array(20).fill(Buffer.from([0xdd, 2, 0, 0, 0]))])),
    framed(Buffer.from([0x45, 0x5a, 0x4b, 0x50, 1, 0xc6, 0x10, 0, 0, 0])),
    framed(Buffer.from([0x45, 0x5a, 0x4b, 0x50, 1])).map((byte, index) => (index === 7 ? byte ^ 1 : byte)),
    Buffer.from([0, 0]),
    Buffer.from([0, 0, 16, 0, 0, 0, 0, 0, 0x45]),
    Buffer.alloc(0),
    ...Array.from({ length: 40 }, (_, index) => random.bytes(1 + index * 5))
  ]
  const closed = attacks.map(async attack => {
    const socket = await stranger(peers)
    socket.write(attack)
    await once(socket, 'close')
  })
  await Promise.all(closed)
  one.send(2, 'still here')
  await until(() => two.textsOf(1).includes('still here'))
  t.strictSame([one.downs, two.downs], [[], []])
  await close(one, two)
})

t.test('a second process with the same id and address cannot listen', async t => {
  const peers = await tcpPeers(2)
  const first = memberOf(1, peers)
  await first.start()
  await t.rejects(memberOf(1, peers).start(), { code: 'ADDRESS_UNAVAILABLE' })
  await close(first)
})

t.test('a process whose links are closed ends by itself', async t => {
  const peers = await tcpPeers(2)
  const [one, two] = [...peers.values()]
  const library = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
  const script = `
    import { createPeerLinks, createTransports } from ${library('../../lib/transport/index.js')}
    import { nodeRuntime } from ${library('../../lib/member/node-runtime.js')}
    const runtime = nodeRuntime()
    const peers = new Map([[1, ${JSON.stringify(one)}], [2, ${JSON.stringify(two)}]])
    const open = async id => {
      const links = createPeerLinks({
        id, peers, runtime, ensembleName: 'default', secret: 'shared', insecure: false,
        transports: createTransports({ scheduler: runtime.scheduler, secret: 'shared', ensembleName: 'default', name: String(id) }),
        introduction: { incarnation: String(id), run: 1, ensembleId: null }, keepaliveMilliseconds: 500, silenceMilliseconds: 2000
      })
      let onUp
      const up = new Promise(resolve => { onUp = resolve })
      await links.start({ onUp, onDown() {}, onFrame() {}, onDrain() {}, onRefused() {} })
      return { links, up }
    }
    const members = [await open(1), await open(2)]
    await Promise.all(members.map(member => member.up))
    await Promise.all(members.map(member => member.links.close()))
    process.stdout.write('closed')
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const [code] = await once(child, 'exit')
  t.strictSame([code, output], [0, 'closed'])
})
