import { openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { HistoryEvent } from '../../lib/sim/history.js'

/**
 * What the clients in one process did and saw, a line of JSON per event. A line is in the hands of the operating system before the client
 * goes on: what a process has seen, kill -9 does not take back.
 */
export class HistoryFile {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a', 0o600)
  }

  add(event: HistoryEvent): void {
    writeSync(this.#file, `${JSON.stringify(event)}\n`)
  }
}

/** The events of one file, in order. A process that died in the middle of a line had not gone on from there. */
export async function readHistoryFile(path: string): Promise<readonly HistoryEvent[]> {
  const text = await readFile(path, 'utf8')
  const lines = text.split('\n')
  lines.pop()
  return lines.map(line => JSON.parse(line) as HistoryEvent)
}

/** Histories of several processes as one. Each is in order of time, and a process's own order is kept. */
export function mergeHistories(histories: readonly (readonly HistoryEvent[])[]): HistoryEvent[] {
  return histories.flat().sort((one, other) => one.at - other.at)
}
