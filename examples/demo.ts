import { formatZxid } from 'embedded-zookeeper'
import { DemoEnsemble } from './demo-ensemble.js'
import { WRITES } from './demo-messages.js'

// npm start: three processes, one ensemble, and a leader that is killed ten times while everybody writes.

const KILLS = 10
const OUTSTANDING = 256
const MEASURE_MILLISECONDS = 800
/** The processes are young: what comes first is slow. */
const WARM_UP_MILLISECONDS = 400

const ensemble = await DemoEnsemble.create()
let reason: string | null = null
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => fail(`ended by ${signal}`))
try {
  await demonstrate()
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
}
await ensemble.clearAway()
if (reason !== null) {
  console.error(`\nThe demo has failed: ${reason}`)
  process.exitCode = 1
}

/** The first reason counts. Without its processes, whatever the demo is doing fails too. */
function fail(why: string): void {
  reason ??= why
  ensemble.killAll()
}

async function demonstrate(): Promise<void> {
  const begin = performance.now()
  say('Three processes, one ensemble, and a leader that dies')
  await showStart()
  await showKills()
  await showGroupCommit()
  await showCheck()
  say(`Done in ${((performance.now() - begin) / 1_000).toFixed(1)} s.`)
}

async function showStart(): Promise<void> {
  const begin = performance.now()
  await ensemble.startAll()
  const leader = await ensemble.settledLeader()
  const took = performance.now() - begin
  heading('Three processes start. Each is an application with a ZooKeeper member inside and a log on disk; there is no server.')
  for (const { id, pid } of ensemble.processes) {
    const role = id === leader.id ? 'leads' : 'follows'
    line(`member ${id}   process ${pid}   ${ensemble.addresses[id - 1]}   ${role}`)
  }
  line()
  line(`They found each other, elected member ${leader.id} and were ready ${milliseconds(took)} after the start.`)
}

async function showKills(): Promise<void> {
  heading('All three write, all the time. Ten times the leader is killed (SIGKILL), and started again.')
  for (const { id } of ensemble.processes) await ensemble.beginWriting(id)
  line('     killed     next leader   no writes for   back after     caught up on')
  const failovers: number[] = []
  for (let kill = 1; kill <= KILLS; kill++) failovers.push(await showKill(kill))
  await ensemble.endWriting()
  line()
  line(`No writes for ${milliseconds(median(failovers))} in the median, ${milliseconds(Math.max(...failovers))} at most:`)
  line('from the kill until a write that was issued after it, at another member, was on the disks of a quorum.')
  line('Writes that were under way at the other two just took that much longer: none of them failed.')
}

/** Resolves to the time without writes. */
async function showKill(kill: number): Promise<number> {
  const { ledger } = ensemble
  const former = await ensemble.settledLeader()
  const others = ensemble.processes.filter(process => process !== former)
  const other = present(others[kill % others.length])
  const acknowledgedBefore = ledger.count
  const path = `${WRITES}/kill-${kill}`
  const data = `value kill-${kill}`

  const killed = performance.now()
  const dead = ensemble.kill(former.id)
  await other.ask('create', path, data)
  const failover = performance.now() - killed
  ledger.acknowledged({ path, data, version: 0 })
  const { leader } = await other.ask('status')

  await dead
  const restarted = performance.now()
  await ensemble.start(former.id)
  const back = performance.now() - restarted
  const missed = ledger.count - acknowledgedBefore
  const process = ensemble.process(former.id)
  if (!(await process.ask('holds', path))) throw new Error(`member ${former.id} serves without what it had missed`)
  await ensemble.beginWriting(former.id)

  const columns = [
    String(kill).padStart(2),
    `member ${former.id}`,
    `member ${leader}`.padEnd(11),
    milliseconds(failover).padStart(13),
    milliseconds(back).padStart(10),
    `${missed} writes`.padStart(14)
  ]
  line(` ${columns.join('   ')}`)
  return failover
}

async function showGroupCommit(): Promise<void> {
  heading(`Group commit: ${OUTSTANDING} writes outstanding, of 100 bytes each, against one at a time.`)
  const leader = await ensemble.settledLeader()
  const follower = present(ensemble.processes.find(process => process !== leader))
  await follower.ask('measure', OUTSTANDING, WARM_UP_MILLISECONDS)
  const one = await follower.ask('measure', 1, MEASURE_MILLISECONDS)
  const before = await leader.ask('status')
  const many = await follower.ask('measure', OUTSTANDING, MEASURE_MILLISECONDS)
  const after = await leader.ask('status')
  const records = after.storage.recordsWritten - before.storage.recordsWritten
  const txns = after.storage.txnsWritten - before.storage.txnsWritten
  const slow = perSecond(one)
  const fast = perSecond(many)
  line(`  1 outstanding   ${number(slow).padStart(8)} writes a second, each on the disks of a quorum before it is acknowledged`)
  line(`${OUTSTANDING} outstanding   ${number(fast).padStart(8)} writes a second, ${(fast / slow).toFixed(1)} times as many`)
  line()
  line(
    `One fsynced record of the leader's log carried ${(txns / records).toFixed(0)} txns on average (${number(txns)} in ${number(records)}).`
  )
}

async function showCheck(): Promise<void> {
  heading('Everything is checked, on every member.')
  const statuses = await ensemble.quiet()
  const { zxidApplied, digest } = present(statuses[0])
  if (new Set(statuses.map(status => status.digest)).size !== 1) {
    throw new Error(`digests differ: ${statuses.map(status => `${status.id} ${status.digest}`).join(', ')}`)
  }
  for (const process of ensemble.processes) {
    const faults = ensemble.ledger.compare(await process.ask('dump'))
    if (faults.length > 0) throw new Error(`member ${process.id}: ${faults.slice(0, 5).join('; ')}`)
  }
  const ends = await ensemble.close()
  if (ends.some(end => end !== 0)) throw new Error(`processes ended with ${ends.join(', ')}`)
  line(
    `${number(ensemble.ledger.count)} writes were acknowledged while leaders died. All of them are there, on all three, with their values.`
  )
  line('None was done twice: every version is the number of writes that made it.')
  line(`The three are equal: digest ${digest} at zxid ${formatZxid(zxidApplied)}.`)
  line('Closed, all three processes have ended by themselves.')
}

function heading(text: string): void {
  say(`\n${text}\n`)
}

function line(text = ''): void {
  say(text === '' ? '' : `   ${text}`)
}

function say(text: string): void {
  console.log(text)
}

function milliseconds(value: number): string {
  return `${value.toFixed(0)} ms`
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function perSecond({ writes, milliseconds }: { readonly writes: number; readonly milliseconds: number }): number {
  return (writes / milliseconds) * 1_000
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return (present(sorted[Math.ceil(middle) - 1]) + present(sorted[Math.floor(middle)])) / 2
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('something that must be there is not')
  return value
}
