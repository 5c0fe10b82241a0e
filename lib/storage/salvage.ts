import { fork } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import createDebug from 'debug'
import { ZooKeeperError } from '../base/index.js'
import type { StorageOptions } from './storage.js'
import type { Noted } from './surroundings.js'

const debug = createDebug('embedded-zookeeper:storage')

/** What is to be salvaged. Goes to another process as JSON. */
export interface SalvageOrder {
  /** The broken database. */
  readonly from: string
  /** Where a new one with what can be proven of it is made. */
  readonly to: string
  readonly options: Pick<StorageOptions, 'ensembleName' | 'memberId' | 'snapRetainCount'>
  readonly noted: Noted | 'missing' | null
  /** What is wrong with it. */
  readonly loss: string
}

/** How the process says that the copy could not be written, which says nothing about what could be copied. */
export const EXIT_NOT_WRITTEN = 2

/**
 * Copies what can be proven of a broken database into a new one, in a process of its own: LevelDB may abort on what it reads, and that must
 * not be the application's end. Whether anything was salvaged can be seen by `to` being there. Rejects with `STORAGE_FAILED` when the disk
 * did not take the copy: then the next try may succeed, and nothing is to be given up.
 */
export async function salvage(order: SalvageOrder): Promise<void> {
  const { from, to, noted, loss } = order
  const { ensembleName, memberId, snapRetainCount } = order.options
  await rm(to, { recursive: true, force: true })
  const plain: SalvageOrder = { from, to, noted, loss, options: { ensembleName, memberId, snapRetainCount } }
  const end = await run(JSON.stringify(plain))
  debug('salvaging %s ended with %s', from, end)
  if (end !== 0) await rm(to, { recursive: true, force: true })
  if (end !== EXIT_NOT_WRITTEN) return
  throw new ZooKeeperError('STORAGE_FAILED', { message: `${loss}; there was no room to keep what can be proven of it` })
}

function run(order: string): Promise<number | string> {
  return new Promise(resolve => {
    const child = fork(fileURLToPath(new URL('./salvage-process.js', import.meta.url)), [order], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'json'
    })
    child.once('error', error => resolve(error.message))
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'nothing'))
  })
}
