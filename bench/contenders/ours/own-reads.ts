import { setImmediate as turn } from 'node:timers/promises'
import type { EnsembleMember } from '../../../lib/index.js'

/**
 * How an application reads from the member that it embeds: by calls that return, by promises awaited one after the other, or by 256 promises awaited
 * together.
 */
export type OwnReads = 'local' | 'awaited' | 'awaited together'

const READS_PER_TURN = 4_096
const TOGETHER = 256

const READS: { readonly [how in OwnReads]: (zk: EnsembleMember, paths: readonly string[]) => void | Promise<void> } = {
  local(zk, paths) {
    for (const path of paths) zk.local.getData(path)
  },

  async awaited(zk, paths) {
    for (const path of paths) await zk.getData(path)
  },

  async 'awaited together'(zk, paths) {
    for (let first = 0; first < paths.length; first += TOGETHER) {
      await Promise.all(paths.slice(first, first + TOGETHER).map(path => zk.getData(path)))
    }
  }
}

/** Reads a second of random ones of `paths`. The event loop turns in between: a member that does nothing but read would be given up by its peers. */
export async function ownReadsPerSecond(
  zk: EnsembleMember,
  paths: readonly string[],
  how: OwnReads,
  milliseconds: number
): Promise<number> {
  const asked = Array.from({ length: READS_PER_TURN }, () => paths[Math.floor(Math.random() * paths.length)] ?? '/')
  const start = performance.now()
  let reads = 0
  while (performance.now() - start < milliseconds) {
    await READS[how](zk, asked)
    reads += asked.length
    await turn()
  }
  return (reads * 1000) / (performance.now() - start)
}
