import t from 'tap'
import { LIMITS, seededRandom } from '../../lib/base/index.js'
import { nodeRuntime } from '../../lib/member/node-runtime.js'
import { SimNetwork, type SimNetworkOptions } from '../../lib/sim/network/sim-network.js'
import { transportSuite } from '../../lib/transport/index.js'
import { addressOf, done, isOrdered, numbered, numberOf, range, World } from '../fixtures/network-world.js'
import { randomNetworkRun } from '../fixtures/random-network-run.js'

const MODES: readonly { readonly title: string; readonly options: SimNetworkOptions }[] = [
  { title: 'whole frames', options: {} },
  { title: 'whole frames with latency and a small window', options: { latency: 1, windowBytes: 10_000 } },
  { title: 'bytes in segments', options: { segmentBytes: 5_000 } },
  { title: 'bytes in segments with latency', options: { segmentBytes: 60_000, latency: 1 } }
]

for (const { title, options } of MODES) {
  t.test(title, async t => {
    transportSuite({
      test: (title, run) => t.test(title, run),
      factory: async () => {
        const { clock, scheduler } = nodeRuntime()
        const network = new SimNetwork({ clock, scheduler, random: seededRandom(1) }, options)
        // The timers of a scheduler do not keep the process alive, and there is no socket that would.
        const alive = setInterval(() => {}, 1_000)
        return {
          close: async () => clearInterval(alive),
          dialer: network.transport('a', scheduler),
          acceptor: network.transport('b', scheduler),
          address: addressOf('b')
        }
      }
    })
  })
}

for (const segmentBytes of [null, 7]) {
  t.test(segmentBytes === null ? 'with whole frames' : 'with bytes', async t => {
    const worldWith = (options: SimNetworkOptions = {}, seed?: number) => new World({ segmentBytes, ...options }, seed)

    t.test('the latency is asked for each direction and may change, and order holds all the same', async t => {
      let there = 50
      const world = worldWith({ latency: from => (from === 'a' ? there : 3) })
      const [near, far] = await world.open()
      const start = world.now
      near.send(1)
      far.send(2)
      there = 1
      near.send(3)
      await world.run(49)
      t.strictSame(far.numbers, [])
      t.strictSame(near.times, [start + 3])
      await world.run(1)
      t.strictSame(far.numbers, [1, 3])
      near.send(4)
      await world.run(1)
      t.strictSame(far.numbers, [1, 3, 4])
    })

    t.test('a clogged direction stands still until it is released, and the other goes on', async t => {
      const world = worldWith()
      const [near, far] = await world.open()
      near.send(1)
      world.network.clog('a', 'b')
      near.send(2, 3)
      far.send(9)
      await world.run(5_000)
      t.strictSame([far.numbers, near.numbers], [[], [9]])
      const at = world.now
      world.network.unclog('a', 'b')
      await world.run(10)
      t.strictSame(far.numbers, [1, 2, 3])
      t.strictSame(new Set(far.times), new Set([at]))
    })

    t.test('what is lost is late by a retransmission, and so is all behind it', async t => {
      const world = worldWith({ loss: 0, retransmitMilliseconds: 200 })
      const [near, far] = await world.open()
      const start = world.now
      let losses = 1
      world.network.change({ loss: () => (losses-- > 0 ? 1 : 0) })
      // Lost at least once; whether a second time is asked anew.
      near.send(1, 2, 3)
      await world.run(200)
      t.strictSame(far.numbers, [])
      await world.run(20_000)
      if (far.closed === null) t.strictSame(far.numbers, [1, 2, 3])
      t.ok(far.times.every(at => at >= start + 201))
      t.ok(isOrdered(far.times))
    })

    t.test('a connection on which all is lost ends, at different times for its ends', async t => {
      const world = worldWith({ loss: 0, retransmitMilliseconds: 10, retransmitsMax: 3, resetDelay: 500 })
      const [near, far] = await world.open()
      const start = world.now
      near.send(1)
      await world.run(2)
      world.network.change({ loss: 1 })
      near.send(2, 3)
      await world.run(149)
      t.strictSame([near.closed, far.closed], [null, null])
      await world.run(600)
      t.match(
        [near.closed?.reason, far.closed?.reason],
        [{ code: 'CONNECTION_LOSS', detail: /ETIMEDOUT/ }, { code: 'CONNECTION_LOSS' }]
      )
      t.not(near.closed?.at, far.closed?.at)
      t.ok((near.closed?.at ?? 0) >= start + 150)
      t.strictSame(far.numbers, [1])
      t.equal(world.network.channelsBetween('a', 'b'), 0)
    })

    t.test('a dial may be lost too, and then hangs until its signal ends it', async t => {
      const world = worldWith({ loss: 1 })
      await world.listen()
      const abort = new AbortController()
      const dialled = world.dial(abort)
      let settled = false
      dialled
        .catch(() => {})
        .finally(() => {
          settled = true
        })
      await world.run(100_000)
      t.equal(settled, false)
      abort.abort(new Error('enough'))
      await t.rejects(dialled, { message: 'enough' })
    })

    t.test('a reset is heard at both ends at different times, and delivers some of what was under way', async t => {
      const counts = new Set<number>()
      for (let seed = 1; seed <= 40; seed++) {
        const world = worldWith({ latency: 20, resetDelay: 100 }, seed)
        const [near, far] = await world.open()
        near.send(...range(10))
        far.send(...range(10))
        t.equal(world.network.reset('a', 'b'), true)
        near.send(100)
        await world.run(200)
        t.match([near.closed?.reason, far.closed?.reason], [{ detail: /ECONNRESET/ }, { detail: /ECONNRESET/ }])
        t.not(near.closed?.at, far.closed?.at)
        for (const { numbers } of [near, far]) {
          t.strictSame(numbers, range(numbers.length))
          counts.add(numbers.length)
        }
        t.equal(world.network.channelsBetween('a', 'b'), 0)
        t.equal(world.network.reset('a', 'b'), false)
      }
      t.ok(counts.size > 5, `${[...counts]}`)
    })

    t.test('an old connection may deliver after a newer one was opened', async t => {
      let late = 0
      for (let seed = 1; seed <= 20; seed++) {
        const world = worldWith({ resetDelay: (_, to) => (to === 'a' ? 0 : 1_000) }, seed)
        const [near, far] = await world.open()
        near.send(...range(20))
        world.network.reset('a', 'b')
        await world.run(10)
        t.ok(near.closed)
        t.equal(far.closed, null)
        const [second, newer] = await world.open()
        second.send(7)
        await world.run(10)
        t.strictSame(newer.numbers, [7])
        const heard = far.frames.length
        await world.run(2_000)
        late += far.frames.length - heard
        t.strictSame(far.numbers, range(far.frames.length))
        t.ok((far.closed?.at ?? 0) > 1_000)
        t.strictSame([newer.numbers, newer.closed], [[7], null])
      }
      t.ok(late > 20, `${late} frames of old connections`)
    })

    t.test('stranded channels are half-open for good, and new ones work', async t => {
      const world = worldWith()
      const [near, far] = await world.open()
      world.network.strand('a', 'b')
      near.send(1)
      far.send(2)
      near.channel.close(done)
      const [second, newer] = await world.open()
      second.send(3)
      await world.run(100_000)
      t.strictSame([near.numbers, far.numbers, newer.numbers], [[], [], [3]])
      t.equal(far.closed, null)
      t.equal(world.network.channelsBetween('a', 'b'), 2)
    })

    t.test('one end may be lost without the other ever knowing', async t => {
      const world = worldWith()
      const [near, far] = await world.open()
      world.network.forget('a', 'b')
      far.send(1)
      await world.run(100_000)
      t.equal(near.closed?.reason.code, 'CONNECTION_LOSS')
      t.equal(far.closed, null)
      t.strictSame(near.numbers, [])
      const [second, newer] = await world.open()
      second.send(3)
      await world.run(10)
      t.strictSame(newer.numbers, [3])
    })

    t.test('one way may swallow what the other carries, and what was swallowed is sent again', async t => {
      const world = worldWith({ retransmitMilliseconds: 200 })
      const [near, far] = await world.open()
      near.send(1)
      world.network.swallow('a', 'b')
      near.send(2)
      far.send(3)
      await world.run(60_000)
      t.strictSame([near.numbers, far.numbers], [[3], []])
      world.network.heal('a', 'b')
      await world.run(201)
      t.strictSame(far.numbers, [1, 2])
    })

    t.test('a cut is noticed at both ends and refuses dials until it is healed', async t => {
      const world = worldWith()
      const [near, far] = await world.open()
      near.send(1)
      world.network.cut('a', 'b')
      await world.run(10)
      t.match([near.closed?.reason, far.closed?.reason], [{ code: 'CONNECTION_LOSS' }, { code: 'CONNECTION_LOSS' }])
      t.strictSame(far.numbers, [])
      const refused = world.dial()
      refused.catch(() => {})
      await world.run(10)
      await t.rejects(refused, { code: 'CONNECTION_LOSS' })
      world.network.heal('a', 'b')
      await world.open()
    })

    t.test('a dial takes its way there and back, and hangs where either swallows', async t => {
      const world = worldWith({ latency: (from: string) => (from === 'a' ? 30 : 5) })
      await world.open()
      t.equal(world.now, 35)
      for (const [from, to] of [
        ['a', 'b'],
        ['b', 'a']
      ] as const) {
        const count = world.accepted.length
        world.network.swallow(from, to)
        world.dial()
        await world.run(10_000)
        t.equal(world.accepted.length, count)
        world.network.heal('a', 'b')
        await world.run(100)
        t.equal(world.accepted.length, count + 1)
      }
    })

    t.test('bytes take as long as the bandwidth says', async t => {
      const world = worldWith()
      const [near, far] = await world.open()
      world.network.throttle('a', 'b', 1)
      const start = world.now
      near.send(...range(10))
      far.send(...range(10))
      await world.run(3)
      t.equal(near.frames.length, 10, 'the other direction is as it was')
      await world.run(500)
      const halfway = far.frames.length
      t.ok(halfway >= 4 && halfway <= 5, `${halfway}`)
      await world.run(2_000)
      t.equal(far.frames.length, 10)
      t.ok((far.times.at(-1) ?? 0) - start >= 1_000)
      world.network.throttle('a', 'b', null)
      near.send(10)
      await world.run(2)
      t.equal(far.frames.length, 11)
    })

    t.test('who does not read lets the window fill, and what is behind it counts as not sent', async t => {
      const world = worldWith({ windowBytes: 10_000, latency: 0, segmentBytes: segmentBytes === null ? null : 1_000 })
      const [near, far] = await world.open()
      world.processes.b.pause()
      const frame = new Uint8Array(1_000)
      for (let index = 0; index < 10; index++) near.channel.send(frame)
      t.ok(near.channel.bufferedBytes <= 80, `${near.channel.bufferedBytes}`)
      const count = 2 * Math.ceil(LIMITS.linkQueueBytesHigh / 1_000)
      for (let index = 0; index < count; index++) near.channel.send(frame)
      await world.run(10_000)
      t.ok(near.channel.bufferedBytes >= count * 1_000)
      t.strictSame([near.drains.length, far.frames.length], [0, 0])
      world.processes.b.resume()
      await world.run(1_000)
      t.equal(far.frames.length, count + 10)
      t.equal(near.drains.length, 1)
      t.equal(near.channel.bufferedBytes, 0)
    })

    t.test('room in the window comes back with acknowledgements only', async t => {
      const world = worldWith({ windowBytes: 1_000 })
      const [near, far] = await world.open()
      world.network.swallow('b', 'a')
      near.send(...range(50))
      await world.run(10_000)
      t.ok(far.frames.length <= 10, `${far.frames.length}`)
      t.strictSame(far.numbers, range(far.frames.length))
      world.network.heal('a', 'b')
      await world.run(1_000)
      t.strictSame(far.numbers, range(50))
    })

    t.test('a close with flush gives up after a second', async t => {
      const world = worldWith({ windowBytes: 1_000 })
      const [near, far] = await world.open()
      world.network.clog('a', 'b')
      near.send(...range(50))
      near.channel.close(done, { flush: true })
      await world.run(999)
      t.equal(near.closed, null)
      await world.run(1)
      t.strictSame(near.closed?.reason, done)
      world.network.unclog('a', 'b')
      await world.run(10)
      t.ok(far.frames.length <= 10)
      t.equal(far.closed?.reason.code, 'CONNECTION_LOSS')
    })

    t.test('who has crashed hears nothing, and its peers hear that it is gone', async t => {
      const world = worldWith({ latency: 5 })
      const [near, far] = await world.open()
      near.send(1)
      far.send(2)
      far.channel.close(done, { flush: true })
      const dialled = world.dial()
      dialled.catch(() => {})
      world.network.crash('b')
      await world.run(1_000)
      t.strictSame([far.numbers, far.closed, world.accepted.length], [[], null, 1])
      t.equal(near.closed?.reason.code, 'CONNECTION_LOSS')
      await t.rejects(dialled, { code: 'CONNECTION_LOSS' })
      await world.listen()
    })

    t.test('who has lost its power says nothing', async t => {
      const world = worldWith()
      const [near] = await world.open()
      world.network.crash('b', { silent: true })
      near.send(1)
      await world.run(100_000)
      t.equal(near.closed, null)
      t.equal(world.network.channelsBetween('a', 'b'), 1)
    })

    t.test('a dial of who has crashed is nobody s', async t => {
      const world = worldWith({ latency: 5 })
      await world.listen()
      let settled = false
      world.dial().finally(() => {
        settled = true
      })
      await world.run(6)
      world.network.crash('a')
      await world.run(1_000)
      t.equal(settled, false)
      t.equal(world.accepted[0]?.closed?.reason.code, 'CONNECTION_LOSS')
    })

    t.test('a process that stands still is connected to all the same', async t => {
      const world = worldWith()
      await world.listen()
      world.processes.b.pause()
      const dialled = world.dial()
      await world.run(2)
      const near = await dialled
      near.send(1)
      await world.run(10)
      t.equal(world.accepted.length, 0)
      world.processes.b.resume()
      await world.run(10)
      t.strictSame(world.accepted[0]?.numbers, [1])
    })

    t.test('where all is calm nothing is wrong any more', async t => {
      const world = worldWith({ loss: 0, segmentBytes: segmentBytes === null ? null : 1_000 })
      const [near, far] = await world.open()
      const { network } = world
      network.throttle('a', 'b', 0.001)
      network.change({ latency: 100_000 })
      near.send(1)
      network.change({ latency: 1, loss: 1 })
      near.send(2)
      far.send(3)
      network.clog('a', 'b')
      network.swallow('b', 'a')
      network.flipNext('a', 'b')
      world.dial()
      network.calm()
      network.change({ resetDelay: 0 })
      near.send(4)
      await world.run(210)
      t.strictSame([far.numbers, near.numbers], [[1, 2, 4], [3]])
      await world.run(100_000)
      t.strictSame([far.closed, near.closed], [null, null])
      await world.open()
    })

    t.test('what arrives is a beginning of what was sent, whole and in order, whatever goes wrong', async t => {
      let received = 0
      let ended = 0
      for (let seed = 1; seed <= 60; seed++) {
        const result = await randomNetworkRun(seed, segmentBytes)
        received += result.received
        ended += result.ended
        if (result.problem !== null) t.fail(`seed ${seed}: ${result.problem}`)
      }
      t.ok(received > 2_500 && ended > 60, `${received} frames, ${ended} ends`)
    })

    t.test('the same seed gives the same run', async t => {
      const [first, again, other] = [
        await randomNetworkRun(5, segmentBytes),
        await randomNetworkRun(5, segmentBytes),
        await randomNetworkRun(6, segmentBytes)
      ]
      t.ok(first.trace.length > 100)
      t.strictSame(first.trace, again.trace)
      t.notSame(first.trace, other.trace)
    })
  })
}

t.test('frames are split and merged anywhere', async t => {
  const world = new World({ segmentBytes: 3, latency: () => 1 })
  const [near, far] = await world.open()
  near.channel.send(numbered(1, 5_000))
  near.send(...range(100))
  await world.run(100)
  t.strictSame(far.numbers, [1, ...range(100)])
  t.equal(far.frames[0]?.frame.length, 5_000)
})

t.test('a stream that is cut within a frame says so', async t => {
  const details = new Set<string>()
  for (let seed = 1; seed <= 40; seed++) {
    const world = new World({ segmentBytes: 1_000, latency: 5 }, seed)
    const [near, far] = await world.open()
    for (let count = 0; count < 3; count++) near.channel.send(new Uint8Array(1))
    world.network.reset('a', 'b')
    await world.run(20)
    details.add(far.closed?.reason.detail ?? '')
  }
  t.strictSame([...details].sort(), ['ECONNRESET', 'ECONNRESET within a frame'])
})

t.test('a bit that flips on the wire ends the channel, and nothing that was changed is handed over', async t => {
  const seen = { bad: 0, waiting: 0 }
  for (let seed = 1; seed <= 60; seed++) {
    const world = new World({ segmentBytes: 16 }, seed)
    const [near, far] = await world.open()
    far.channel.limitFrames(200)
    world.network.flipNext('a', 'b')
    near.send(7, 8)
    await world.run(20)
    if (far.closed?.reason.code === 'BAD_FRAME') {
      seen.bad++
      t.equal(near.closed?.reason.code, 'CONNECTION_LOSS')
    } else seen.waiting++
    t.equal(differingBits(far.frames, [7, 8].slice(0, far.frames.length)), 0)
  }
  // Of a length that has become larger the rest is waited for.
  t.ok(seen.bad > 50, JSON.stringify(seen))
})

t.test('a bit flips once, in that direction', async t => {
  const world = new World()
  const [near, far] = await world.open()
  world.network.flipNext('a', 'b')
  far.send(1)
  near.send(7, 7)
  await world.run(20)
  t.equal(differingBits(far.frames, [7, 7]), 1)
  t.equal(differingBits(near.frames, [1]), 0)
})

t.test('a bit that flips under a seal ends the channel before anything of it is heard', async t => {
  for (const segmentBytes of [null, 16]) {
    const world = new World({ segmentBytes, sealed: true })
    const [near, far] = await world.open()
    near.send(1)
    await world.run(20)
    world.network.flipNext('a', 'b')
    near.send(2, 3)
    await world.run(20)
    t.strictSame(far.numbers, [1])
    t.match(far.closed?.reason, { code: 'CONNECTION_LOSS', detail: /BAD_RECORD_MAC/ })
    t.match(near.closed?.reason, { code: 'CONNECTION_LOSS', detail: 'closed by the other side' })
  }
})

t.test('two that listen on one address are one too many, until the first is gone', async t => {
  const world = new World()
  await world.listen()
  const other = world.network.transport('other', world.processes.a)
  await t.rejects(
    other.listen(addressOf('b'), () => {}),
    { code: 'ADDRESS_UNAVAILABLE' }
  )
  world.network.crash('b')
  await other.listen(addressOf('b'), () => {})
})

t.test('a frame that is a Buffer shares no memory with what arrives', async t => {
  const world = new World()
  const [near, far] = await world.open()
  const sent = Buffer.alloc(100, 1)
  near.channel.send(sent)
  sent.fill(2)
  await world.run(10)
  t.equal(far.frames[0]?.frame[50], 1)
})

t.test('a handler that throws loses nothing of what is behind it', async t => {
  const world = new World()
  const [near, far] = await world.open()
  const errors: unknown[] = []
  world.processes.b.onError = error => errors.push(error)
  far.onFrame = frame => {
    if (numberOf(frame) === 1) throw new Error('thrown by a handler')
  }
  near.send(...range(4))
  await world.run(10)
  t.strictSame(far.numbers, range(4))
  t.equal(errors.length, 1)
})

t.test('a receiver whose clock is fast or slow misses nothing', async t => {
  for (const rate of [0.5, 0.99, 1.01, 2]) {
    const world = new World()
    const [near, far] = await world.open()
    world.processes.b.drift(rate)
    for (let index = 0; index < 50; index++) {
      near.send(index)
      await world.run(0.1)
    }
    const { events } = world.virtual
    await world.run(20)
    t.strictSame(far.numbers, range(50))
    t.ok(world.virtual.events - events < 60, 'no turns that find nothing')
  }
})

function differingBits(frames: readonly { readonly frame: Uint8Array }[], numbers: readonly number[]): number {
  let bits = 0
  for (const [index, number] of numbers.entries()) {
    const expected = numbered(number, 100)
    const frame = frames[index]?.frame ?? new Uint8Array(0)
    for (const [place, byte] of expected.entries()) {
      for (let rest = byte ^ (frame[place] ?? 0); rest > 0; rest &= rest - 1) bits++
    }
  }
  return bits
}

t.test('a hundred thousand frames of one turn arrive, whole and all of them', async t => {
  const world = new World({ windowBytes: 2 ** 30, latency: () => 1 })
  const [near, far] = await world.open()
  const frame = new Uint8Array(200)
  for (let index = 0; index < 100_000; index++) near.channel.send(frame)
  await world.run(10)
  t.equal(far.frames.length, 100_000)
})
