import type { AclEntry } from '../../lib/tree/index.js'
import { type CreateOp, MODES, type Mode, type ReadOp, type Step, type WatcherType, type WriteOp } from './step.js'

/** Short words for steps, all of session 0 unless {@link by} says otherwise. */

export const OPEN: readonly AclEntry[] = [{ perms: 31, scheme: 'world', id: 'anyone' }]

export const world = (perms: number): AclEntry => ({ perms, scheme: 'world', id: 'anyone' })

export interface CreateParts {
  readonly data?: string | null
  readonly mode?: Mode
  readonly ttl?: number
  readonly acl?: readonly AclEntry[]
}

/** As part of a multi. */
export function createOp(path: string, { data = '', mode = MODES.PERSISTENT, ttl = -1, acl = OPEN }: CreateParts = {}): CreateOp {
  return { kind: 'create', path, data, mode, ttl, acl }
}
export const deleteOp = (path: string, version = -1): WriteOp => ({ kind: 'delete', path, version })
export const setDataOp = (path: string, data: string | null, version = -1): WriteOp => ({ kind: 'setData', path, data, version })
export const checkOp = (path: string, version = -1): WriteOp => ({ kind: 'check', path, version })
export const readOp = (kind: ReadOp['kind'], path: string): ReadOp => ({ kind, path })

export const create = (path: string, parts: CreateParts = {}): Step => ({ ...createOp(path, parts), session: 0 })
export const ephemeral = (path: string): Step => create(path, { mode: MODES.EPHEMERAL })
export const sequential = (path: string): Step => create(path, { mode: MODES.PERSISTENT_SEQUENTIAL })
export const remove = (path: string, version = -1): Step => ({ kind: 'delete', path, version, session: 0 })
export const setData = (path: string, data: string | null, version = -1): Step => ({
  kind: 'setData',
  path,
  data,
  version,
  session: 0
})
export const exists = (path: string, watcher: number | null = null): Step => ({ kind: 'exists', path, watcher, session: 0 })
export const getData = (path: string, watcher: number | null = null): Step => ({ kind: 'getData', path, watcher, session: 0 })
export const getChildren = (path: string, watcher: number | null = null): Step => ({
  kind: 'getChildren',
  path,
  watcher,
  session: 0
})
export const getAcl = (path: string): Step => ({ kind: 'getACL', path, session: 0 })
export const setAcl = (path: string, acl: readonly AclEntry[], version = -1): Step => ({
  kind: 'setACL',
  path,
  acl,
  version,
  session: 0
})
export const multi = (...ops: WriteOp[]): Step => ({ kind: 'multi', ops, session: 0 })
export const multiRead = (...ops: ReadOp[]): Step => ({ kind: 'multiRead', ops, session: 0 })
export const getEphemerals = (prefix: string): Step => ({ kind: 'getEphemerals', prefix, session: 0 })
export const countAll = (path: string): Step => ({ kind: 'getAllChildrenNumber', path, session: 0 })
export const addWatch = (path: string, watcher: number, recursive = false): Step => ({
  kind: 'addWatch',
  path,
  recursive,
  watcher,
  session: 0
})
export const removeAllWatches = (path: string, type: WatcherType): Step => ({ kind: 'removeAllWatches', path, type, session: 0 })
export const awaitGone = (path: string, first: Step | null = null): Step => ({ kind: 'awaitGone', path, first, session: 0 })
export const pause = (milliseconds: number): Step => ({ kind: 'pause', milliseconds, session: 0 })
export const addAuth = (credential: string, scheme = 'digest'): Step => ({ kind: 'addAuth', scheme, credential, session: 0 })
export const whoAmI: Step = { kind: 'whoAmI', session: 0 }
export const open = (session: number): Step => ({ kind: 'open', session })
export const close = (session: number): Step => ({ kind: 'close', session })

/** The same steps, done by another session. */
export function by(session: number, ...steps: readonly Step[]): Step[] {
  return steps.map(step => ({ ...step, session }))
}

/** What a znode looks like, from all sides. */
export function look(path: string): Step[] {
  return [exists(path), getData(path), getChildren(path)]
}
