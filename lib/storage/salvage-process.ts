import { Level } from 'level'
import { ZooKeeperError, ZXID_ZERO, type Zxid } from '../base/index.js'
import { zxidLastIn } from '../zab/index.js'
import { type Database, Drawer, levelCode, type Operation } from './drawer.js'
import { chunkRange, type KeyRange, logRange, META_KEY, manifestKey } from './key-space.js'
import { LEVEL_OPTIONS } from './level-options.js'
import { encodeMeta } from './meta.js'
import { type Recovery, recover } from './recovery.js'
import { EXIT_NOT_WRITTEN, type SalvageOrder } from './salvage.js'

/** What one write of the copy holds at least, unless it is the last. */
const COPY_BYTES = 1024 * 1024

/**
 * Run as a process of its own by `salvage`: copies everything that can be proven of one database into a new one. The copy is marked as
 * damaged, whatever is missing: nothing can say what else the broken database held. Exit code 0 when it is complete.
 */
async function main(order: SalvageOrder): Promise<void> {
  const broken = new Level<string, Uint8Array>(order.from, { ...LEVEL_OPTIONS, createIfMissing: false })
  await broken.open()
  const from = new Drawer(broken as Database)
  const opened = { drawer: from, identity: null, noted: order.noted, loss: order.loss }
  const recovery = await recover(opened, order.options, () => {
    throw new ZooKeeperError('LOG_CORRUPTED', { message: 'nothing to salvage' })
  })
  try {
    await writeCopy(order, from, recovery)
  } catch (error) {
    if (levelCode(error) === 'LEVEL_CORRUPTION') throw error
    process.exitCode = EXIT_NOT_WRITTEN
  }
  await broken.close()
}

async function writeCopy({ to: path, loss }: SalvageOrder, from: Drawer, recovery: Recovery): Promise<void> {
  const copy = new Level<string, Uint8Array>(path, { ...LEVEL_OPTIONS, errorIfExists: true })
  await copy.open()
  try {
    const to = new Drawer(copy as Database)
    for (const range of provenRanges(recovery)) await copyRange(from, to, range)
    const { meta, generationLast } = recovery
    const damage = meta.damage ?? { description: loss, generationLast }
    await to.batch([{ type: 'put', key: META_KEY, value: encodeMeta({ ...meta, damage }) }])
  } finally {
    await copy.close()
  }
}

/** Everything that the proof rests on. Records before the base stay behind, but for the one that the base may lie in. */
function provenRanges({ meta, log, snapshots }: Recovery): readonly KeyRange[] {
  const { generation } = meta
  const manifests = snapshots.map(({ zxid }) => manifestKey(generation, zxid))
  return [
    logRange(generation, ZXID_ZERO, (zxidLastIn(log) + 1) as Zxid),
    ...manifests.map(gte => ({ gte, lt: `${gte}\0` })),
    ...snapshots.map(({ zxid }) => chunkRange(generation, zxid))
  ]
}

async function copyRange(from: Drawer, to: Drawer, range: KeyRange): Promise<void> {
  let operations: Operation[] = []
  let bytes = 0
  for await (const [key, value] of from.entries(range)) {
    operations.push({ type: 'put', key, value })
    bytes += value.length
    if (bytes < COPY_BYTES) continue
    await to.batch(operations)
    operations = []
    bytes = 0
  }
  if (operations.length > 0) await to.batch(operations)
}

await main(JSON.parse(process.argv[2] ?? '') as SalvageOrder)
