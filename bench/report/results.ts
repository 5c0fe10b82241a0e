import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sourceRoot } from '../../test/fixtures/source-root.js'
import { type Machine, machineText } from './machine.js'

/** What a bench has found out. */
export interface Result<Figures = unknown> {
  /** Its name, and that of the files it is saved in. */
  readonly bench: string
  readonly machine: Machine
  /** Of every contender that was asked for: what ran, or what is missing here. */
  readonly versions: { readonly [contender: string]: string }
  /** What it was run with. */
  readonly options: { readonly [option: string]: unknown }
  /** What was measured. Every number in it is finite. */
  readonly figures: Figures
  /** The same for people. */
  readonly text: string
}

/** Options of every bench, for `parseArgs`. */
export const REPORT_OPTIONS = {
  /** Into bench/results. Only when asked for, so that tests and casual runs leave the checkout as it is. */
  save: { type: 'boolean', default: false },
  /** Print JSON instead of text. */
  json: { type: 'boolean', default: false }
} as const

/** Prints a result, and saves it and its plots (SVG by the name that is put behind that of the bench) when that was asked for. */
export function publish(
  result: Result,
  { save, json }: { readonly save: boolean; readonly json: boolean },
  plots: { readonly [name: string]: string } = {}
): void {
  console.log(json ? JSON.stringify(result, null, 2) : printed(result))
  if (!save) return
  const folder = join(sourceRoot(), 'bench', 'results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${result.bench}.json`), `${JSON.stringify(result, null, 2)}\n`)
  for (const [name, svg] of Object.entries(plots)) writeFileSync(join(folder, `${result.bench}-${name}.svg`), svg)
}

/** Says how far a bench has come. On stderr: stdout is for the result. */
export function progress(text: string): void {
  console.error(text)
}

function printed({ machine, versions, options, text }: Result): string {
  const found = Object.entries(versions).map(([contender, version]) => `${contender}: ${version}`)
  const asked = Object.entries(options).map(([option, value]) => `${option} ${value}`)
  return [machineText(machine), ...found, asked.join(', '), '', text].join('\n')
}
