import { LIMITS } from '../../base/index.js'

const encoder = new TextEncoder()

/** Bytes of a path in UTF-8. */
export function bytesOfPath(path: string): number {
  return encoder.encode(path).length
}

/** Whether a znode can have this path. */
export function isPath(path: string): boolean {
  if (path === '/') return true
  const [before, ...names] = path.split('/')
  if (before !== '' || names.length === 0 || names.length > LIMITS.pathDepthMax) return false
  if (bytesOfPath(path) > LIMITS.pathBytesMax) return false
  return names.every(name => name !== '' && name !== '.' && name !== '..' && ![...name].some(isForbidden))
}

/** Whether a sequential znode can be created at this prefix. */
export function isPrefix(path: string): boolean {
  return path !== '' && isPath(`${path}0000000000`)
}

/** The znode above. Of a prefix that ends with a slash it is the one that the name will stand under. */
export function above(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

/** The last name. */
export function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Whether one path lies at or below another. */
export function isWithin(path: string, root: string): boolean {
  return root === '/' || path === root || path.startsWith(`${root}/`)
}

/** Whether callers may create, delete and write here: of what is ZooKeeper's own, only what lies below its quotas. */
export function isCallers(path: string): boolean {
  return !isWithin(path, '/zookeeper') || path.startsWith('/zookeeper/quota/')
}

/** Controls, surrogates with what is for private use, and specials. */
function isForbidden(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  return code <= 0x1f || (code >= 0x7f && code <= 0x9f) || (code >= 0xd800 && code <= 0xf8ff) || code >= 0xfff0
}
