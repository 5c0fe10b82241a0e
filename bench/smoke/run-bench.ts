import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Result } from '../report/results.js'
import type { SmokeRun } from './benches.js'
import { figureProblems } from './figure-problems.js'

const SECONDS_MAX = 120
const OUTPUT_BYTES_MAX = 16 * 2 ** 20

/** Runs a bench in a process of its own and gives its result. Rejects when it fails, or when its figures are not what figures are. */
export async function runBench(run: SmokeRun, contenders?: string): Promise<Result> {
  const program = fileURLToPath(new URL(`../${run.name}.js`, import.meta.url))
  const chosen = run.compares === true && contenders !== undefined ? ['--contenders', contenders] : []
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...(run.nodeArguments ?? []), program, '--json', ...run.words, ...chosen],
    { timeout: SECONDS_MAX * 1000, maxBuffer: OUTPUT_BYTES_MAX }
  )
  const result = JSON.parse(stdout) as Result
  const problems = figureProblems(result.figures, run.mayBeZero ?? [])
  if (result.bench !== run.name) problems.push(`it calls itself '${result.bench}'`)
  if (typeof result.text !== 'string' || result.text === '') problems.push('no text')
  if (problems.length > 0) throw new Error(`${run.name}: ${problems.join('; ')}`)
  return result
}
