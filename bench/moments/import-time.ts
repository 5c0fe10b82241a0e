import { spawnSync } from 'node:child_process'
import { sourceRoot } from '../../test/fixtures/source-root.js'

const IMPORT = "const start = performance.now(); await import('embedded-zookeeper'); console.log(performance.now() - start)"

/** Milliseconds of a fresh process that imports the package by its name, measured inside it. */
export function importMilliseconds(): number {
  const milliseconds = Number(run('--input-type=module', '--eval', IMPORT))
  if (Number.isNaN(milliseconds)) throw new Error('the import was not measured')
  return milliseconds
}

/** Milliseconds from the call until a process has ended that does nothing, or imports the package and ends. */
export function processMilliseconds(what: 'nothing' | 'import'): number {
  const start = performance.now()
  run('--input-type=module', '--eval', what === 'nothing' ? '0' : "await import('embedded-zookeeper')")
  return performance.now() - start
}

function run(...args: readonly string[]): string {
  // A package finds itself by its name from anywhere in its own folder.
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: sourceRoot(), encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return stdout
}
