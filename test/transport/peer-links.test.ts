import t from 'tap'
import { LIMITS, type MemberId, type Runtime } from '../../lib/base/index.js'
import { VirtualRuntime } from '../../lib/sim/world/virtual-runtime.js'
import { MemoryNetwork } from '../../lib/transport/index.js'
import { LinkedMember, type LinkedMemberOptions, memoryPeers } from '../fixtures/linked-member.js'

class World {
  readonly virtual = new VirtualRuntime(1)
  readonly network = new MemoryNetwork()

  member(
    id: number,
    options: Partial<LinkedMemberOptions> & { readonly name?: string; readonly runtime?: Runtime } = {}
  ): LinkedMember {
    const runtime = options.runtime ?? this.virtual.runtime
    return new LinkedMember({
      id: id as MemberId,
      peers: memoryPeers(1, 2, 3),
      runtime,
      transports: { memory: this.network.transport(options.name ?? String(id), runtime.scheduler) },
      ...options
    })
  }

  async pair(): Promise<[LinkedMember, LinkedMember]> {
    const peers = memoryPeers(1, 2)
    const members: [LinkedMember, LinkedMember] = [this.member(1, { peers }), this.member(2, { peers })]
    await Promise.all(members.map(member => member.start()))
    await this.virtual.run(100)
    return members
  }

  async close(...members: LinkedMember[]): Promise<void> {
    const closed = Promise.all(members.map(member => member.links.close()))
    await this.virtual.run(2_000)
    await closed
  }
}

const introduction = (incarnation: string, run: number, ensembleId: string | null = null) => ({ incarnation, run, ensembleId })

t.test('members that start together are linked at once, each pair by one channel', async t => {
  const world = new World()
  const members = [1, 2, 3].map(id => world.member(id))
  await Promise.all(members.map(member => member.start()))
  await world.virtual.run(10)
  for (const member of members) {
    t.ok(member.isLinkedTo(...[1, 2, 3].filter(id => id !== member.id)))
    t.strictSame(member.refusals, [])
  }
  await world.virtual.run(1_000)
  t.strictSame(
    [world.network.channelsBetween('1', '2'), world.network.channelsBetween('1', '3'), world.network.channelsBetween('2', '3')],
    [1, 1, 1]
  )
  await world.close(...members)
})

t.test('frames arrive in order and with the generation that was announced', async t => {
  const world = new World()
  const [one, two] = await world.pair()
  for (let index = 0; index < 100; index++) one.send(2, `${index}`)
  two.send(1, 'back')
  await world.virtual.run(1)
  t.strictSame(
    two.textsOf(1),
    Array.from({ length: 100 }, (_, index) => `${index}`)
  )
  t.strictSame(one.frames, [{ peer: 2, generation: one.up.get(2 as MemberId), text: 'back' }])
  await world.close(one, two)
})

t.test('the introduction tells the peer s store, process and ensemble', async t => {
  const world = new World()
  const peers = memoryPeers(1, 2)
  const one = world.member(1, { peers, introduction: introduction('abc', 7, 'ensemble') })
  const two = world.member(2, { peers })
  let introduced: unknown
  const onUp = two.onUp.bind(two)
  two.onUp = (peer, generation) => {
    introduced = peer
    onUp(peer, generation)
  }
  await Promise.all([one.start(), two.start()])
  await world.virtual.run(10)
  t.strictSame(introduced, { id: 1, incarnation: 'abc', run: 7, ensembleId: 'ensemble' })
  await world.close(one, two)
})

t.test('a peer that is not there blocks nobody, and is linked when it comes', async t => {
  const world = new World()
  const [one, two] = [world.member(1), world.member(2)]
  await Promise.all([one.start(), two.start()])
  await world.virtual.run(30_000)
  t.ok(one.isLinkedTo(2) && two.isLinkedTo(1))
  const three = world.member(3)
  await three.start()
  await world.virtual.run(5)
  t.ok(three.isLinkedTo(1, 2), 'it dials: nobody waits for the others to try again')
  await world.close(one, two, three)
})

t.test('dialling slows down to once a second and no further', async t => {
  const world = new World()
  const dials: number[] = []
  const transport = world.network.transport('1', world.virtual.runtime.scheduler)
  const counting = {
    provesSecret: true,
    listen: transport.listen.bind(transport),
    dial: (...args: Parameters<typeof transport.dial>) => {
      dials.push(world.virtual.now)
      return transport.dial(...args)
    }
  }
  const one = world.member(1, { peers: memoryPeers(1, 2), transports: { memory: counting } })
  await one.start()
  await world.virtual.run(60_000)
  const gaps = dials.slice(1).map((at, index) => at - (dials[index] ?? 0))
  t.equal(dials[0], 0)
  t.ok((gaps[0] ?? 0) >= 10 && (gaps[0] ?? 0) <= 20)
  t.ok(gaps.slice(7).every(gap => gap >= 500 && gap <= 1_000))
  t.ok(new Set(gaps.slice(7)).size > 10, 'with jitter')
  await world.close(one)
})

for (const restarted of [1, 2]) {
  const other = 3 - restarted
  t.test(`member ${restarted} of two dies and is linked again as soon as it is back`, async t => {
    const world = new World()
    const peers = memoryPeers(1, 2)
    const life = world.virtual.process()
    const survivor = world.member(other, { peers })
    const first = world.member(restarted, { peers, runtime: life })
    await Promise.all([survivor.start(), first.start()])
    await world.virtual.run(20_000)
    life.halt()
    world.network.crash(String(restarted))
    await world.virtual.run(30_000)
    t.notOk(survivor.isLinkedTo(restarted))
    const second = world.member(restarted, { peers, introduction: introduction(`store of ${restarted}`, 2) })
    await second.start()
    await world.virtual.run(5)
    t.ok(survivor.isLinkedTo(restarted) && second.isLinkedTo(other))
    t.strictSame(
      survivor.ups.map(up => up.run),
      [1, 2]
    )
    t.strictSame(survivor.refusals, [])
    await world.close(survivor, second)
  })

  t.test(`member ${restarted} of two loses its machine, and is linked again once the old link has fallen silent`, async t => {
    const world = new World()
    const peers = memoryPeers(1, 2)
    const life = world.virtual.process()
    const survivor = world.member(other, { peers })
    const first = world.member(restarted, { peers, runtime: life })
    await Promise.all([survivor.start(), first.start()])
    await world.virtual.run(20_000)
    life.halt()
    world.network.crash(String(restarted), { silent: true })
    const second = world.member(restarted, { peers, introduction: introduction(`store of ${restarted}`, 2) })
    await second.start()
    await world.virtual.run(1_000)
    t.notOk(second.isLinkedTo(other), 'its former process may be alive')
    await world.virtual.run(2_000)
    t.ok(survivor.isLinkedTo(restarted) && second.isLinkedTo(other))
    t.strictSame(survivor.refusals, [])
    await world.close(survivor, second)
  })

  t.test(`member ${restarted} of two loses only its side of the link, and its next dial replaces the other side`, async t => {
    const world = new World()
    const [one, two] = await world.pair()
    const [loser, keeper] = restarted === 1 ? [one, two] : [two, one]
    world.network.strand('1', '2')
    loser.links.disconnect(other as MemberId, loser.up.get(other as MemberId) ?? 0, 'test')
    await world.virtual.run(100)
    t.ok(loser.isLinkedTo(other) && keeper.isLinkedTo(restarted))
    t.equal(keeper.ups.length, 2, 'it has heard of the end of the old one by the new one')
    keeper.send(restarted, 'fresh')
    await world.virtual.run(1)
    t.strictSame(loser.textsOf(other), ['fresh'])
    await world.close(one, two)
  })
}

t.test('a half-open link dies of silence on both sides and comes back when the network does', async t => {
  const world = new World()
  const [one, two] = await world.pair()
  world.network.swallow('1', '2')
  world.network.swallow('2', '1')
  await world.virtual.run(1_500)
  t.ok(one.isLinkedTo(2) && two.isLinkedTo(1))
  one.send(2, 'of the old link')
  await world.virtual.run(1_500)
  t.notOk(one.isLinkedTo(2) || two.isLinkedTo(1))
  t.equal(one.downs[0]?.reason.code, 'CONNECTION_LOSS')
  world.network.heal('1', '2')
  await world.virtual.run(1_100)
  t.ok(one.isLinkedTo(2) && two.isLinkedTo(1))
  t.strictSame(two.textsOf(1), [], 'what the network brings late belongs to a link that is over')
  await world.close(one, two)
})

t.test('one direction that is swallowed is enough: who hears nothing cuts the link', async t => {
  const world = new World()
  const [one, two] = await world.pair()
  world.network.swallow('1', '2')
  await world.virtual.run(3_000)
  t.notOk(two.isLinkedTo(1))
  t.notOk(one.isLinkedTo(2), 'it was told by the close')
  await world.close(one, two)
})

t.test('an idle link stays up for hours', async t => {
  const world = new World()
  const [one, two] = await world.pair()
  await world.virtual.run(3_600_000)
  t.equal(one.ups.length, 1)
  t.equal(two.ups.length, 1)
  await world.close(one, two)
})

t.test('a loop that stood still does not blame its peers for it', async t => {
  const world = new World()
  let stalled = 0
  const { scheduler, random, clock } = world.virtual.runtime
  const runtime: Runtime = { scheduler, random, clock: { wall: clock.wall, monotonic: () => clock.monotonic() + stalled } }
  const peers = memoryPeers(1, 2)
  const one = world.member(1, { peers, runtime })
  const two = world.member(2, { peers })
  await Promise.all([one.start(), two.start()])
  await world.virtual.run(100)
  stalled = 10_000
  await world.virtual.run(5_000)
  t.equal(one.downs.length, 0)
  await world.close(one, two)
})

t.test(
  'a second process with the id of a linked one is refused, whichever id it is, and the first goes on undisturbed',
  async t => {
    for (const [id, other] of [
      [1, 2],
      [2, 1]
    ] as const) {
      for (const stranger of [introduction('another store', 1), introduction(`store of ${id}`, 9)]) {
        const world = new World()
        const [one, two] = await world.pair()
        const first = id === 1 ? one : two
        const judge = id === 1 ? two : one
        const transport = world.network.transport('elsewhere', world.virtual.runtime.scheduler)
        const second = world.member(id, {
          peers: memoryPeers(1, 2),
          introduction: stranger,
          transports: {
            memory: {
              provesSecret: true,
              dial: transport.dial.bind(transport),
              listen: () => transport.listen({ scheme: 'memory', name: 'elsewhere' }, () => {})
            }
          }
        })
        await second.start()
        await world.virtual.run(10_000)
        t.strictSame(second.ups, [])
        t.match(second.refusals, [{ code: 'DUPLICATE_ID', peer: other, remote: true }])
        t.match(judge.refusals, [{ code: 'DUPLICATE_ID', peer: id, remote: false }])
        t.strictSame([first.downs, judge.downs], [[], []])
        await world.close(one, two, second)
      }
    }
  }
)

t.test('a refused duplicate takes over when the first has really gone', async t => {
  const world = new World()
  const peers = memoryPeers(1, 2)
  const life = world.virtual.process()
  const judge = world.member(2, { peers })
  const first = world.member(1, { peers, runtime: life })
  await Promise.all([judge.start(), first.start()])
  await world.virtual.run(100)
  const transport = world.network.transport('elsewhere', world.virtual.runtime.scheduler)
  const second = world.member(1, {
    peers,
    introduction: introduction('another store', 1),
    transports: {
      memory: {
        provesSecret: true,
        dial: transport.dial.bind(transport),
        listen: () => transport.listen({ scheme: 'memory', name: 'elsewhere' }, () => {})
      }
    }
  })
  await second.start()
  await world.virtual.run(1_000)
  t.notOk(second.isLinkedTo(2))
  life.halt()
  world.network.crash('1')
  await world.virtual.run(1_100)
  t.ok(second.isLinkedTo(2))
  await world.close(judge, second)
})

t.test('members that do not belong together refuse each other, both say why, and once', async t => {
  const cases: Record<string, [Partial<LinkedMemberOptions>, Partial<LinkedMemberOptions>, string]> = {
    'another ensemble by name': [{ ensembleName: 'a' }, { ensembleName: 'b' }, 'ENSEMBLE_MISMATCH'],
    'another ensemble by id': [
      { introduction: introduction('one', 1, 'ensemble x') },
      { introduction: introduction('two', 1, 'ensemble y') },
      'ENSEMBLE_MISMATCH'
    ],
    'another peer list': [{ peers: memoryPeers(1, 2) }, { peers: memoryPeers(1, 2, 3) }, 'PEER_LIST_MISMATCH']
  }
  for (const [title, [ofOne, ofTwo, code]] of Object.entries(cases)) {
    const world = new World()
    const one = world.member(1, { peers: memoryPeers(1, 2), ...ofOne })
    const two = world.member(2, { peers: memoryPeers(1, 2), ...ofTwo })
    await Promise.all([one.start(), two.start()])
    await world.virtual.run(30_000)
    t.strictSame([one.ups, two.ups], [[], []], title)
    for (const [member, peer] of [
      [one, 2],
      [two, 1]
    ] as const) {
      const about = member.refusals.filter(refusal => refusal.peer === peer)
      t.ok(about.length >= 1 && about.length <= 2, `${title}: reported once for each way`)
      t.ok(
        about.every(refusal => refusal.code === code),
        title
      )
    }
    t.ok(
      [...one.refusals, ...two.refusals].some(refusal => refusal.remote),
      `${title}: who was refused hears it from the other`
    )
    await world.close(one, two)
  }
})

t.test('a refusal is reported again after it had been mended', async t => {
  const world = new World()
  const peers = memoryPeers(1, 2)
  const one = world.member(1, { peers })
  await one.start()
  const lives = ['b', 'default', 'b'].map(ensembleName => ({ ensembleName, life: world.virtual.process() }))
  for (const [index, { ensembleName, life }] of lives.entries()) {
    const two = world.member(2, { peers, ensembleName, runtime: life, introduction: introduction('two', index) })
    await two.start()
    await world.virtual.run(5_000)
    life.halt()
    world.network.crash('2')
    await world.virtual.run(10)
  }
  t.equal(one.ups.length, 1)
  t.equal(one.refusals.filter(refusal => !refusal.remote).length, 2)
  await world.close(one)
})

t.test('an ensemble id that was minted meanwhile is told in the next handshake', async t => {
  const world = new World()
  const [one, two] = await world.pair()
  one.links.setEnsembleId('x')
  two.links.setEnsembleId('y')
  await world.virtual.run(5_000)
  t.equal(one.downs.length, 0, 'a link that is up stays')
  one.links.disconnect(2 as MemberId, one.up.get(2 as MemberId) ?? 0, 'test')
  await world.virtual.run(5_000)
  t.notOk(one.isLinkedTo(2))
  t.ok(one.refusals.every(refusal => refusal.code === 'ENSEMBLE_MISMATCH') && one.refusals.length > 0)
  await world.close(one, two)
})

t.test('an address that leads to the member itself, or to another than it should, is a mistake of the peer list', async t => {
  const world = new World()
  const peers = new Map([...memoryPeers(1), [2 as MemberId, { scheme: 'memory', name: '1' } as const]])
  const one = world.member(1, { peers })
  await one.start()
  await world.virtual.run(1_000)
  t.match(
    one.refusals,
    [{ code: 'PEER_LIST_MISMATCH' }, { code: 'PEER_LIST_MISMATCH' }, { code: 'PEER_LIST_MISMATCH' }].slice(0, one.refusals.length)
  )
  t.ok(one.refusals.length > 0)
  await world.close(one)
})

t.test('a link that was disconnected comes back, and nothing of it is delivered any more', async t => {
  const world = new World()
  const [one, two] = await world.pair()
  const generation = one.up.get(2 as MemberId) ?? 0
  two.send(1, 'on its way')
  one.links.disconnect(2 as MemberId, generation + 1, 'a generation that is not')
  one.links.disconnect(2 as MemberId, generation, 'test')
  one.send(2, 'into nothing')
  await world.virtual.run(100)
  t.ok(one.isLinkedTo(2) && two.isLinkedTo(1))
  t.strictSame([one.frames, two.frames], [[], []])
  t.strictSame(one.downs, [{ peer: 2, generation, reason: { code: 'CLOSED', detail: 'test' } }])
  one.links.disconnect(2 as MemberId, generation, 'of the past')
  await world.virtual.run(100)
  t.equal(one.downs.length, 1)
  await world.close(one, two)
})

t.test('what had arrived before the member cut the link is not delivered after', async t => {
  const world = new World()
  const [one, two] = await world.pair()
  const onFrame = two.onFrame.bind(two)
  two.onFrame = (peer, generation, frame) => {
    onFrame(peer, generation, frame)
    two.links.disconnect(peer, generation, 'enough')
  }
  one.send(2, 'first')
  one.send(2, 'second')
  await world.virtual.run(5)
  t.strictSame(two.textsOf(1), ['first'])
  await world.close(one, two)
})

t.test('a peer that is cut off again and again is dialled ever less often', async t => {
  const world = new World()
  const [one, two] = await world.pair()
  const onUp = one.onUp.bind(one)
  one.onUp = (peer, generation) => {
    onUp(peer, generation)
    one.links.disconnect(peer.id, generation, 'again')
  }
  one.links.disconnect(2 as MemberId, one.up.get(2 as MemberId) ?? 0, 'first')
  await world.virtual.run(20_000)
  t.ok(one.ups.length > 10 && one.ups.length < 80, `${one.ups.length} links`)
  await world.close(one, two)
})

t.test('what waits is counted and bounded: a peer that takes nothing is cut off', async t => {
  const world = new World()
  const peers = memoryPeers(1, 2)
  const one = world.member(1, { peers, queueBytesMax: 5_000_000 })
  const two = world.member(2, { peers })
  await Promise.all([one.start(), two.start()])
  await world.virtual.run(100)
  t.equal(one.links.bufferedBytes(2 as MemberId), 0)
  world.network.swallow('1', '2')
  const frame = new Uint8Array(1_000_000).fill(1)
  for (let index = 0; index < 5; index++) one.links.send(2 as MemberId, frame)
  t.equal(one.links.bufferedBytes(2 as MemberId), 5_000_000)
  await world.virtual.run(1)
  t.ok(one.isLinkedTo(2), 'at the bound')
  one.links.send(2 as MemberId, frame)
  await world.virtual.run(1)
  t.notOk(one.isLinkedTo(2), 'above the bound')
  t.equal(one.links.bufferedBytes(2 as MemberId), 0)
  await world.close(one, two)
})

t.test('the member is told when there is room again', async t => {
  const world = new World()
  const [one, two] = await world.pair()
  world.network.swallow('1', '2')
  one.links.send(2 as MemberId, new Uint8Array(LIMITS.linkQueueBytesHigh + 1).fill(1))
  await world.virtual.run(1)
  t.equal(one.drains, 0)
  world.network.heal('1', '2')
  await world.virtual.run(1)
  t.equal(one.drains, 1)
  await world.close(one, two)
})

t.test('frames that no message looks like are our bug', async t => {
  const world = new World()
  const [one, two] = await world.pair()
  t.throws(() => one.links.send(2 as MemberId, new Uint8Array(0)), { code: 'INVARIANT_VIOLATED' })
  t.throws(() => one.links.send(2 as MemberId, Uint8Array.of(0xc1)), { code: 'INVARIANT_VIOLATED' })
  t.throws(() => one.links.send(2 as MemberId, new Uint8Array(LIMITS.frameBytesMax + 1)), { code: 'INVARIANT_VIOLATED' })
  t.doesNotThrow(() => one.links.send(3 as MemberId, Uint8Array.of(1)), 'to nobody is dropped')
  await world.close(one, two)
})

t.test('a start that fails leaves nothing behind and says why', async t => {
  const world = new World()
  const first = world.member(1)
  await first.start()
  await t.rejects(world.member(1).start(), { code: 'ADDRESS_UNAVAILABLE' })
  await t.rejects(world.member(4).start(), { code: 'BAD_ARGUMENTS' })
  await t.rejects(world.member(2, { transports: {} }).start(), { code: 'BAD_ARGUMENTS' })
  const open = new Map([[1 as MemberId, { scheme: 'tcp', host: '0.0.0.0', port: 1 } as const]])
  await t.rejects(world.member(1, { peers: open }).start(), { code: 'BAD_ARGUMENTS' })
  await world.virtual.run(100)
  await world.close(first)
})

t.test('a member that is alone listens as well', async t => {
  const world = new World()
  const alone = world.member(1, { peers: memoryPeers(1) })
  await alone.start()
  await t.rejects(world.member(1, { peers: memoryPeers(1) }).start(), { code: 'ADDRESS_UNAVAILABLE' })
  await world.close(alone)
})

t.test('closing lets the last frames leave, tells nothing any more, and frees the address', async t => {
  const world = new World()
  const [one, two] = await world.pair()
  one.send(2, 'last')
  const closed = one.links.close()
  t.equal(one.links.close(), closed)
  await world.virtual.run(10)
  await closed
  t.strictSame(two.textsOf(1), ['last'])
  t.strictSame(one.downs, [])
  t.equal(two.downs.length, 1)
  const again = world.member(1, { peers: memoryPeers(1, 2), introduction: introduction('store of 1', 2) })
  await again.start()
  await world.virtual.run(10)
  t.ok(again.isLinkedTo(2))
  await world.close(again, two)
})

t.test('links that are closed while they start do not start', async t => {
  const world = new World()
  const one = world.member(1)
  const started = one.start()
  const closed = one.links.close()
  await t.rejects(started, { code: 'CLOSED' })
  await closed
  const again = world.member(1)
  await again.start()
  await world.close(again)
})
