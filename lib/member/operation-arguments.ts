import { LIMITS } from '../base/index.js'
import {
  type Acl,
  type AuthId,
  CONTAINER,
  type CreateOperation,
  type DeleteOperation,
  type Lifetime,
  type MultiOperation,
  PERSISTENT,
  type SetAclOperation,
  type SetDataOperation,
  type SingleOperation,
  TTL_MAX
} from '../tree/index.js'
import {
  badArguments,
  checkedAcl,
  checkedCreatePath,
  checkedData,
  checkedFlag,
  checkedPath,
  checkedVersion,
  checkedWritePath
} from './arguments.js'
import type { AuthSchemes } from './auth-schemes.js'

/**
 * What writes ask of the tree, made of what a caller hands in. Throws `BAD_ARGUMENTS` before anything is sent, and `INVALID_ACL` for an ACL
 * that nobody could be meant by.
 */

/** What arguments are held against. */
export interface WriteRules {
  readonly maxDataLength: number
  readonly authSchemes: AuthSchemes
  /** Who asks: whom the scheme `auth` stands for in an ACL. */
  readonly auth: readonly AuthId[]
}

/** As a caller in JavaScript may give them: anything. */
type Given<Name extends string> = { readonly [name in Name]?: unknown }
type GivenFlags = Given<'ephemeral' | 'sequential' | 'container' | 'ttl' | 'acl'>

export function createOperation(
  path: unknown,
  data: unknown,
  flags: GivenFlags & Given<'parents'>,
  rules: WriteRules
): CreateOperation {
  const sequential = checkedFlag(flags.sequential, 'sequential')
  return {
    kind: 'create',
    path: checkedCreatePath(path, sequential),
    data: checkedData(data, rules.maxDataLength),
    ephemeral: checkedFlag(flags.ephemeral, 'ephemeral'),
    sequential,
    lifetime: checkedLifetime(flags),
    acl: flags.acl === undefined ? null : resolvedAcl(flags.acl, rules),
    parents: checkedFlag(flags.parents, 'parents'),
    ifAbsent: false
  }
}

export function createIfAbsentOperation(
  path: unknown,
  data: unknown,
  flags: GivenFlags & Given<'parents'>,
  rules: WriteRules
): CreateOperation {
  const operation = createOperation(path, data, flags, rules)
  if (operation.sequential) throw badArguments('what is sequential is never there already')
  return { ...operation, ifAbsent: true }
}

export function deleteOperation(path: unknown, given: Given<'version' | 'recursive' | 'ifExists'>): DeleteOperation {
  return {
    kind: 'delete',
    path: checkedWritePath(path),
    version: checkedVersion(given.version),
    recursive: checkedFlag(given.recursive, 'recursive'),
    ifExists: checkedFlag(given.ifExists, 'ifExists')
  }
}

export function setDataOperation(path: unknown, data: unknown, version: unknown, maxDataLength: number): SetDataOperation {
  return {
    kind: 'setData',
    path: checkedWritePath(path),
    data: checkedData(data, maxDataLength),
    version: checkedVersion(version)
  }
}

/** Also for what is reserved: quotas are guarded by the ACLs there. */
export function setAclOperation(path: unknown, acl: unknown, version: unknown, rules: WriteRules): SetAclOperation {
  return { kind: 'setACL', path: checkedPath(path), acl: resolvedAcl(acl, rules), version: checkedVersion(version) }
}

export function multiOperation(ops: unknown, rules: WriteRules): MultiOperation {
  if (!Array.isArray(ops)) throw badArguments('multi takes an array of operations')
  if (ops.length > LIMITS.multiOpsMax) throw badArguments(`a multi of ${ops.length} operations, more than ${LIMITS.multiOpsMax}`)
  return { kind: 'multi', operations: Array.from(ops, op => singleOperation(op, rules)) }
}

function singleOperation(op: unknown, rules: WriteRules): SingleOperation {
  const given = Object(op) as Record<string, unknown>
  const { type, path, data, version } = given
  for (const name of ['parents', 'ifAbsent', 'recursive', 'ifExists']) {
    if (given[name] !== undefined) throw badArguments(`${name} is not for the operations of a multi`)
  }
  switch (type) {
    case 'create':
      return createOperation(path, data, given, rules)
    case 'delete':
      return deleteOperation(path, { version })
    case 'setData':
      return setDataOperation(path, data, version, rules.maxDataLength)
    case 'check':
      return { kind: 'check', path: checkedPath(path), version: checkedVersion(version) }
    default:
      throw badArguments('the operations of a multi are create, delete, setData and check')
  }
}

function checkedLifetime({ ephemeral, container, ttl }: GivenFlags): Lifetime {
  const isContainer = checkedFlag(container, 'container')
  if ([ephemeral === true, isContainer, ttl !== undefined].filter(Boolean).length > 1) {
    throw badArguments('of ephemeral, container and ttl at most one is given')
  }
  if (isContainer) return CONTAINER
  if (ttl === undefined) return PERSISTENT
  if (typeof ttl !== 'number' || !Number.isInteger(ttl) || ttl < 1 || ttl > TTL_MAX) {
    throw badArguments(`ttl is a whole number of milliseconds from 1 to ${TTL_MAX}`)
  }
  return ttl
}

function resolvedAcl(acl: unknown, { authSchemes, auth }: WriteRules): Acl | null {
  return authSchemes.resolve(checkedAcl(acl), auth)
}
