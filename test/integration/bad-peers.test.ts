import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { type Epoch, LIMITS, type MemberId, makeZxid, seededRandom } from '../../lib/base/index.js'
import { nodeRuntime } from '../../lib/member/index.js'
import { createPeerLinks, createTransports, parseAddress } from '../../lib/transport/index.js'
import { encode, encodePeerMessage, FrameQueue, PROTOCOL_VERSION } from '../../lib/wire/index.js'
import { batchOf } from '../../lib/zab/index.js'
import { ProcessCluster } from '../fixtures/integration-cluster.js'
import { until } from '../fixtures/integration-until.js'
import { mutationsOf } from '../fixtures/mutated-bytes.js'

const MAGIC = Buffer.concat([Buffer.from('EZKP'), Buffer.of(PROTOCOL_VERSION)])

/** A socket to a member. That it is cut off is expected. */
async function socketTo(t: Test, address: string): Promise<Socket> {
  const { hostname, port } = new URL(address.replace('tcp:', 'http:'))
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => undefined)
  socket.resume()
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

function framed(...parts: readonly Uint8Array[]): Buffer {
  const queue = new FrameQueue()
  queue.push(Buffer.concat(parts))
  return Buffer.concat(queue.take(Number.POSITIVE_INFINITY))
}

/** Arrays in arrays, as deep as there are bytes. */
function nested(depth: number): Buffer {
  return Buffer.alloc(depth, 0x91)
}

/** An array that says it holds four milliards of elements. */
const ENDLESS = Buffer.of(0xdd, 0xff, 0xff, 0xff, 0xff)

/** Empty arrays, a byte each: twenty-five times as much when they are built. */
function empties(count: number): Buffer {
  const header = Buffer.of(0xdd, 0, 0, 0, 0)
  header.writeUInt32BE(count, 1)
  return Buffer.concat([header, Buffer.alloc(count, 0x90)])
}

for (const secret of [undefined, 'only the members know it']) {
  const security = secret === undefined ? 'without' : 'with'
  t.test(`strangers who send what is not a handshake are cut off ${security} a secret, and the members go on`, async t => {
    const cluster = await ProcessCluster.settled(t, secret === undefined ? {} : { options: { secret } })
    for (const member of cluster.members) await member.load()
    const { epoch } = await cluster.status(1)
    const garbage = seededRandom(7).bytes(64 * 1024)
    const hostile: Readonly<Record<string, Uint8Array>> = {
      garbage,
      'garbage in frames of the right size': Buffer.concat([
        framed(garbage.subarray(0, 1_000)),
        framed(garbage.subarray(2_000, 3_000))
      ]),
      'text of another protocol': Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      'a frame of four gigabytes': Buffer.of(0xff, 0xff, 0xff, 0xff, 0x45, 0x5a),
      'a frame just larger than a handshake may be': framed(MAGIC, Buffer.alloc(LIMITS.handshakeBytesMax)),
      'arrays in arrays': framed(MAGIC, nested(LIMITS.handshakeBytesMax - MAGIC.length)),
      'an array without end': framed(MAGIC, ENDLESS),
      'a hello of nothing': framed(MAGIC, encode([0])),
      'another version': framed(Buffer.from('EZKP'), Buffer.of(PROTOCOL_VERSION + 1), encode([0]))
    }
    for (const [what, bytes] of Object.entries(hostile)) {
      for (const address of Object.values(cluster.peers)) {
        const socket = await socketTo(t, address)
        const closed = once(socket, 'close')
        socket.write(bytes)
        await closed
      }
      t.pass(`${what} is cut off`)
    }
    t.equal((await cluster.status(1)).epoch, epoch, 'nobody was disturbed')
    await cluster.endLoadAndAssertWhole(t)
  })

  t.test(`half a handshake for ever, often enough to use up all places, keeps nobody out ${security} a secret`, async t => {
    const cluster = await ProcessCluster.settled(t, secret === undefined ? {} : { options: { secret } })
    const leader = await cluster.settledLeader()
    const [restarted, other] = cluster.followersOf(leader)
    if (restarted === undefined || other === undefined) throw new Error('there are two followers')
    await restarted.kill()
    const open = new Set<Socket>()
    for (const { id } of cluster.members) {
      for (let count = 0; count < LIMITS.handshakesMax + 10; count++) {
        const socket = await socketTo(t, cluster.peers[id] ?? '')
        open.add(socket)
        socket.once('close', () => open.delete(socket))
        socket.write(secret === undefined ? Buffer.of(0, 0, 1) : Buffer.of(0x16, 0x03, 0x01))
      }
    }
    await cluster.start(restarted.id)
    await cluster.settledLeader()
    for (const member of cluster.members) await member.load()
    await until('all who never finish are cut off', () => open.size === 0, LIMITS.handshakeMilliseconds + 10_000)
    await cluster.endLoadAndAssertWhole(t)
  })
}

t.test('a peer that passes for a member and then sends bombs and nonsense costs its own link and nothing else', async t => {
  const cluster = await ProcessCluster.settled(t)
  const leader = await cluster.settledLeader()
  const [replaced, other] = cluster.followersOf(leader)
  if (replaced === undefined || other === undefined) throw new Error('there are two followers')
  await replaced.kill()
  for (const member of cluster.members) await member.load()
  const { epoch } = await cluster.status(leader.id)

  const zxid = makeZxid((epoch + 1) as Epoch, 1)
  const messages = [
    encodePeerMessage({ kind: 'ack', epoch, zxid }),
    encodePeerMessage({ kind: 'proposal', epoch, batch: batchOf(zxid, [Buffer.from('nonsense')]), zxidCommitted: zxid })
  ]
  const bombs = [nested(1_000_000), ENDLESS, empties(4_000_000), Buffer.alloc(LIMITS.frameBytesMax, 0xc0)]
  // What begins with 0xc1 is the links' own, and would not be sent.
  const mutations = [...mutationsOf(messages, 8, 11)].filter(({ length, 0: first }) => length > 0 && first !== 0xc1)
  const frames = [...bombs, ...messages, ...mutations]
  const id = replaced.id as MemberId
  const peers = new Map(Object.entries(cluster.peers).map(([id, address]) => [Number(id) as MemberId, parseAddress(address)]))
  const runtime = nodeRuntime()
  const links = createPeerLinks({
    id,
    peers,
    transports: createTransports({ scheduler: runtime.scheduler, secret: null, ensembleName: cluster.ensemble, name: 'hostile' }),
    ensembleName: cluster.ensemble,
    secret: null,
    insecure: false,
    introduction: { incarnation: 'f'.repeat(32), run: 1, ensembleId: null },
    runtime,
    keepaliveMilliseconds: 100,
    silenceMilliseconds: 400
  })
  t.teardown(() => links.close())
  const sent = new Map<MemberId, number>()
  let cuts = 0
  await links.start({
    onUp: ({ id: peer }) => {
      const next = sent.get(peer) ?? 0
      const frame = frames[next]
      sent.set(peer, next + 1)
      if (frame !== undefined) links.send(peer, frame)
      // What is no message at all must cost the link; what is one, and merely wrong, may be ignored.
      links.send(peer, ENDLESS)
    },
    onDown: () => {
      cuts++
    },
    onFrame: () => undefined,
    onDrain: () => undefined,
    onRefused: refusal => t.fail(`refused: ${refusal.code} ${refusal.detail}`)
  })
  await until(
    'everything was sent to both',
    () => [...sent.values()].length === 2 && [...sent.values()].every(count => count > frames.length),
    60_000
  )
  t.ok(cuts >= 2 * frames.length, 'and cost a link each')
  t.equal((await cluster.status(leader.id)).epoch, epoch, 'the others have gone on in their epoch')
  await links.close()
  await cluster.start(id)
  await cluster.endLoadAndAssertWhole(t)
})
