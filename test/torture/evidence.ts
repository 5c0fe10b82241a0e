import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Testimony } from './verdict.js'

const LISTS = ['log', 'history'] as const

/** Writes down what a run is judged by, beside the stores and histories that it was taken from: a line of JSON per txn and event. */
export async function writeEvidence(directory: string, testimony: Testimony, notes: object): Promise<void> {
  const { log, history, ...rest } = testimony
  for (const [name, list] of Object.entries({ log, history })) {
    await writeFile(join(directory, `${name}.jsonl`), list.map(each => `${JSON.stringify(each)}\n`).join(''))
  }
  await writeFile(join(directory, 'rest.json'), JSON.stringify(rest))
  await writeFile(join(directory, 'notes.json'), JSON.stringify(notes, null, 2))
}

/** What {@link writeEvidence} has written, to be judged once more. */
export async function readEvidence(directory: string): Promise<Testimony> {
  const [log, history] = await Promise.all(
    LISTS.map(async name => {
      const text = await readFile(join(directory, `${name}.jsonl`), 'utf8')
      const lines = text.split('\n').filter(line => line !== '')
      return lines.map(line => JSON.parse(line, revived))
    })
  )
  return { ...JSON.parse(await readFile(join(directory, 'rest.json'), 'utf8')), log, history }
}

/** Bytes, as a Buffer writes itself down. */
function revived(_key: string, value: unknown): unknown {
  const isBytes = typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer' && 'data' in value
  return isBytes && Array.isArray(value.data) ? Buffer.from(value.data) : value
}
