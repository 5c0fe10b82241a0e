import { assert, LIMITS } from '../base/index.js'

/** Everything from here down belongs to ZooKeeper itself. Callers may write the quotas below it, and nothing else. */
export const RESERVED_PATH = '/zookeeper'

const SUFFIX_DIGITS = 10
const SLASH = 0x2f
const DOT = 0x2e

/**
 * What is wrong with a path, in words for people, or null when it is valid by ZooKeeper's rules: it begins with `/`, does not end with one
 * (but for the root), has no empty, `.` or `..` component and no character that ZooKeeper forbids, has at most `LIMITS.pathDepthMax` names, and
 * takes at most `LIMITS.pathBytesMax` bytes of UTF-8. Unlike ZooKeeper, which checks some operations only, every operation is checked.
 */
export function pathProblem(path: unknown): string | null {
  if (typeof path !== 'string') return `a path is a string, not ${path === null ? 'null' : typeof path}`
  if (path.length === 0) return 'a path is not empty'
  if (path.charCodeAt(0) !== SLASH) return `a path begins with '/', not ${describe(path, 0)}`
  // PERF: every decoded txn comes through here; one pass, nothing allocated.
  let bytes = 1
  let depth = 1
  let componentStart = 1
  for (let index = 1; index < path.length; index++) {
    const code = path.charCodeAt(index)
    if (code === SLASH) {
      if (index === componentStart) return `the path has an empty name: '/' at index ${index} follows another '/'`
      const dots = dotsProblem(path, componentStart, index)
      if (dots !== null) return dots
      componentStart = index + 1
      depth++
    } else if (isForbidden(code)) {
      return `the character ${describe(path, index)} is not allowed in a path`
    }
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : 3
  }
  if (path.length > 1 && componentStart === path.length) return `a path does not end with '/': index ${path.length - 1}`
  if (depth > LIMITS.pathDepthMax) return `a path has at most ${LIMITS.pathDepthMax} names, not ${depth}`
  if (bytes > LIMITS.pathBytesMax) return `a path takes at most ${LIMITS.pathBytesMax} bytes, not ${bytes}`
  return dotsProblem(path, componentStart, path.length)
}

/** The same for the path of a sequential create, which is a prefix: it may end with `/`, and leaves room for the suffix. */
export function prefixProblem(path: unknown): string | null {
  if (typeof path !== 'string' || path.length === 0) return pathProblem(path)
  return pathProblem(path + sequentialSuffix(0))
}

/** The suffix of a sequential znode: the number of creates that its parent has seen before, with at least ten digits. */
export function sequentialSuffix(cversion: number): string {
  return String(cversion).padStart(SUFFIX_DIGITS, '0')
}

export function isReservedPath(path: string): boolean {
  return (
    path.startsWith(RESERVED_PATH) && (path.length === RESERVED_PATH.length || path.charCodeAt(RESERVED_PATH.length) === SLASH)
  )
}

/** The path of the znode above. The root has none. */
export function parentOf(path: string): string {
  assert(path !== '/', 'the root has no parent')
  const slash = path.lastIndexOf('/')
  return slash === 0 ? '/' : path.slice(0, slash)
}

/** The last component; empty for the root. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Bytes of a valid path in UTF-8 (it holds no surrogates). */
export function pathBytes(path: string): number {
  let bytes = 0
  for (let index = 0; index < path.length; index++) {
    const code = path.charCodeAt(index)
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : 3
  }
  return bytes
}

/** ZooKeeper judges UTF-16 units, so that nothing outside the basic plane can be in a path, and no private-use character either. */
function isForbidden(code: number): boolean {
  if (code < 0x7f) return code < 0x20
  return code <= 0x9f || (code >= 0xd800 && code <= 0xf8ff) || code >= 0xfff0
}

function dotsProblem(path: string, start: number, end: number): string | null {
  const length = end - start
  if (length > 2 || length < 1 || path.charCodeAt(start) !== DOT) return null
  if (length === 2 && path.charCodeAt(start + 1) !== DOT) return null
  return `a path is absolute: '${path.slice(start, end)}' at index ${start} is not a name`
}

function describe(path: string, index: number): string {
  const code = path.charCodeAt(index)
  const shown = isForbidden(code) ? '' : `'${path[index]}', `
  return `${shown}U+${code.toString(16).toUpperCase().padStart(4, '0')} at index ${index}`
}
