import type { Stats } from 'node:fs'

/** Takes a directory for one store of this process. */
export type ReleaseClaim = () => void

/** One for all copies of the library in the process: two of them share nothing but the global object. */
const REGISTRY = Symbol.for('embedded-zookeeper.directories')

/**
 * Claims a directory within this process, by its real path and by device and inode; null when another store of this process has it.
 *
 * LevelDB's own lock does not keep two copies of its addon in one process apart.
 */
export function claimDirectory(realPath: string, { dev, ino }: Stats): ReleaseClaim | null {
  const registry = theRegistry()
  const names = [realPath, `${dev}:${ino}`]
  if (names.some(name => registry.has(name))) return null
  for (const name of names) registry.add(name)
  return () => {
    for (const name of names) registry.delete(name)
  }
}

function theRegistry(): Set<string> {
  const holder = globalThis as { [REGISTRY]?: Set<string> }
  holder[REGISTRY] ??= new Set()
  return holder[REGISTRY]
}
