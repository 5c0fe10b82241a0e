import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import type { AbstractLevel } from 'abstract-level'
import { Level } from 'level'
import t, { type Test } from 'tap'
import { type Random, randomInt, seededRandom } from '../../lib/base/index.js'
import { SimDisk } from '../../lib/sim/disk/sim-disk.js'
import { SimLevel } from '../../lib/sim/disk/sim-level.js'
import { immediateRuntime } from '../fixtures/immediate-runtime.js'

type Database = AbstractLevel<string | Buffer | Uint8Array, string, string>

function newDisk(seed = 1): SimDisk {
  return new SimDisk({ latency: () => 1, random: seededRandom(seed) })
}

/** tap's tests under the names by which abstract-level's own suite knows tape's. */
function asTape(t: Test): object {
  const named: Readonly<Record<string, unknown>> = {
    is: (found: unknown, wanted: unknown, title = '') => t.equal(found, wanted, title),
    isNot: (found: unknown, wanted: unknown, title = '') => t.not(found, wanted, title),
    same: (found: unknown, wanted: unknown, title = '') => t.strictSame(found, wanted, title),
    throws: (act: () => void, isExpected: (error: unknown) => boolean) => t.ok(isExpected(thrownBy(act)), 'it throws'),
    test: (title: string, body: (t: object) => Promise<void>) => t.test(title, each => body(asTape(each)))
  }
  return new Proxy(t, {
    get: (target, name) => {
      const value = named[String(name)] ?? Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}

function thrownBy(act: () => void): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  return null
}

t.test('abstract-level’s own suite holds for it', async t => {
  const suite = createRequire(import.meta.url)('abstract-level/test') as (options: object) => void
  const test = (title: string, ...rest: unknown[]) => {
    const body = rest.at(-1) as (t: object) => Promise<void>
    return t.test(title, each => body(asTape(each)))
  }
  const factory = (options: object) => new SimLevel(newDisk(), immediateRuntime(), options)
  suite({ test: Object.assign(test, { skip: () => {}, only: test }), factory })
})

const ENCODINGS = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
const BYTES = [0, 1, 0x2f, 0x61, 0x7f, 0x80, 0xfe, 0xff]

/** LevelDB ends the process when a target outside the range is sought in a database without a key, so there always is one. */
const KEPT = Buffer.from('kept')

/** One random operation, to be done to two databases. */
type Operation = (level: Database) => Promise<unknown>

/** Draws everything that is left to chance, so that both databases are asked the same. */
class Chance {
  readonly #random: Random

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  below(bound: number): number {
    return randomInt(this.#random, bound)
  }

  key(least = 1): Buffer {
    return Buffer.from(Array.from({ length: least + this.below(3) }, () => BYTES[this.below(BYTES.length)] ?? 0))
  }

  value(): Buffer {
    return Buffer.alloc(this.below(30), this.below(256))
  }

  writes(): { type: 'put' | 'del'; key: Buffer; value: Buffer }[] {
    const write = () => ({ type: this.below(3) > 0 ? ('put' as const) : ('del' as const), key: this.key(), value: this.value() })
    return Array.from({ length: this.below(12) }, write)
  }

  range(): object {
    const bounds: Record<string, unknown> = {}
    for (const bound of ['gt', 'gte', 'lt', 'lte']) if (this.below(3) === 0) bounds[bound] = this.key(0)
    if (this.below(2) === 0) bounds.reverse = true
    if (this.below(3) === 0) bounds.limit = this.below(8) - 1
    return { ...ENCODINGS, ...bounds }
  }

  operation(): Operation {
    const kind = this.below(20)
    const key = this.key()
    const value = this.value()
    const keys = Array.from({ length: this.below(6) }, () => this.key())
    const range = this.range()
    if (kind < 4) return level => level.put(key, value, ENCODINGS)
    if (kind < 6) return level => level.del(key, ENCODINGS)
    if (kind < 8) return level => level.get(key, ENCODINGS)
    if (kind < 9) return level => level.getMany(keys, ENCODINGS)
    if (kind < 10) return level => Promise.all([level.has(key, ENCODINGS), level.hasMany(keys, ENCODINGS)])
    if (kind < 13) {
      const writes = this.writes()
      const sync = this.below(20) === 0
      return level => level.batch(writes, { ...ENCODINGS, sync } as object)
    }
    if (kind < 16) return level => level.iterator<Buffer, Buffer>(range).all()
    if (kind < 17) return level => Promise.all([level.keys(range).all(), level.values(range).all()])
    if (kind < 19) return this.#walk(range)
    if (this.below(10) > 0) return level => level.iterator<Buffer, Buffer>({ ...ENCODINGS, limit: 3 }).all()
    if (this.below(2) === 0) return reopened
    return async level => {
      await level.clear(range)
      await level.put(KEPT, KEPT, ENCODINGS)
    }
  }

  /**
   * An iterator used in every way, while others write. Without a limit: classic-level counts what it has read ahead and a `seek` has made it
   * forget.
   */
  #walk(bounds: object): Operation {
    const range = { ...bounds, limit: -1 }
    const steps = Array.from({ length: 1 + this.below(8) }, () => ({ how: this.below(4), key: this.key(0), size: this.below(5) }))
    const writes = this.writes()
    return async level => {
      const iterator = level.iterator<Buffer, Buffer>(range)
      const seen: unknown[] = []
      for (const { how, key, size } of steps) {
        if (how === 0) seen.push(await iterator.next())
        else if (how === 1) seen.push(await iterator.nextv(size))
        else if (how === 2) iterator.seek(key, { keyEncoding: 'buffer' })
        else await level.batch(writes, ENCODINGS)
      }
      seen.push(iterator.count, await iterator.all())
      return seen
    }
  }
}

async function reopened(level: Database): Promise<string> {
  await level.close()
  await level.open()
  return level.status
}

t.test('twenty thousand random operations have the same results as on classic-level', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'sim-level-'))
  const real = new Level<string, string>(join(directory, 'db'))
  const simulated = new SimLevel(newDisk(), immediateRuntime()) as unknown as Database
  const chance = new Chance(20)
  for (const level of [real as Database, simulated]) await level.put(KEPT, KEPT, ENCODINGS)
  let found = 0
  for (let step = 0; step < 20_000; step++) {
    const operation = chance.operation()
    const [expected, result] = await Promise.all([operation(real as Database), operation(simulated)])
    if (Array.isArray(result)) found += result.length
    if (isDeepStrictEqual(result, expected)) continue
    t.strictSame(result, expected, `step ${step}`)
    break
  }
  t.ok(found > 20_000, 'there was something to be found')
  await simulated.close()
  await real.close()
  await rm(directory, { recursive: true })
})

t.test('a database that another process has open is refused as classic-level refuses it', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'sim-level-'))
  const real = [1, 2].map(() => new Level<string, string>(join(directory, 'db')))
  const disk = newDisk()
  const simulated = [1, 2].map(() => new SimLevel(disk, immediateRuntime()))
  const shapes: unknown[] = []
  for (const [holder, other] of [real, simulated]) {
    await holder?.open()
    const error = await other?.open().catch((reason: unknown) => reason)
    shapes.push(shapeOf(error))
    await holder?.close()
    await other?.open()
    await other?.close()
  }
  t.match(shapes[0], [{ code: 'LEVEL_DATABASE_NOT_OPEN' }, { code: 'LEVEL_LOCKED' }])
  t.strictSame(shapes[1], shapes[0])
  await rm(directory, { recursive: true })
})

/** What classic-level holds after a disk was full for one write: then, and when it is opened again. Null where there is no small file system. */
async function onFullDisk(way: string): Promise<{ readonly before: number; readonly behind: number } | null> {
  const directory = await mkdtemp(join(tmpdir(), 'sim-level-'))
  const script = 'mount -t tmpfs -o size=4m tmpfs "$1" && shift && exec "$@"'
  const program = fileURLToPath(new URL('../fixtures/full-level.js', import.meta.url))
  const args = ['-m', 'sh', '-c', script, 'sh', directory, process.execPath, program, directory, way]
  const { status, stdout } = spawnSync('unshare', args, { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })
  await rm(directory, { recursive: true })
  return status === 0 ? JSON.parse(stdout) : null
}

for (const way of ['stay', 'reopen']) {
  const title = `a disk that was full once does to it what it does to classic-level, which then does: ${way}`
  const real = await onFullDisk(way)
  const skip = real === null && 'a small file system needs Linux, and the right to mount it'
  t.test(title, { skip }, async t => {
    if (real === null) throw new Error('there is nothing to compare with')
    const disk = newDisk()
    const level = new SimLevel(disk, immediateRuntime())
    const put = (key: string) => level.batch([{ type: 'put', key, value: 'v' }], { sync: true } as object)
    const found = () =>
      Promise.all(['before', 'behind'].map(async kind => (await level.keys({ gte: `${kind}/`, lt: `${kind}0` }).all()).length))
    for (let index = 0; index < real.before; index++) await put(`before/${index}`)
    disk.failAlways('full')
    const failed = await put('failed').catch((error: { readonly code: string }) => error.code)
    disk.mend()
    if (way === 'reopen') await level.close()
    await level.open()
    for (let index = 0; index < real.behind; index++) await put(`behind/${index}`)
    const open = await found()
    await level.close()
    await level.open()
    t.strictSame({ failed, before: real.before, behind: real.behind, open, reopened: await found() }, real)
    t.strictSame(open, [real.before, 40])
  })
}

/** Codes and messages from the outermost error to the innermost, without the places that they name. */
function shapeOf(error: unknown): unknown[] {
  if (!(error instanceof Error)) return []
  const { code, message, cause } = error as Error & { code?: string }
  return [{ code, message: message.replaceAll(/\S*\bdb\b/g, 'db') }, ...shapeOf(cause)]
}

t.test('thousands of keys outlive hundreds of openings', async t => {
  const disk = newDisk()
  const runtime = immediateRuntime()
  const level = new SimLevel(disk, runtime)
  const keys = Array.from({ length: 10_000 }, (_, index) => `log/${String((index * 7_919) % 10_000).padStart(6, '0')}`)
  await level.batch(
    keys.map(key => ({ type: 'put', key, value: Buffer.alloc(100) })),
    { valueEncoding: 'view' }
  )
  await level.close()
  let found = 0
  for (let round = 0; round < 200; round++) {
    const again = new SimLevel(disk, runtime)
    found += (await again.keys({ gte: 'log/009000' }).all()).length
    for (let write = 0; write < 20; write++)
      await again.put(`log/000${String(write).padStart(3, '0')}`, Buffer.alloc(100), { valueEncoding: 'view' })
    await again.close()
    await disk.unmount()
  }
  t.equal(found, 200_000)
})
