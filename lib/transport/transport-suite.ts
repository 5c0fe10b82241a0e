import assert from 'node:assert/strict'
import { LIMITS } from '../base/index.js'
import type { Address, Channel, CloseReason, Listener, Transport } from './transport.js'

/** Two members' views of one transport and an address that the second may listen on. */
export interface TransportFixture {
  readonly dialer: Transport
  readonly acceptor: Transport
  readonly address: Address
  /** Called when the test is over. */
  close?(): Promise<void>
}

/** Makes a fixture with an address of its own. */
export type TransportFactory = () => Promise<TransportFixture>

export interface TransportSuiteOptions {
  /** Runs one titled test: `t.test` of tap, `test` of `node:test`. */
  readonly test: (title: string, run: () => Promise<void>) => unknown
  readonly factory: TransportFactory
}

/** What every transport must do, whatever it is made of. Throws `AssertionError` from the test that found otherwise. */
export function transportSuite({ test, factory }: TransportSuiteOptions): void {
  const check = (title: string, run: (pair: ChannelPair) => Promise<void>) =>
    test(title, async () => {
      const pair = await ChannelPair.open(await factory())
      try {
        await run(pair)
      } finally {
        await pair.close()
      }
    })

  check('a frame arrives whole, whatever its size', async ({ near, far, limitFrames }) => {
    limitFrames(LIMITS.frameBytesMax)
    for (const length of [0, 1, 3, 4_096, 65_535, 65_536, 1_000_003, LIMITS.frameBytesMax]) {
      const frame = patterned(length)
      near.channel.send(frame)
      assert.equal(Buffer.compare(await far.nextFrame(), frame), 0, `${length} bytes`)
    }
  })

  check('frames arrive in order, both ways at the same time', async ({ near, far }) => {
    const count = 5_000
    for (let index = 0; index < count; index++) {
      near.channel.send(numbered(index, 10 + (index % 300)))
      far.channel.send(numbered(index, 10 + ((index * 7) % 300)))
    }
    for (let index = 0; index < count; index++) {
      assert.equal(numberOf(await far.nextFrame()), index)
      assert.equal(numberOf(await near.nextFrame()), index)
    }
  })

  check('what is received is the owner s to keep', async ({ near, far }) => {
    near.channel.send(patterned(100))
    const kept = await far.nextFrame()
    for (let index = 0; index < 1_000; index++) near.channel.send(new Uint8Array(1_000))
    for (let index = 0; index < 1_000; index++) await far.nextFrame()
    assert.deepEqual(Uint8Array.from(kept), patterned(100))
  })

  check('what is received shares no memory with what was sent', async ({ near, far }) => {
    const sent = patterned(100)
    near.channel.send(sent)
    const received = await far.nextFrame()
    assert.notEqual(received.buffer, sent.buffer)
  })

  check('a frame above the limit of the handshake closes the channel before its owner sees it', async ({ near, far }) => {
    near.channel.send(new Uint8Array(LIMITS.handshakeBytesMax))
    near.channel.send(new Uint8Array(LIMITS.handshakeBytesMax + 1))
    assert.equal((await far.closed).code, 'BAD_FRAME')
    assert.equal(far.received, 1)
    assert.equal((await near.closed).code, 'CONNECTION_LOSS')
  })

  check('a limit that is raised on a frame holds for the one right behind it', async ({ near, far }) => {
    far.onFrame = () => far.channel.limitFrames(LIMITS.frameBytesMax)
    near.channel.send(new Uint8Array(1))
    near.channel.send(new Uint8Array(LIMITS.handshakeBytesMax + 1))
    await far.nextFrame()
    assert.equal((await far.nextFrame()).length, LIMITS.handshakeBytesMax + 1)
  })

  check('closing tells both ends once, each its own reason, and nothing after it', async ({ near, far }) => {
    near.channel.close({ code: 'CLOSED', detail: 'first' })
    near.channel.close({ code: 'BAD_FRAME', detail: 'second' })
    assert.equal(near.closes, 0, 'not within the call')
    near.channel.send(new Uint8Array(1))
    assert.deepEqual(await near.closed, { code: 'CLOSED', detail: 'first' })
    assert.equal((await far.closed).code, 'CONNECTION_LOSS')
    far.channel.send(new Uint8Array(1))
    far.channel.close({ code: 'CLOSED', detail: 'late' })
    await turns()
    assert.deepEqual([near.closes, far.closes, near.received, far.received], [1, 1, 0, 0])
  })

  check('closing with flush lets everything sent before arrive', async ({ near, far, limitFrames }) => {
    limitFrames(LIMITS.frameBytesMax)
    for (let index = 0; index < 100; index++) near.channel.send(numbered(index, 50_000))
    near.channel.close({ code: 'CLOSED', detail: 'done' }, { flush: true })
    for (let index = 0; index < 100; index++) assert.equal(numberOf(await far.nextFrame()), index)
    await far.closed
    assert.equal((await near.closed).code, 'CLOSED')
  })

  check('closing with flush loses nothing when the other side is sending as well', async ({ near, far, limitFrames }) => {
    limitFrames(LIMITS.frameBytesMax)
    for (let index = 0; index < 200; index++) far.channel.send(new Uint8Array(20_000))
    for (let index = 0; index < 20; index++) near.channel.send(numbered(index, 50_000))
    near.channel.close({ code: 'CLOSED', detail: 'done' }, { flush: true })
    for (let index = 0; index < 20; index++) assert.equal(numberOf(await far.nextFrame()), index)
    await near.closed
  })

  check(
    'what waits to be sent is counted, and its owner is told once when there is room again',
    async ({ near, far, limitFrames }) => {
      limitFrames(LIMITS.frameBytesMax)
      assert.equal(near.channel.bufferedBytes, 0)
      const count = 4 * Math.ceil(LIMITS.linkQueueBytesHigh / 100_000)
      for (let index = 0; index < count; index++) near.channel.send(new Uint8Array(100_000))
      assert.ok(near.channel.bufferedBytes > LIMITS.linkQueueBytesHigh)
      await near.drained
      assert.ok(near.channel.bufferedBytes <= LIMITS.linkQueueBytesHigh)
      for (let index = 0; index < count; index++) await far.nextFrame()
      await turns()
      assert.equal(near.drains, 1)
      assert.equal(near.channel.bufferedBytes, 0)
    }
  )

  check('handlers are never called from within the calls of their owner', async ({ near, far }) => {
    let calling = false
    const guarded = (call: () => void) => {
      calling = true
      call()
      calling = false
    }
    const assertLater = () => assert.equal(calling, false)
    near.onFrame = far.onFrame = near.onClose = assertLater
    guarded(() => near.channel.send(new Uint8Array(1)))
    guarded(() => far.channel.send(new Uint8Array(1)))
    await Promise.all([near.nextFrame(), far.nextFrame()])
    guarded(() => near.channel.close({ code: 'CLOSED', detail: '' }))
    await near.closed
  })

  check('an address that is in use is refused', async ({ fixture }) => {
    await assert.rejects(
      fixture.acceptor.listen(fixture.address, () => {}),
      { code: 'ADDRESS_UNAVAILABLE' }
    )
  })

  check('a listener that is closed leaves its channels alone and frees its address', async ({ near, far, fixture, listener }) => {
    await listener.close()
    await listener.close()
    near.channel.send(Uint8Array.of(5))
    assert.deepEqual(Uint8Array.from(await far.nextFrame()), Uint8Array.of(5))
    await assert.rejects(fixture.dialer.dial(fixture.address, new AbortController().signal), { code: 'CONNECTION_LOSS' })
    const again = await fixture.acceptor.listen(fixture.address, () => {})
    await again.close()
  })

  check('every dial is a channel of its own', async ({ near, far, fixture, accepted }) => {
    const second = new Recorder(await fixture.dialer.dial(fixture.address, new AbortController().signal))
    second.channel.send(Uint8Array.of(2))
    near.channel.send(Uint8Array.of(1))
    assert.equal((await far.nextFrame())[0], 1)
    const other = await accepted(1)
    assert.equal((await other.nextFrame())[0], 2)
    second.channel.close({ code: 'CLOSED', detail: '' })
    await other.closed
    near.channel.send(Uint8Array.of(3))
    assert.equal((await far.nextFrame())[0], 3)
  })

  check('a dial ends with its signal s reason', async ({ fixture }) => {
    const reason = new Error('enough')
    await assert.rejects(fixture.dialer.dial(fixture.address, AbortSignal.abort(reason)), reason)
    const abort = new AbortController()
    const dialled = fixture.dialer.dial(fixture.address, abort.signal)
    abort.abort(reason)
    await assert.rejects(dialled, reason)
  })

  test('a dial to where nobody listens is a lost connection', async () => {
    const fixture = await factory()
    await assert.rejects(fixture.dialer.dial(fixture.address, new AbortController().signal), { code: 'CONNECTION_LOSS' })
    await fixture.close?.()
  })
}

/** A channel's two ends, opened for one test. */
class ChannelPair {
  readonly fixture: TransportFixture
  readonly listener: Listener
  readonly near: Recorder
  readonly far: Recorder
  readonly accepted: (index: number) => Promise<Recorder>

  private constructor(
    fixture: TransportFixture,
    listener: Listener,
    near: Recorder,
    far: Recorder,
    accepted: ChannelPair['accepted']
  ) {
    this.fixture = fixture
    this.listener = listener
    this.near = near
    this.far = far
    this.accepted = accepted
  }

  static async open(fixture: TransportFixture): Promise<ChannelPair> {
    const recorders: Recorder[] = []
    const waiting: (() => void)[] = []
    const listener = await fixture.acceptor.listen(fixture.address, channel => {
      recorders.push(new Recorder(channel))
      for (const wake of waiting.splice(0)) wake()
    })
    const accepted = async (index: number): Promise<Recorder> => {
      for (;;) {
        const recorder = recorders[index]
        if (recorder !== undefined) return recorder
        await new Promise<void>(resolve => waiting.push(resolve))
      }
    }
    const dialled = await fixture.dialer.dial(fixture.address, new AbortController().signal)
    const near = new Recorder(dialled)
    return new ChannelPair({ ...fixture, address: listener.address }, listener, near, await accepted(0), accepted)
  }

  readonly limitFrames = (bytesMax: number): void => {
    this.near.channel.limitFrames(bytesMax)
    this.far.channel.limitFrames(bytesMax)
  }

  async close(): Promise<void> {
    const reason: CloseReason = { code: 'CLOSED', detail: 'the test is over' }
    this.near.channel.close(reason)
    this.far.channel.close(reason)
    await Promise.all([this.near.closed, this.far.closed])
    await this.listener.close()
    await this.fixture.close?.()
  }
}

/** Writes down what one end of a channel is told. */
class Recorder {
  readonly channel: Channel
  readonly closed: Promise<CloseReason>
  readonly drained: Promise<void>
  received = 0
  closes = 0
  drains = 0
  onFrame = (): void => {}
  onClose = (): void => {}
  readonly #frames: Uint8Array[] = []
  readonly #waiting: ((frame: Uint8Array) => void)[] = []

  constructor(channel: Channel) {
    this.channel = channel
    let onClosed: (reason: CloseReason) => void = () => {}
    let onDrained: () => void = () => {}
    this.closed = new Promise(resolve => {
      onClosed = resolve
    })
    this.drained = new Promise(resolve => {
      onDrained = resolve
    })
    channel.start({
      onFrame: frame => {
        assert.equal(this.closes, 0, 'no frame after the close')
        this.received++
        this.onFrame()
        const waiting = this.#waiting.shift()
        if (waiting === undefined) this.#frames.push(frame)
        else waiting(frame)
      },
      onClose: reason => {
        this.closes++
        this.onClose()
        onClosed(reason)
      },
      onDrain: () => {
        this.drains++
        onDrained()
      }
    })
  }

  nextFrame(): Promise<Uint8Array> {
    const frame = this.#frames.shift()
    return frame === undefined ? new Promise(resolve => this.#waiting.push(resolve)) : Promise.resolve(frame)
  }
}

function patterned(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + length) & 0xff)
}

function numbered(index: number, length: number): Uint8Array {
  const frame = new Uint8Array(length)
  new DataView(frame.buffer).setUint32(0, index)
  return frame
}

function numberOf(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset).getUint32(0)
}

/** Long enough for what should not happen to happen. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
}
