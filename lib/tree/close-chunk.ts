import { LIMITS } from '../base/index.js'
import { pathBytes } from './path.js'

/**
 * Takes from the end of `rest` what one txn of a session's end deletes, sorted by code unit: what `isOwned` still accepts, and no more than one
 * turn of the event loop applies and one txn can hold.
 */
export function takeCloseChunk(rest: string[], isOwned: (path: string) => boolean): readonly string[] {
  const paths: string[] = []
  let bytes = 0
  while (paths.length < LIMITS.closePathsMax && bytes < LIMITS.listedPathBytesMax) {
    const path = rest.pop()
    if (path === undefined) break
    // Somebody else may have deleted it since, and another may have taken its name.
    if (!isOwned(path)) continue
    paths.push(path)
    bytes += pathBytes(path)
  }
  return paths.sort()
}
