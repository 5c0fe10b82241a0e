import { connect, createServer, type Socket } from 'node:net'
import { Decoder, Encoder } from '@msgpack/msgpack'
import { Level } from 'level'

// The least that replicates a map to processes on loopback TCP and LevelDB with real fsync, and nothing besides: no election, no order of sessions,
// no versions, no watches, no checks of what comes in or of what lies on the disk. What is built of the same parts and does more cannot be faster.

const REQUESTS = 0
const BATCH = 1
const ACK = 2
const COMMIT = 3

/** Who asked, what is set, and to what. */
type Entry = readonly [origin: number, key: string, value: Uint8Array]
type Frame =
  | readonly [typeof REQUESTS, readonly Entry[]]
  | readonly [typeof BATCH, number, readonly Entry[], number]
  | readonly [typeof ACK, number]
  | readonly [typeof COMMIT, number]

const LENGTH_BYTES = 4

/** A member of an ensemble whose leader is member 0 for good. */
export class BareMember {
  readonly map = new Map<string, Uint8Array>()
  readonly #id: number
  readonly #quorum: number
  readonly #level: Level<string, Uint8Array>
  readonly #encoder = new Encoder()
  readonly #decoder = new Decoder()
  /** Of the leader to its followers, or of a follower to its leader. */
  readonly #sockets: Socket[] = []
  readonly #waiting: (() => void)[] = []
  #requests: Entry[] = []
  #flushing = false
  /** Leader: what is to be the next batch. */
  #open: Entry[] = []
  /** In the order of the log, of which the first is the one behind what has been applied. */
  #entries: Entry[] = []
  #unwritten: Uint8Array[] = []
  #writing = false
  #logged = 0
  #durable = 0
  #committed = 0
  #applied = 0
  readonly #acknowledged: number[] = []

  private constructor(id: number, members: number, level: Level<string, Uint8Array>) {
    this.#id = id
    this.#quorum = Math.floor(members / 2) + 1
    this.#level = level
  }

  /** Resolves when the member is connected to its leader, or to all followers. */
  static async start(id: number, port: number, members: number, dataDir: string): Promise<BareMember> {
    const level = new Level<string, Uint8Array>(dataDir, { valueEncoding: 'view', compression: false })
    await level.open()
    const member = new BareMember(id, members, level)
    if (id === 0) await member.#listen(port, members - 1)
    else await member.#dial(port)
    return member
  }

  /** Resolves once the value is set on this member, durable on a quorum. */
  set(key: string, value: Uint8Array): Promise<void> {
    this.#requests.push([this.#id, key, value])
    if (!this.#flushing) {
      this.#flushing = true
      process.nextTick(() => this.#flush())
    }
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  #flush(): void {
    this.#flushing = false
    const requests = this.#requests
    this.#requests = []
    if (this.#id === 0) this.#propose(requests)
    else this.#send(this.#sockets, [REQUESTS, requests])
  }

  #propose(requests: readonly Entry[]): void {
    for (const request of requests) this.#open.push(request)
    if (!this.#writing) this.#sendBatch()
  }

  #sendBatch(): void {
    if (this.#open.length === 0) return
    const entries = this.#open
    this.#open = []
    const bytes = this.#encoder.encode([BATCH, this.#logged + 1, entries, this.#committed])
    for (const socket of this.#sockets) writeFrame(socket, bytes)
    this.#log(entries, bytes)
  }

  #log(entries: readonly Entry[], bytes: Uint8Array): void {
    for (const entry of entries) this.#entries.push(entry)
    this.#logged += entries.length
    this.#unwritten.push(bytes)
    if (!this.#writing) this.#write()
  }

  #write(): void {
    this.#writing = true
    const upTo = this.#logged
    const value = this.#unwritten.length === 1 && this.#unwritten[0] ? this.#unwritten[0] : Buffer.concat(this.#unwritten)
    this.#unwritten = []
    this.#level.put(String(upTo).padStart(16, '0'), value, { sync: true }).then(() => {
      this.#writing = false
      this.#durable = upTo
      if (this.#unwritten.length > 0) this.#write()
      if (this.#id === 0) {
        this.#sendBatch()
        this.#commit()
      } else {
        this.#send(this.#sockets, [ACK, upTo])
        this.#apply()
      }
    }, fail)
  }

  #commit(): void {
    const durable = [this.#durable, ...this.#acknowledged].sort((a, b) => b - a)
    const committed = durable[this.#quorum - 1] ?? 0
    if (committed > this.#committed) {
      this.#committed = committed
      this.#send(this.#sockets, [COMMIT, committed])
    }
    // The followers may have been first: then only the own disk was waited for.
    this.#apply()
  }

  #apply(): void {
    const end = Math.min(this.#committed, this.#durable)
    const count = end - this.#applied
    if (count <= 0) return
    this.#applied = end
    const entries = this.#entries.splice(0, count)
    let own = 0
    for (const [origin, key, value] of entries) {
      this.map.set(key, value)
      if (origin === this.#id) own++
    }
    for (const resolve of this.#waiting.splice(0, own)) resolve()
  }

  #onFrame(from: number, bytes: Uint8Array): void {
    const frame = this.#decoder.decode(bytes) as Frame
    if (frame[0] === REQUESTS) this.#propose(frame[1])
    else if (frame[0] === BATCH) {
      this.#committed = Math.max(this.#committed, frame[3])
      this.#log(frame[2], bytes)
    } else if (frame[0] === ACK) {
      this.#acknowledged[from] = frame[1]
      this.#commit()
    } else {
      this.#committed = Math.max(this.#committed, frame[1])
      this.#apply()
    }
  }

  #send(sockets: readonly Socket[], frame: Frame): void {
    const bytes = this.#encoder.encode(frame)
    for (const socket of sockets) writeFrame(socket, bytes)
  }

  #listen(port: number, followers: number): Promise<void> {
    return new Promise(resolve => {
      const server = createServer(socket => {
        this.#adopt(socket)
        if (this.#sockets.length === followers) resolve()
      }).listen(port, '127.0.0.1')
      if (followers === 0) server.once('listening', resolve)
    })
  }

  async #dial(port: number): Promise<void> {
    for (;;) {
      const socket = connect(port, '127.0.0.1')
      const isThere = await new Promise<boolean>(resolve => {
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      })
      if (isThere) return this.#adopt(socket)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  #adopt(socket: Socket): void {
    const from = this.#sockets.push(socket) - 1
    this.#acknowledged[from] = 0
    let rest = Buffer.alloc(0)
    socket.setNoDelay(true).on('data', chunk => {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      while (bytes.length >= LENGTH_BYTES) {
        const end = LENGTH_BYTES + bytes.readUInt32BE(0)
        if (bytes.length < end) break
        this.#onFrame(from, bytes.subarray(LENGTH_BYTES, end))
        bytes = bytes.subarray(end)
      }
      rest = bytes
    })
  }
}

function writeFrame(socket: Socket, bytes: Uint8Array): void {
  const length = Buffer.allocUnsafe(LENGTH_BYTES)
  length.writeUInt32BE(bytes.length)
  socket.cork()
  socket.write(length)
  socket.write(bytes)
  process.nextTick(() => socket.uncork())
}

function fail(error: unknown): void {
  throw error
}
