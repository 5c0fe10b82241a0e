import { spawnSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { sourceRoot } from '../../test/fixtures/source-root.js'

/** What a bench ran on: without it no figure means anything. */
export interface Machine {
  readonly cpu: string
  readonly cpus: number
  readonly memoryGib: number
  readonly kernel: string
  readonly node: string
  readonly date: string
  /** Of this checkout; `+` behind it when something in it was changed. Null where git does not tell. */
  readonly commit: string | null
  /** Of the last minute, before the bench began: who else was at work. */
  readonly loadAverage: number
}

export function machineNow(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    memoryGib: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    kernel: `${type()} ${release()}`,
    node: process.version,
    date: new Date().toISOString(),
    commit: commit(),
    loadAverage: Math.round((loadavg()[0] ?? 0) * 100) / 100
  }
}

export function machineText({ cpu, cpus, memoryGib, kernel, node, date, commit, loadAverage }: Machine): string {
  const of = commit === null ? '' : `, commit ${commit}`
  return `${cpus} x ${cpu}, ${memoryGib} GiB, ${kernel}, Node.js ${node}${of}, ${date}, load average ${loadAverage} at the start`
}

function commit(): string | null {
  const head = git('rev-parse', '--short=12', 'HEAD')
  if (head === null) return null
  return git('status', '--porcelain', '--untracked-files=no') === '' ? head : `${head}+`
}

/** Null when there is no git, or when this is no checkout. */
function git(...words: readonly string[]): string | null {
  const { status, stdout } = spawnSync('git', words, { cwd: sourceRoot(), encoding: 'utf8' })
  return status === 0 ? stdout.trim() : null
}
