import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type MemberId, type Runtime, randomInt, seededRandom, type Zxid } from '../lib/base/index.js'
import { Applier } from '../lib/member/applier.js'
import { LocalView } from '../lib/member/local-view.js'
import { nodeRuntime } from '../lib/member/node-runtime.js'
import { Replica } from '../lib/member/replica.js'
import { loadReplica } from '../lib/member/replica-loader.js'
import { Snapshotter } from '../lib/member/snapshotter.js'
import { TreeView } from '../lib/member/tree-view.js'
import { openDirectoryStorage, type Storage, type StorageOptions } from '../lib/storage/index.js'
import { type Pauses, PauseWatch } from './pauses.js'
import { machineNow } from './report/machine.js'
import { positive } from './report/option-numbers.js'
import { publish, REPORT_OPTIONS } from './report/results.js'
import { rounded, table } from './report/table.js'
import { settingTxn, TreeHistory } from './tree-history.js'

// What a large tree costs one member: memory of a znode, creates applied from the log, reads, and how long the event loop stands still while a
// snapshot is written, opened, verified and loaded.

const STORAGE_OPTIONS: StorageOptions = { ensembleName: 'bench', memberId: 1 as MemberId, snapRetainCount: 3 }
const SETS_PER_SECOND = 2_000
const READS = 2_000_000

/** What is measured of a phase. */
interface Phase {
  readonly name: string
  readonly milliseconds: number
  readonly pauses: Pauses
}

interface TreeFigures {
  readonly znodes: number
  readonly bytesPerZnode: number
  readonly createsPerSecond: number
  readonly readsPerSecond: { readonly ofAThousand: number; readonly ofAll: number }
  readonly phases: readonly Phase[]
}

async function measured<T>(
  name: string,
  work: (runtime: Runtime) => Promise<T>,
  onTick?: () => void
): Promise<{ readonly phase: Phase; readonly result: T }> {
  const watch = new PauseWatch(onTick)
  const start = performance.now()
  const result = await work(watch.timed(nodeRuntime()))
  const milliseconds = performance.now() - start
  return { phase: { name, milliseconds, pauses: await watch.stop() }, result }
}

/** Heap and what is outside of it, array buffers included, when only what is reachable is left. */
async function memory(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.()
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Everything up to `zxid` is read from the log and applied. */
function applyLog(storage: Storage, runtime: Runtime, zxid: Zxid): Promise<Replica> {
  return new Promise((resolve, reject) => {
    const applier = new Applier({ id: STORAGE_OPTIONS.memberId, runtime, storage }, new Replica(), {
      onApplied: () => {},
      onCaughtUp: () => resolve(applier.replica),
      onReset: () => {},
      onFailed: reject
    })
    applier.deliver(zxid)
  })
}

/** One snapshot by the member's own snapshotter. */
async function writeSnapshot(storage: Storage, runtime: Runtime, replica: Replica): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    new Snapshotter({ runtime, storage, snapCount: 1, onFinished: () => resolve(), onFailed: reject }).onApplied(replica)
  })
}

/** Sets the data of znodes all over the tree, as many as the time that has passed asks for. */
function settingData(replica: Replica, history: TreeHistory, znodes: number): () => void {
  const random = seededRandom(1)
  const start = performance.now()
  let sets = 0
  return () => {
    for (const due = ((performance.now() - start) * SETS_PER_SECOND) / 1000; sets < due; sets++) {
      const path = history.path(1 + randomInt(random, znodes))
      const version = (replica.tree.exists(path)?.version ?? 0) + 1
      replica.apply(settingTxn(path, version), (replica.zxidApplied + 1) as Zxid)
    }
  }
}

function readsPerSecond(replica: Replica, history: TreeHistory, among: number): number {
  const view = new TreeView(
    () => replica,
    [],
    () => false
  )
  const local = new LocalView(
    () => replica,
    () => view
  )
  const random = seededRandom(2)
  const asked = Array.from({ length: 100_000 }, () => history.path(1 + randomInt(random, among)))
  const start = performance.now()
  for (let read = 0; read < READS; read += asked.length) for (const path of asked) local.getData(path)
  return (READS * 1000) / (performance.now() - start)
}

async function run(directory: string, znodes: number): Promise<TreeFigures> {
  const history = new TreeHistory(znodes)
  const before = await openDirectoryStorage(directory, STORAGE_OPTIONS)
  await history.write(before)
  const base = await memory()
  const applied = await measured('apply creates', runtime => applyLog(before, runtime, history.zxidLast))
  const { result: replica } = applied
  const bytesPerZnode = ((await memory()) - base) / replica.tree.nodeCount
  const reads = { ofAThousand: readsPerSecond(replica, history, 1_000), ofAll: readsPerSecond(replica, history, znodes) }
  const { digest } = replica
  const snapshot = await measured(
    'write a snapshot',
    runtime => writeSnapshot(before, runtime, replica),
    settingData(replica, history, znodes)
  )
  await before.close()
  return recovered(directory, digest, {
    znodes: replica.tree.nodeCount,
    bytesPerZnode,
    createsPerSecond: (znodes * 1000) / applied.phase.milliseconds,
    readsPerSecond: reads,
    phases: [applied.phase, snapshot.phase]
  })
}

async function recovered(directory: string, digest: string, figures: TreeFigures): Promise<TreeFigures> {
  await memory()
  const opened = await measured('open and verify', () => openDirectoryStorage(directory, STORAGE_OPTIONS))
  const loaded = await measured('load the snapshot', runtime => loadReplica(opened.result, runtime))
  await opened.result.close()
  if (loaded.result.digest !== digest) throw new Error('what was recovered is not what was written')
  return { ...figures, phases: [...figures.phases, opened.phase, loaded.phase] }
}

function textOf({ znodes, bytesPerZnode, createsPerSecond, readsPerSecond: reads, phases }: TreeFigures): string {
  return [
    `${rounded(znodes)} znodes with 100 bytes of data: ${rounded(bytesPerZnode)} bytes each`,
    `${rounded(createsPerSecond)} creates applied a second, from the log`,
    `${rounded(reads.ofAThousand)} reads a second of a thousand znodes, ${rounded(reads.ofAll)} of all`,
    '',
    'milliseconds:',
    table(
      ['phase', 'took', 'longest gap', 'own gap', 'own > 20', 'loop delay', 'slice', 'longest GC', 'all GC'],
      phases.map(({ name, milliseconds, pauses: { gap, ownGap, ownGapsOver20, delay, slice, gc, gcTotal } }) => {
        return [name, milliseconds, gap, ownGap, `${ownGapsOver20}`, delay, slice, gc, gcTotal]
      })
    )
  ].join('\n')
}

const { values } = parseArgs({ options: { ...REPORT_OPTIONS, znodes: { type: 'string', default: '1000000' } } })
if (globalThis.gc === undefined) throw new Error('run it by npm run bench:tree: memory is measured after full collections')
const machine = machineNow()
const options = { znodes: positive(values.znodes) }
const directory = await mkdtemp(join(tmpdir(), 'bench-tree-'))
try {
  const figures = await run(directory, options.znodes)
  const versions = { 'embedded-zookeeper': `this checkout, Node.js ${process.version}` }
  publish({ bench: 'tree', machine, versions, options, figures, text: textOf(figures) }, values)
} finally {
  await rm(directory, { recursive: true, force: true })
}
