import type { SessionId } from '../../base/index.js'
import type { AuthId, Stat } from '../../tree/index.js'
import type { Answer, Call, ReadCall, Result, SingleRead, SingleReadAnswer } from '../history.js'
import { isData, statDifference } from './judgement.js'
import { ADMIN, allows, READ, shownAcl } from './plain-acl.js'
import { hex, type RecordedCall } from './recorded-call.js'
import { sameAcl } from './request-fit.js'
import type { Timeline, TimelineNode } from './timeline.js'

type ReadKind = ReadCall['kind'] | 'multiRead' | 'getEphemerals' | 'sync'

/** A call that tells of the state and does not change it. */
export type StateRead = RecordedCall<Extract<Call, { kind: ReadKind }>>

export type Judged = Extract<Result, { kind: 'answered' | 'refused' }>

/** A read of one znode. */
type PathRead = SingleRead | Pick<Extract<ReadCall, { kind: 'getACL' | 'getAllChildrenNumber' }>, 'kind' | 'path'>

/** The smallest zxid at or behind `from` at which a read has this result; null if there is none. */
export function earliest(timeline: Timeline, call: StateRead, result: Judged, from: number): number | null {
  const stated = zxidStated(result)
  if (stated !== null) return stated >= from && readDifference(timeline, call, result, stated) === null ? stated : null
  for (let zxid: number | null = Math.max(from, notBefore(result)); zxid !== null; zxid = nextChange(timeline, call, zxid)) {
    if (readDifference(timeline, call, result, zxid) === null) return zxid
  }
  return null
}

/** A refusal says where it was judged, and a `sync` how far it has come. */
function zxidStated(result: Judged): number | null {
  if (result.kind === 'refused') return result.zxid
  return result.answer.kind === 'sync' ? result.answer.zxid : null
}

/** Txns that the answer shows are in what was read. */
function notBefore(result: Judged): number {
  const stats = (answer: Answer | SingleReadAnswer): readonly (Stat | null)[] => ('stat' in answer ? [answer.stat] : [])
  if (result.kind === 'refused') return 0
  const { answer } = result
  const shown = answer.kind === 'multiRead' ? answer.results.flatMap(stats) : stats(answer)
  return Math.max(0, ...shown.map(stat => (stat === null ? 0 : Math.max(stat.mzxid, stat.pzxid))))
}

/** The next zxid at which the read may have another result. */
function nextChange(timeline: Timeline, { what, session }: StateRead, zxid: number): number | null {
  switch (what.kind) {
    case 'sync':
      return null
    case 'getEphemerals':
      return timeline.nextEphemeralsChange(session, zxid)
    case 'multiRead':
      return first(what.reads.map(({ path }) => timeline.nextChange(path, zxid)))
    case 'getAllChildrenNumber':
      return first([timeline.nextChange(what.path, zxid), timeline.nextUsageChange(what.path, zxid)])
    default:
      return timeline.nextChange(what.path, zxid)
  }
}

function first(zxids: readonly (number | null)[]): number | null {
  const changes = zxids.filter(zxid => zxid !== null)
  return changes.length === 0 ? null : Math.min(...changes)
}

/** In what a read's result differs from what the model has at a zxid, in words; null if it does not. */
export function readDifference(timeline: Timeline, call: StateRead, result: Judged, zxid: number): string | null {
  const { what, session, auth } = call
  const at = `at ${hex(zxid)}`
  if (what.kind === 'sync') {
    const isReached = result.kind === 'answered' && result.answer.kind === 'sync' && result.answer.zxid <= timeline.zxidLast
    return isReached ? null : `the log ends at ${hex(timeline.zxidLast)}`
  }
  if (what.kind === 'getEphemerals') {
    const paths = timeline.ephemeralsAt(session as SessionId, zxid).filter(path => path.startsWith(what.prefix))
    const told = result.kind === 'answered' && result.answer.kind === 'getEphemerals' ? result.answer.paths : null
    return told !== null && sameNames(told, paths) ? null : `${at} they are [${paths.join(', ')}]`
  }
  if (what.kind !== 'multiRead') return differenceOf(timeline, what, auth, outcomeOf(result), zxid)
  if (result.kind === 'refused' || result.answer.kind !== 'multiRead') return `${at} the model answers`
  const { results } = result.answer
  if (results.length !== what.reads.length) return `there are ${what.reads.length} reads`
  for (const [index, read] of what.reads.entries()) {
    const problem = differenceOf(timeline, read, auth, results[index] as SingleReadAnswer, zxid)
    if (problem !== null) return `read ${index}: ${problem}`
  }
  return null
}

type Outcome = Answer | SingleReadAnswer

function outcomeOf(result: Judged): Outcome & { readonly path?: string | null } {
  return result.kind === 'answered' ? result.answer : { kind: 'error', code: result.code, path: result.path }
}

function differenceOf(
  timeline: Timeline,
  read: PathRead,
  auth: readonly AuthId[],
  told: Outcome & { readonly path?: string | null },
  zxid: number
): string | null {
  const { path, kind } = read
  const at = `at ${hex(zxid)}`
  const node = timeline.nodeAt(path, zxid)
  const refusal = refusalOf(read, node, auth)
  if (told.kind === 'error') {
    if (told.path !== undefined && told.path !== path) return `it names ${told.path}`
    if (told.code === refusal) return null
    if (node === null) return `${at} the model has no ${path}`
    return refusal === null
      ? `${at} the model has ${path}, created at ${hex(node.stat.czxid)}`
      : `${at} the model says ${refusal}`
  }
  if (refusal === 'NO_NODE') return `${at} the model has no ${path}`
  if (refusal !== null) return `${at} the model says ${refusal}`
  if (told.kind !== kind) return `it is a ${told.kind}`
  if (told.kind === 'getAllChildrenNumber') {
    const below = timeline.usageAt(path, zxid).count - 1
    return told.count === below ? null : `${at} there are ${below} below it`
  }
  const difference = 'stat' in told ? statDifference(told.stat, node?.stat ?? null) : null
  if (difference !== null) return `${at}${node === null ? ` the model has no ${path}` : `: ${difference}`}`
  return node === null ? null : contentsDifference(timeline, read, auth, told, node, zxid)
}

/** Whoever may not see what is there is told so; of what is not there everybody is. */
function refusalOf({ kind }: PathRead, node: TimelineNode | null, auth: readonly AuthId[]): 'NO_NODE' | 'NO_AUTH' | null {
  if (node === null) return kind === 'exists' ? null : 'NO_NODE'
  return allows(node.acl, kind === 'getACL' ? [READ, ADMIN] : [READ], auth) ? null : 'NO_AUTH'
}

function contentsDifference(
  timeline: Timeline,
  read: PathRead,
  auth: readonly AuthId[],
  told: Outcome,
  { data, acl }: TimelineNode,
  zxid: number
): string | null {
  const at = `at ${hex(zxid)}`
  if (told.kind === 'getData') {
    if (isData(told.data, data)) return null
    return `${at} its data are ${data === null ? 'null' : JSON.stringify(new TextDecoder().decode(data))}`
  }
  if (told.kind === 'getACL') {
    const shown = shownAcl(acl, auth)
    return sameAcl(told.acl, shown) ? null : `${at} its ACL is ${JSON.stringify(shown)}`
  }
  if (told.kind !== 'getChildren' || read.kind !== 'getChildren') return null
  const { after, limit } = read
  if (after === null && limit === null && areChildren(timeline, read.path, told, zxid)) return null
  const names = (timeline.childrenAt(read.path, zxid) ?? []).filter(name => after === null || name > after)
  const page = limit === null ? names : names.slice(0, limit)
  return sameNames(told.children, page) ? null : `${at} its children are [${page.join(', ')}]`
}

/** As many as the Stat says, which is right, in order, and each of them there: then they are those and no others. */
function areChildren(
  timeline: Timeline,
  path: string,
  { children, stat }: Extract<Outcome, { kind: 'getChildren' }>,
  zxid: number
): boolean {
  const below = path === '/' ? '/' : `${path}/`
  if (children.length !== stat.numChildren) return false
  return children.every((name, index) => {
    const before = children[index - 1]
    return (before === undefined || before < name) && !name.includes('/') && timeline.nodeAt(below + name, zxid) !== null
  })
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index])
}
