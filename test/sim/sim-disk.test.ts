import t from 'tap'
import type { DiskFault } from '../../lib/sim/disk/sim-disk.js'
import type { SimLevel } from '../../lib/sim/disk/sim-level.js'
import { keyOf, keysTo, SimWorld, SYNC_MS } from '../fixtures/sim-world.js'

const IO_ERROR = { code: 'LEVEL_IO_ERROR' }

t.test('kill -9 leaves all that was written, and of a batch under way all or nothing', async t => {
  const outcomes = new Set<string>()
  for (let seed = 1; seed <= 20; seed++) {
    const world = new SimWorld(seed)
    const level = await world.open()
    await world.settle(world.write(level, 'unsynced', 'value', false))
    let ended = false
    const end = () => {
      ended = true
    }
    world.write(level, ['a', 'b', 'c']).then(end, end)
    world.write(level, 'behind').then(end, end)
    await world.virtual.run(SYNC_MS / 2)
    await world.disk.unmount()
    outcomes.add((await world.found()).join())
    t.notOk(ended, 'nobody is told how it ended')
  }
  t.strictSame([...outcomes].sort(), ['a,b,behind,c,unsynced', 'a,b,c,unsynced', 'unsynced'])
})

t.test('a power loss leaves what was synced with all before it, and a part of the rest that begins with the first', async t => {
  const outcomes = new Set<string>()
  for (let seed = 1; seed <= 40; seed++) {
    const world = new SimWorld(seed)
    const level = await world.open()
    for (const [key, sync] of [
      ['a', false],
      ['b', true],
      ['c', false],
      ['d', false]
    ] as const) {
      await world.settle(world.write(level, key, 'value', sync))
    }
    await world.disk.unmount('power')
    outcomes.add((await world.found()).join())
    t.equal(world.disk.lost, 0, 'that is what power losses do')
  }
  t.strictSame([...outcomes].sort(), ['a,b', 'a,b,c', 'a,b,c,d'])
})

t.test('what an opening has found is synced', async t => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new SimWorld(seed)
    await world.settle(world.write(await world.open(), 'a', 'value', false))
    await world.disk.unmount()
    await world.open()
    await world.disk.unmount('power')
    t.strictSame(await world.found(), ['a'])
  }
})

t.test('a write takes its time, a synced one longer, and longer still on a slow disk', async t => {
  const world = new SimWorld()
  const level = await world.open()
  const lasts = async (sync: boolean) => {
    const begin = world.virtual.now
    await world.settle(world.write(level, 'a', 'value', sync))
    return world.virtual.now - begin
  }
  t.equal(await lasts(true), SYNC_MS)
  t.ok((await lasts(false)) < SYNC_MS / 5)
  world.disk.stall(30_000, 2)
  t.strictSame([await lasts(true), await lasts(true), await lasts(true)], [30_000 + SYNC_MS, 30_000 + SYNC_MS, SYNC_MS])
  world.disk.slow(500)
  t.strictSame([await lasts(true), await lasts(true)], [500 + SYNC_MS, 500 + SYNC_MS])
  world.disk.stall(1_000, 5)
  world.disk.mend()
  t.equal(await lasts(true), SYNC_MS)
})

t.test('writes come to the disk one after another; a read sees what was there when it was asked for', async t => {
  const world = new SimWorld()
  const level = await world.open()
  const begin = world.virtual.now
  const ends: number[] = []
  const writes = ['1', '2', '3'].map(value => world.write(level, 'a', value).then(() => ends.push(world.virtual.now - begin)))
  const before = level.get('a')
  await world.settle(Promise.all(writes))
  t.strictSame(ends, [SYNC_MS, 2 * SYNC_MS, 3 * SYNC_MS])
  t.equal(await before, undefined)
  const iterator = level.values({ valueEncoding: 'utf8' })
  await world.settle(world.write(level, 'a', '4'))
  t.strictSame(await world.settle(iterator.all()), ['3'])
  t.equal(world.disk.writes, 4)
})

t.test('a write that hangs never ends, nor does what follows it; a crash finds it written or not', async t => {
  const outcomes = new Set<string>()
  for (let seed = 1; seed <= 10; seed++) {
    const world = new SimWorld(seed)
    const level = await world.open()
    world.disk.failNext('hang')
    let ended = 0
    const end = () => {
      ended++
    }
    for (const key of ['a', 'b']) world.write(level, key).then(end, end)
    await world.virtual.run(1_000_000)
    t.equal(ended, 0)
    t.ok(world.disk.hangs)
    t.notOk(await world.has(level, 'a'))
    await world.disk.unmount()
    t.notOk(world.disk.hangs)
    outcomes.add((await world.found()).join())
  }
  t.strictSame([...outcomes].sort(), ['', 'a'])
})

/** What is found of a write that failed, of one before it and of one behind it: before and after the next opening. */
async function around(fault: DiskFault): Promise<object> {
  const world = new SimWorld()
  const level = await world.filled(1)
  world.disk.failNext(fault)
  const failed = await world.settle(world.write(level, keyOf(1)).catch((error: { code: string }) => error.code))
  const behind = await world.settle(world.write(level, keyOf(2)).catch((error: { code: string }) => error.code))
  const open = await world.keys(level)
  await world.settle(level.close())
  return { failed, behind, open, reopened: await world.found(), lost: world.disk.lost }
}

t.test('a clean failure writes nothing, and what follows is as before', async t => {
  t.strictSame(await around('clean'), {
    failed: 'LEVEL_IO_ERROR',
    behind: undefined,
    open: [keyOf(0), keyOf(2)],
    reopened: [keyOf(0), keyOf(2)],
    lost: 0
  })
})

t.test('after a failed sync nothing can be written, and the next opening finds what was reported as failed', async t => {
  t.strictSame(await around('landed'), {
    failed: 'LEVEL_IO_ERROR',
    behind: 'LEVEL_IO_ERROR',
    open: [keyOf(0)],
    reopened: [keyOf(0), keyOf(1)],
    lost: 0
  })
})

t.test('after a failed append what is acknowledged can be read, and vanishes with the next opening', async t => {
  for (const fault of ['poison', 'full'] as const) {
    t.strictSame(await around(fault), {
      failed: 'LEVEL_IO_ERROR',
      behind: undefined,
      open: [keyOf(0), keyOf(2)],
      reopened: [keyOf(0)],
      lost: 1
    })
  }
})

t.test('after a failed append nothing vanishes when the database is closed and opened at once', async t => {
  const world = new SimWorld()
  const level = await world.filled(20)
  world.disk.failNext('poison')
  await t.rejects(world.settle(world.write(level, 'failed')), IO_ERROR)
  await world.settle(level.close())
  await world.settle(level.open())
  await world.settle(world.write(level, keyOf(20)))
  await world.disk.unmount()
  t.strictSame(await world.found(), keysTo(21))
  t.equal(world.disk.lost, 0)
})

t.test('what was acknowledged after a failed append is saved when LevelDB writes its memory to a table', async t => {
  const world = new SimWorld()
  const level = await world.filled(1)
  world.disk.failNext('poison')
  await t.rejects(world.settle(world.write(level, 'failed')), IO_ERROR)
  for (let index = 1; index <= 6; index++) await world.settle(world.write(level, keyOf(index), 'v'.repeat(1_000_000)))
  await world.disk.unmount()
  t.strictSame(await world.found(), [...keysTo(6), keyOf(6)])
})

t.test('on a full disk every write fails and nothing can be opened, until there is room again', async t => {
  const world = new SimWorld()
  const level = await world.filled(2)
  world.disk.failAlways('full')
  for (const key of ['a', 'b']) {
    await t.rejects(world.settle(world.write(level, key)), { ...IO_ERROR, message: /No space left/ })
  }
  t.ok(await world.has(level, keyOf(1)), 'it can be read')
  await world.settle(level.close())
  await t.rejects(world.settle(level.open()), { code: 'LEVEL_DATABASE_NOT_OPEN', cause: IO_ERROR })
  world.disk.mend()
  await world.settle(level.open())
  await world.settle(world.write(level, keyOf(2)))
  await world.disk.unmount()
  t.strictSame(await world.found(), keysTo(3))
})

t.test('reads fail as long as the disk says so', async t => {
  const world = new SimWorld()
  const level = await world.filled(2)
  world.disk.failReads(true)
  const reads: (() => Promise<unknown>)[] = [
    () => level.get(keyOf(0)),
    () => level.getMany([keyOf(0)]),
    () => level.has(keyOf(0)),
    () => level.iterator().all(),
    () => level.keys().next()
  ]
  for (const read of reads) await t.rejects(world.settle(read()), IO_ERROR)
  world.disk.failReads(false)
  t.equal((await world.keys(level)).length, 2)
})

t.test('an opening fails as classic-level’s do', async t => {
  const world = new SimWorld()
  await world.settle((await world.filled(1)).close())
  world.disk.failOpening('io', 'locked', 'corruption')
  for (const code of ['LEVEL_IO_ERROR', 'LEVEL_LOCKED', 'LEVEL_CORRUPTION']) {
    await t.rejects(world.open(), { code: 'LEVEL_DATABASE_NOT_OPEN', cause: { code } })
  }
  t.strictSame(await world.found(), keysTo(1))
})

t.test(
  'a hole is made of consecutive batches of the log, no more than 32 KiB of them, and shows at the next opening',
  async t => {
    const sizes = new Set<number>()
    for (let seed = 1; seed <= 60; seed++) {
      const world = new SimWorld(seed)
      const level = await world.filled(30, 4_000)
      const said = world.disk.rot('hole')
      t.equal((await world.keys(level)).length, 30)
      await world.disk.unmount()
      const found = await world.found()
      const missing = keysTo(30).filter(key => !found.includes(key))
      const [first = ''] = missing
      t.strictSame(missing, keysTo(30).slice(keysTo(30).indexOf(first)).slice(0, missing.length))
      t.equal(said, `${missing.length} batches`)
      t.equal(world.disk.lost, missing.length)
      sizes.add(missing.length)
    }
    t.strictSame([...sizes].sort(), [1, 2, 3, 4, 5, 6, 7, 8])
    t.equal(new SimWorld().disk.rot('hole'), null, 'an empty log has none')
  }
)

t.test('a tail that is cut is that of the log as the next opening finds it', async t => {
  const world = new SimWorld()
  const level = await world.filled(20)
  const said = world.disk.rot('tail')
  const count = Number.parseInt(said ?? '', 10)
  t.ok(count > 0)
  for (let index = 20; index < 25; index++) await world.settle(world.write(level, keyOf(index)))
  await world.disk.unmount()
  t.strictSame(await world.found(), keysTo(25 - count))
  t.equal(world.disk.lost, count)
  await world.disk.unmount()
  t.strictSame(await world.found(), keysTo(25 - count), 'only once')
})

t.test('what is in a table has no hole and no tail', async t => {
  const world = new SimWorld()
  await world.filled(5)
  await world.disk.unmount()
  await world.open()
  t.strictSame([world.disk.rot('hole'), world.disk.rot('tail')], [null, null])
})

/** Values by key, as text. */
async function valuesOf(world: SimWorld, level: SimLevel): Promise<Map<string, string>> {
  return new Map(await world.settle(level.iterator<string, string>({ valueEncoding: 'hex' }).all()))
}

t.test('a value that goes bad is bad at once and at the next opening, in a table and in the log', async t => {
  for (const inTable of [false, true]) {
    for (const kind of ['bit', 'missing', 'stale', 'misdirected'] as const) {
      const world = new SimWorld(7)
      let level = await world.filled(6)
      await world.settle(world.write(level, keyOf(3), 'second'))
      if (inTable) {
        await world.disk.unmount()
        level = await world.open()
      }
      const before = await valuesOf(world, level)
      const key = world.disk.rot(kind, name => name === keyOf(3)) ?? ''
      t.equal(key, keyOf(3))
      const after = await valuesOf(world, level)
      await world.disk.unmount()
      t.strictSame(await valuesOf(world, await world.open()), after)
      t.strictSame(
        [...before.keys()].filter(each => before.get(each) !== after.get(each)),
        [key]
      )
      const [was, is] = [before.get(key) ?? '', after.get(key)]
      if (kind === 'bit') t.equal(bitsBetween(was, is ?? ''), 1)
      else if (kind === 'missing') t.equal(is, undefined)
      else t.equal(is, Buffer.from('v'.repeat(10)).toString('hex'), kind)
    }
  }
})

function bitsBetween(one: string, other: string): number {
  const [a, b] = [Buffer.from(one, 'hex'), Buffer.from(other, 'hex')]
  return [...a].reduce((sum, byte, index) => sum + (byte ^ (b[index] ?? 0)).toString(2).replaceAll('0', '').length, 0)
}

t.test('nothing is stale that was written once', async t => {
  const world = new SimWorld()
  await world.filled(3)
  t.equal(world.disk.rot('stale'), null)
  t.equal(new SimWorld().disk.rot('bit'), null)
})

t.test('records are damaged by hand, under the running process or without one', async t => {
  const world = new SimWorld()
  const level = await world.filled(3)
  const alter = (key: string) => (key === keyOf(1) ? Buffer.from('altered') : null)
  t.equal(await world.disk.damage(alter), 1)
  t.equal(await world.settle(level.get(keyOf(1), { valueEncoding: 'utf8' })), 'altered')
  await world.disk.unmount()
  t.equal(await world.disk.damage(() => Buffer.from('all')), 3)
  const again = await world.open()
  t.strictSame(await world.settle(again.values({ valueEncoding: 'utf8' }).all()), ['all', 'all', 'all'])
})

t.test('a copy of the disk can be put back; not under a running process', async t => {
  const world = new SimWorld()
  const level = await world.filled(3)
  const image = world.disk.image()
  await world.settle(world.write(level, keyOf(3)))
  t.throws(() => world.disk.restore(image))
  t.throws(() => world.disk.wipe())
  await world.disk.unmount()
  world.disk.restore(image)
  const restored = await world.open()
  t.strictSame(await world.keys(restored), keysTo(3))
  await world.settle(world.write(restored, keyOf(5)))
  await world.disk.unmount()
  world.disk.wipe()
  t.strictSame(await world.found(), [])
  await world.disk.unmount()
  world.disk.restore(image)
  t.strictSame(await world.found(), keysTo(3), 'it is still as it was')
})

t.test('a process that is gone changes nothing any more, and nothing that it asks for ends', async t => {
  const world = new SimWorld()
  const level = await world.filled(2)
  await world.disk.unmount()
  const writes = world.disk.writes
  let ended = 0
  const calls = [() => world.write(level, 'late'), () => level.get(keyOf(0)), () => level.keys().all(), () => level.clear()]
  const end = () => {
    ended++
  }
  for (const call of calls) (call() as Promise<unknown>).then(end, end)
  t.strictSame(await world.found(), keysTo(2))
  await world.virtual.run(1_000_000)
  t.equal(ended, 0)
  t.equal(world.disk.writes, writes)
})

t.test('a disk is open in one process at a time, until that has closed it or is gone', async t => {
  const world = new SimWorld()
  const level = await world.filled(1)
  await t.rejects(world.open(), { cause: { code: 'LEVEL_LOCKED' } })
  await world.settle(level.close())
  await world.open()
  await t.rejects(world.open(), { cause: { code: 'LEVEL_LOCKED' } })
  await world.disk.unmount()
  t.strictSame(await world.found(), keysTo(1))
})

t.test('who looks on is told of every write while it is under way, and may end the process there', async t => {
  const outcomes = new Set<string>()
  for (let seed = 1; seed <= 10; seed++) {
    const world = new SimWorld(seed)
    const level = await world.filled(1)
    world.disk.onWrite = () => void world.disk.unmount()
    world.write(level, keyOf(1)).catch(t.error)
    world.disk.onWrite = () => {}
    outcomes.add((await world.found()).join())
  }
  t.strictSame([...outcomes].sort(), [keysTo(1).join(), keysTo(2).join()])
})
