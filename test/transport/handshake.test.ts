import t from 'tap'
import { LIMITS, type MemberId } from '../../lib/base/index.js'
import { VirtualRuntime } from '../../lib/sim/world/virtual-runtime.js'
import { type Address, fingerprintOf, MemoryNetwork, type Transport } from '../../lib/transport/index.js'
import { encodeHandshake, type HandshakeMessage, type Hello } from '../../lib/wire/index.js'
import { LinkedMember, memoryPeers } from '../fixtures/linked-member.js'
import { ScriptedPeer } from '../fixtures/scripted-peer.js'

const peers = memoryPeers(1, 2, 3)
const fingerprint = fingerprintOf(peers)
const PROVE: HandshakeMessage = { kind: 'prove', proof: null }

/** A real member, and a test that plays the others. */
class Stage {
  readonly virtual = new VirtualRuntime(1)
  readonly network = new MemoryNetwork()
  readonly member: LinkedMember
  readonly #transport: Transport
  readonly #address: Address

  constructor(id: number, secret: string | null) {
    const { runtime } = this.virtual
    this.#transport = this.network.transport('script', runtime.scheduler)
    this.#address = { scheme: 'memory', name: String(id) }
    const own = this.network.transport(String(id), runtime.scheduler)
    const memory: Transport = { provesSecret: false, listen: own.listen.bind(own), dial: own.dial.bind(own) }
    this.member = new LinkedMember({ id: id as MemberId, peers, runtime, secret, transports: { memory } })
  }

  static async open(id: number, secret: string | null = null): Promise<Stage> {
    const stage = new Stage(id, secret)
    await stage.member.start()
    return stage
  }

  async dial(): Promise<ScriptedPeer> {
    const dialled = ScriptedPeer.dial(this.#transport, this.#address)
    await this.turn()
    return await dialled
  }

  /** A channel of `id` that is proven on both sides. */
  async proven(id: number, changes: Partial<Pick<Hello, 'incarnation' | 'run'>> = {}): Promise<ScriptedPeer> {
    const peer = await this.dial()
    peer.sayHello(fingerprint, { id: id as MemberId, addressee: this.member.id, ...changes })
    peer.say(PROVE)
    await this.turn()
    return peer
  }

  turn(): Promise<void> {
    return this.virtual.run(1)
  }

  async close(): Promise<void> {
    const closed = this.member.links.close()
    await this.virtual.run(2_000)
    await closed
  }
}

const ready = (seen: number, held: boolean): HandshakeMessage => ({ kind: 'ready', seen, held })
const select = (generation: number): HandshakeMessage => ({ kind: 'select', generation })

t.test('the lower id offers a proven channel, and takes it as the link when it is selected', async t => {
  const stage = await Stage.open(1)
  const peer = await stage.proven(2)
  t.strictSame(peer.kinds, ['hello', 'prove', 'ready'])
  t.notOk(stage.member.isLinkedTo(2))
  peer.say(select(1))
  peer.channel.send(Buffer.from('right behind it'))
  await stage.turn()
  t.ok(stage.member.isLinkedTo(2))
  t.strictSame(stage.member.textsOf(2), ['right behind it'])
  await stage.close()
})

t.test('the higher id selects a channel that is offered', async t => {
  const stage = await Stage.open(2)
  const peer = await stage.proven(1)
  t.strictSame(peer.kinds, ['hello', 'prove'])
  peer.say(ready(0, false))
  await stage.turn()
  t.strictSame(peer.kinds, ['hello', 'prove', 'select'])
  t.ok(stage.member.isLinkedTo(1))
  await stage.close()
})

t.test('a decision that was overtaken by a later one is not followed', async t => {
  const stage = await Stage.open(1)
  const [first, second] = [await stage.proven(2), await stage.proven(2)]
  second.say(select(2))
  await stage.turn()
  first.say(select(1))
  await stage.turn()
  t.equal(stage.member.ups.length, 1)
  t.equal(second.closed, null)
  t.ok(first.closed)
  await stage.close()
})

t.test('a later decision is followed, and the channel before it closed', async t => {
  const stage = await Stage.open(1)
  const [first, second] = [await stage.proven(2), await stage.proven(2)]
  first.say(select(1))
  await stage.turn()
  second.say(select(2))
  await stage.turn()
  t.equal(stage.member.ups.length, 2)
  t.equal(stage.member.downs.length, 1)
  t.ok(first.closed)
  const third = await stage.proven(2)
  t.match(third.heard.at(-1), { kind: 'ready', seen: 2, held: true })
  await stage.close()
})

t.test('decisions of another process of the higher id are counted anew', async t => {
  const stage = await Stage.open(1)
  const first = await stage.proven(2)
  first.say(select(9))
  await stage.turn()
  first.channel.close({ code: 'CLOSED', detail: '' })
  await stage.turn()
  const again = await stage.proven(2)
  t.match(again.heard.at(-1), { kind: 'ready', seen: 9, held: false })
  const restarted = await stage.proven(2, { run: 2 })
  t.match(restarted.heard.at(-1), { kind: 'ready', seen: 0, held: false })
  restarted.say(select(1))
  await stage.turn()
  t.equal(stage.member.ups.length, 2)
  await stage.close()
})

t.test('of two processes that were both offered a channel the second to select is dropped', async t => {
  const stage = await Stage.open(1)
  const [first, other] = [await stage.proven(2), await stage.proven(2, { incarnation: 'another store' })]
  t.strictSame([first.kinds.at(-1), other.kinds.at(-1)], ['ready', 'ready'])
  first.say(select(1))
  await stage.turn()
  other.say(select(1))
  await stage.turn()
  t.ok(other.closed)
  t.equal(first.closed, null)
  t.strictSame([stage.member.ups.length, stage.member.downs.length], [1, 0])
  await stage.close()
})

t.test(
  'an offer from a side that still holds the link is not needed, one from a side that has lost it replaces the link',
  async t => {
    const stage = await Stage.open(2)
    const first = await stage.proven(1)
    first.say(ready(0, false))
    await stage.turn()
    const message = first.heard.at(-1)
    const generation = message?.kind === 'select' ? message.generation : 0
    const held = await stage.proven(1)
    held.say(ready(generation, true))
    await stage.turn()
    t.equal(held.kinds.at(-1), 'redundant')
    t.equal(stage.member.downs.length, 0)
    const lost = await stage.proven(1)
    lost.say(ready(generation, false))
    await stage.turn()
    t.equal(lost.kinds.at(-1), 'select')
    t.ok(first.closed)
    await stage.close()
  }
)

t.test('an offer made before the link was seen waits until the link has shown life', async t => {
  const stage = await Stage.open(2)
  const first = await stage.proven(1)
  first.say(ready(0, false))
  await stage.turn()
  const second = await stage.proven(1)
  second.say(ready(0, false))
  await stage.turn()
  t.equal(second.kinds.at(-1), 'prove')
  first.channel.send(Uint8Array.of(0xc1, 2))
  await stage.turn()
  t.equal(second.kinds.at(-1), 'redundant')
  await stage.close()
})

t.test('what a former process had on its way when it died is dropped without a word', async t => {
  const stage = await Stage.open(2)
  const life = await stage.proven(1, { run: 2 })
  life.say(ready(0, false))
  await stage.turn()
  const ghost = await stage.proven(1, { run: 1 })
  ghost.say(ready(0, false))
  await stage.turn()
  life.channel.send(Uint8Array.of(0xc1, 2))
  await stage.turn()
  t.ok(ghost.closed)
  t.strictSame(stage.member.refusals, [])
  await stage.close()
})

t.test('messages at the wrong place, and what is no message, end the handshake with BAD_FRAME', async t => {
  const asHello = (id: number) => (peer: ScriptedPeer) =>
    peer.sayHello(fingerprint, { id: id as MemberId, addressee: 2 as MemberId })
  const cases: Record<string, (peer: ScriptedPeer) => void> = {
    'a proof before the hello': peer => peer.say(PROVE),
    'an offer before the proof': peer => {
      asHello(1)(peer)
      peer.say(ready(0, false))
    },
    'two hellos': peer => {
      asHello(1)(peer)
      asHello(1)(peer)
    },
    'two proofs': peer => {
      asHello(1)(peer)
      peer.say(PROVE)
      peer.say(PROVE)
    },
    'a decision from the lower id': peer => {
      asHello(1)(peer)
      peer.say(PROVE)
      peer.say(select(1))
    },
    'an offer from the higher id': peer => {
      asHello(3)(peer)
      peer.say(PROVE)
      peer.say(ready(0, false))
    },
    garbage: peer => peer.channel.send(Buffer.from('GET / HTTP/1.1\r\n\r\n')),
    'an empty frame': peer => peer.channel.send(new Uint8Array(0)),
    'twenty nested arrays of 33 million': peer => {
      const prefix = encodeHandshake(PROVE).subarray(0, 5)
      const header = Buffer.from([0xdd, 2, 0, 0, 0])
      peer.channel.send(Buffer.concat([prefix, ...new Array(20).fill(header)]))
    },
    '256 MiB of binary in five bytes': peer => {
      peer.channel.send(Buffer.concat([encodeHandshake(PROVE).subarray(0, 5), Buffer.from([0xc6, 0x10, 0, 0, 0])]))
    }
  }
  for (const [title, play] of Object.entries(cases)) {
    const stage = await Stage.open(2)
    const peer = await stage.dial()
    play(peer)
    await stage.turn()
    t.equal(peer.kinds.at(-1), 'BAD_FRAME', title)
    t.ok(peer.closed, title)
    t.match(stage.member.refusals, [{ code: 'BAD_FRAME', remote: false }], title)
    t.strictSame(stage.member.ups, [])
    await stage.close()
  }
})

t.test('a second offer on one channel ends it', async t => {
  const stage = await Stage.open(2)
  const link = await stage.proven(1)
  link.say(ready(0, false))
  await stage.turn()
  const peer = await stage.proven(1)
  peer.say(ready(0, false))
  peer.say(ready(0, false))
  await stage.turn()
  t.equal(peer.kinds.at(-1), 'BAD_FRAME')
  await stage.close()
})

t.test('another major version is told which one is spoken here', async t => {
  const stage = await Stage.open(1)
  const peer = await stage.dial()
  const newer = encodeHandshake(PROVE)
  newer[4] = 9
  peer.channel.send(newer)
  await stage.turn()
  t.strictSame(peer.kinds, ['FORMAT_VERSION'])
  t.match(stage.member.refusals, [{ code: 'FORMAT_VERSION', remote: false, peer: null }])
  await stage.close()
})

t.test('an id that is not in the peer list is refused although its fingerprint says so', async t => {
  const stage = await Stage.open(1)
  const peer = await stage.proven(200)
  t.strictSame(peer.kinds, ['PEER_LIST_MISMATCH'])
  await stage.close()
})

t.test('whoever claims the member s own id is refused', async t => {
  const stage = await Stage.open(1)
  const peer = await stage.proven(1, { incarnation: 'another store' })
  t.strictSame(peer.kinds, ['DUPLICATE_ID'])
  t.match(stage.member.refusals, [{ code: 'DUPLICATE_ID', peer: 1, remote: false }])
  await stage.close()
})

t.test('a handshake that never ends is closed at its deadline, wherever it stopped', async t => {
  const stage = await Stage.open(1)
  const peersInDoubt = [await stage.dial(), await stage.dial(), await stage.proven(2)]
  peersInDoubt[1]?.sayHello(fingerprint, { id: 2 as MemberId, addressee: 1 as MemberId })
  await stage.virtual.run(LIMITS.handshakeMilliseconds - 10)
  t.ok(peersInDoubt.every(peer => peer.closed === null))
  await stage.virtual.run(20)
  t.ok(peersInDoubt.every(peer => peer.closed !== null))
  await stage.close()
})

t.test('handshakes at one time are bounded, and links do not count', async t => {
  const stage = await Stage.open(1)
  const link = await stage.proven(2)
  link.say(select(1))
  await stage.turn()
  const idle: ScriptedPeer[] = []
  for (let count = 0; count < LIMITS.handshakesMax; count++) idle.push(await stage.dial())
  const surplus = await stage.dial()
  await stage.turn()
  t.ok(surplus.closed)
  t.ok(idle.every(peer => peer.closed === null))
  idle[0]?.channel.close({ code: 'CLOSED', detail: '' })
  await stage.turn()
  const next = await stage.dial()
  await stage.turn()
  t.equal(next.closed, null)
  t.ok(stage.member.isLinkedTo(2))
  await stage.close()
})

t.test('with a secret to prove', async t => {
  await t.test('nobody gets in without a proof', async t => {
    const stage = await Stage.open(2, 'shared')
    const peer = await stage.proven(1)
    t.strictSame(peer.kinds, ['hello', 'prove', 'AUTHENTICATION_FAILED'])
    t.match(stage.member.refusals, [{ code: 'AUTHENTICATION_FAILED', peer: 1, remote: false }])
    await stage.close()
  })

  await t.test('the member s own proof is none when it is sent back', async t => {
    const stage = await Stage.open(2, 'shared')
    const peer = await stage.dial()
    peer.sayHello(fingerprint, { id: 1 as MemberId, addressee: 2 as MemberId })
    await stage.turn()
    const proof = peer.heard.at(-1)
    t.ok(proof?.kind === 'prove' && proof.proof?.length === 32)
    if (proof !== undefined) peer.say(proof)
    await stage.turn()
    t.equal(peer.kinds.at(-1), 'AUTHENTICATION_FAILED')
    await stage.close()
  })
})

t.test('the links own frames are checked as well', async t => {
  for (const frame of [Uint8Array.of(0xc1), Uint8Array.of(0xc1, 9), Uint8Array.of(0xc1, 0, 0), new Uint8Array(0)]) {
    const stage = await Stage.open(1)
    const link = await stage.proven(2)
    link.say(select(1))
    await stage.turn()
    link.channel.send(frame)
    await stage.turn()
    t.match(stage.member.downs, [{ peer: 2, reason: { code: 'BAD_FRAME' } }])
    await stage.close()
  }
})
