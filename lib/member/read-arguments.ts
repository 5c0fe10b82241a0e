import { LIMITS } from '../base/index.js'
import type { ChildrenRange } from '../tree/index.js'
import { badArguments, checkedPath } from './arguments.js'
import type { ReadOp } from './zookeeper.js'

/** Checks what reads are given beside a path. Everything here throws `BAD_ARGUMENTS` and nothing else. */

const ALL: ChildrenRange = {}

/** Which children a read wants. */
export function checkedRange({ after, limit }: { readonly after?: unknown; readonly limit?: unknown }): ChildrenRange {
  if (after === undefined && limit === undefined) return ALL
  if (after !== undefined && typeof after !== 'string') throw badArguments('after is the name of a child')
  if (limit !== undefined && (typeof limit !== 'number' || !Number.isSafeInteger(limit) || limit < 1)) {
    throw badArguments('limit is a number of children, 1 or more')
  }
  return { ...(after === undefined ? {} : { after }), ...(limit === undefined ? {} : { limit }) }
}

/** The reads of a `multiRead`, copied: they may be done later. */
export function checkedReadOps(ops: unknown): readonly ReadOp[] {
  if (!Array.isArray(ops)) throw badArguments('multiRead takes an array of reads')
  if (ops.length > LIMITS.multiOpsMax) throw badArguments(`a multiRead of ${ops.length} reads, more than ${LIMITS.multiOpsMax}`)
  return Array.from(ops, (op: unknown) => {
    const { type, path, after, limit } = Object(op) as Record<string, unknown>
    if (type === 'getChildren') return { type, path: checkedPath(path), ...checkedRange({ after, limit }) }
    if (type === 'getData' || type === 'exists') return { type, path: checkedPath(path) }
    throw badArguments('the reads of a multiRead are getData, getChildren and exists')
  })
}
