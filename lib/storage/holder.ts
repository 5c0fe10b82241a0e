import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname, uptime } from 'node:os'
import { ZooKeeperError } from '../base/index.js'
import { FILE_MODE, readIfThere } from './small-file.js'

/** Who holds a data directory. */
export interface Holder {
  readonly pid: number
  /** Process ids are reused; what tells two processes apart is when they began. Milliseconds since 1970. */
  readonly startedAt: number
  /** As the kernel counts it, where it says: exact. Null elsewhere. */
  readonly startTicks: string | null
  readonly host: string
  /** Names this very opening. */
  readonly token: string
}

/** Clocks are corrected, and uptimes rounded, by less than this. */
const CLOCK_SLACK_MILLISECONDS = 10_000

/** This process as a holder. */
export async function thisHolder(token: string): Promise<Holder> {
  const startedAt = Math.round(Date.now() - process.uptime() * 1000)
  return { pid: process.pid, startedAt, startTicks: await startTicksOf(process.pid), host: hostname(), token }
}

export async function writeHolder(path: string, holder: Holder): Promise<void> {
  const temporary = `${path}.${holder.pid}`
  await writeFile(temporary, JSON.stringify(holder), { mode: FILE_MODE })
  await rename(temporary, path)
}

/** Null where there is none, or nothing that could be read as one: a file that was cut off by a crash names nobody. */
export async function readHolder(path: string): Promise<Holder | null> {
  const text = (await readIfThere(path))?.toString('utf8') ?? ''
  try {
    return JSON.parse(text) as Holder
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** Removes the file where it still names this opening. */
export async function removeHolder(path: string, token: string): Promise<void> {
  if ((await readHolder(path))?.token === token) await rm(path, { force: true })
}

/**
 * Whether a holder is certainly alive, this process included. LevelDB's own lock decides everything else; but it is void once its holder has
 * read the LOCK file, so a holder that lives is believed without asking the lock. A process on another machine or in another container
 * cannot be asked: there the lock decides alone.
 */
export async function isAlive(holder: Holder): Promise<boolean> {
  if (holder.host !== hostname() || !processExists(holder.pid)) return false
  const startTicks = await startTicksOf(holder.pid)
  if (startTicks !== null && holder.startTicks !== null) return startTicks === holder.startTicks
  // It has begun before the machine did: the number now belongs to another process.
  return holder.startedAt > Date.now() - uptime() * 1000 - CLOCK_SLACK_MILLISECONDS
}

/** The refusal that names who is in the way. */
export function inUse(directory: string, holder: Holder | null, cause?: unknown): ZooKeeperError {
  const who = holder === null ? 'another process' : `process ${holder.pid} on ${holder.host}, started ${startOf(holder)}`
  return new ZooKeeperError('DATA_DIR_IN_USE', { message: `${directory} is in use by ${who}`, cause })
}

function startOf({ startedAt }: Holder): string {
  return new Date(startedAt).toISOString()
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Not ours to signal, but there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** When a process began, in the kernel's ticks since boot, with the boot's name; null where the system does not tell in this way. */
async function startTicksOf(pid: number): Promise<string | null> {
  if (process.platform !== 'linux') return null
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    // The command's name may hold anything; the fields are counted from its closing parenthesis. The start is the 22nd of all.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return ticks === undefined ? null : `${boot.trim()}/${ticks}`
  } catch {
    // Not mounted or hidden: nothing is known.
    return null
  }
}
