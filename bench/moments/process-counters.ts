import { readdirSync, readFileSync } from 'node:fs'

/** What a process has used since it began, as Linux counts it. */
export interface ProcessCounters {
  readonly pid: number
  readonly cpuMilliseconds: number
  /** How often one of its threads has gone to sleep by itself, to be woken up again. */
  readonly sleeps: number
}

/** The ticks of /proc are a hundredth of a second on every Linux there is. */
const MILLISECONDS_PER_TICK = 10
const PARENT = 1
const USER_TICKS = 11
const SYSTEM_TICKS = 12

/** Whether this system tells. */
export function hasProc(): boolean {
  return process.platform === 'linux'
}

/** Processes that this one has started and that still run, in the order in which they were started. */
export function childrenNow(): readonly number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger)
  return pids.filter(pid => Number(statOf(pid)?.[PARENT]) === process.pid).toSorted((a, b) => a - b)
}

export function countersOf(pid: number): ProcessCounters {
  const stat = statOf(pid)
  if (stat === null) throw new Error(`process ${pid} has ended`)
  const ticks = Number(stat[USER_TICKS]) + Number(stat[SYSTEM_TICKS])
  const sleeps = readdirSync(`/proc/${pid}/task`).map(thread => {
    const status = contentOf(`/proc/${pid}/task/${thread}/status`) ?? ''
    return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1] ?? 0)
  })
  return { pid, cpuMilliseconds: ticks * MILLISECONDS_PER_TICK, sleeps: sleeps.reduce((sum, each) => sum + each, 0) }
}

/** Bytes that have gone over the loopback interface, whoever has sent them, with the headers of TCP and IP. */
export function loopbackBytes(): number {
  const line = /^\s*lo:\s*(\d+)/m.exec(readFileSync('/proc/net/dev', 'utf8'))
  return Number(line?.[1] ?? 0)
}

/** The fields behind the name, which may contain anything. Null when the process has ended meanwhile. */
function statOf(pid: number): readonly string[] | null {
  const stat = contentOf(`/proc/${pid}/stat`)
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function contentOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Processes and threads come and go between the listing and the reading.
    return null
  }
}
