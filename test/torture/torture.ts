import { parseArgs } from 'node:util'
import { readEvidence } from './evidence.js'
import { type TortureReport, torture } from './torture-run.js'
import { judge } from './verdict.js'

// npm run torture -- --minutes 2 --seed 7 --members 5
// Real members in processes of their own are killed, stopped and cut off from each other while clients work, and everything that the clients
// saw is checked. Exits with 1, and says where the evidence is, when something was wrong.

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1e6)) },
    members: { type: 'string', default: '5' },
    /** A directory of evidence to be judged once more, instead of a run. */
    judge: { type: 'string' }
  }
})

process.exitCode = values.judge === undefined ? await run() : await judgeAgain(values.judge)

async function run(): Promise<number> {
  const aborted = new AbortController()
  process.once('SIGINT', () => aborted.abort())
  process.once('SIGTERM', () => aborted.abort())
  const running = torture({
    minutes: numberOf('minutes', values.minutes, 0.05, 24 * 60),
    seed: numberOf('seed', values.seed, 0, 2 ** 32),
    members: numberOf('members', values.members, 3, 9),
    print: line => console.log(line),
    signal: aborted.signal
  })
  const report = await running.catch(error => {
    if (aborted.signal.aborted) return null
    throw error
  })
  if (report === null) return 130
  print(report)
  return report.violations.length > 0 ? 1 : 0
}

async function judgeAgain(directory: string): Promise<number> {
  const { violations } = judge(await readEvidence(directory))
  for (const violation of violations) console.log(`VIOLATION   ${violation}`)
  return violations.length > 0 ? 1 : 0
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (number >= least && number <= most && (name === 'minutes' || Number.isInteger(number))) return number
  throw new Error(`--${name} must be a number from ${least} to ${most}`)
}

function print({ torments, network, operations, ...report }: TortureReport): void {
  const { faults, missed, kills, stops, wipes } = torments
  const lines = [
    '',
    `faults      ${list(Object.entries(faults))}; ${missed} had nobody to strike`,
    `processes   ${report.processes} started, ${kills} killed, ${stops} stopped for a while, ${wipes} disks wiped, ${report.elections} elections`,
    `network     ${(network.bytes / 2 ** 20).toFixed(1)} MiB through the proxies, ${network.resets} connections reset, ${network.cuts} cut within, ${network.flips} bytes flipped`,
    `operations  ${operations.total}, ${report.txns} txns, ${operations.events} watch events`,
    ...[...operations.counts].sort().map(([kind, outcomes]) => `  ${kind.padEnd(14)} ${list([...outcomes].sort())}`),
    `silence     at most ${(operations.silence / 1_000).toFixed(1)} s without an acknowledged write`
  ]
  if (report.searched !== null) {
    const { operations: found, undecided } = report.searched
    lines.push(
      `search      an order was found for ${found} operations${undecided.length === 0 ? '' : `, none yet for ${undecided.join(', ')}`}`
    )
  }
  for (const line of lines) console.log(line)
  for (const violation of report.violations) console.log(`VIOLATION   ${violation}`)
  console.log(report.evidence === null ? 'nothing found' : `seed ${report.seed}, evidence kept in ${report.evidence}`)
}

function list(entries: readonly (readonly [string, number])[]): string {
  return entries.map(([name, count]) => `${name} ${count}`).join(', ')
}
