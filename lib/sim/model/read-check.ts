import type { SessionId } from '../../base/index.js'
import type { Call, Result } from '../history.js'
import { isData, statDifference } from './judgement.js'
import { hex, type RecordedCall } from './recorded-call.js'
import type { Timeline } from './timeline.js'

type ReadKind = 'exists' | 'getData' | 'getChildren' | 'getEphemerals' | 'sync'

/** A call that tells of the state and does not change it. */
export type StateRead = RecordedCall<Extract<Call, { kind: ReadKind }>>

export type Judged = Extract<Result, { kind: 'answered' | 'refused' }>

/** The smallest zxid at or behind `from` at which a read has this result; null if there is none. */
export function earliest(timeline: Timeline, call: StateRead, result: Judged, from: number): number | null {
  const { what } = call
  if (result.kind === 'refused') {
    if (result.code !== 'NO_NODE' || (what.kind !== 'getData' && what.kind !== 'getChildren') || result.path !== what.path)
      return null
    if (result.zxid === null) return timeline.absentSince(what.path, from)
    return result.zxid >= from && timeline.nodeAt(what.path, result.zxid) === null ? result.zxid : null
  }
  const { answer } = result
  if (answer.kind === 'sync') return what.kind === 'sync' && answer.zxid >= from ? answer.zxid : null
  if (answer.kind === 'getEphemerals') {
    return what.kind === 'getEphemerals' ? timeline.ephemeralsSince(call.session as SessionId, answer.paths, from) : null
  }
  if (what.kind === 'sync' || what.kind === 'getEphemerals' || what.kind !== answer.kind) return null
  if (answer.kind === 'exists' && answer.stat === null) return timeline.absentSince(what.path, from)
  if (!('stat' in answer) || answer.stat === null) return null
  const zxid = timeline.statSince(what.path, answer.stat, from)
  if (zxid === null) return null
  if (answer.kind === 'getData') return isData(answer.data, timeline.nodeAt(what.path, zxid)?.data ?? null) ? zxid : null
  if (answer.kind === 'getChildren') return areChildren(timeline, what.path, answer.children, zxid) ? zxid : null
  return zxid
}

/** As many as the Stat says, in order, and each of them there: then they are those and no others. */
function areChildren(timeline: Timeline, path: string, names: readonly string[], zxid: number): boolean {
  if (timeline.nodeAt(path, zxid)?.stat.numChildren !== names.length) return false
  const below = path === '/' ? '/' : `${path}/`
  return names.every((name, index) => {
    const before = names[index - 1]
    return (before === undefined || before < name) && !name.includes('/') && timeline.nodeAt(below + name, zxid) !== null
  })
}

/** For people: what the model would have answered at a zxid, as far as it differs. */
export function modelAnswer(timeline: Timeline, call: StateRead, result: Judged, zxid: number): string {
  const { what } = call
  const at = `at ${hex(zxid)}`
  if (what.kind === 'sync') return `the log ends at ${hex(timeline.zxidLast)}`
  if (what.kind === 'getEphemerals') return `${at} they are [${timeline.ephemeralsAt(call.session, zxid).join(', ')}]`
  const node = timeline.nodeAt(what.path, zxid)
  if (node === null) return `${at} the model has no ${what.path}`
  if (result.kind === 'refused') return `${at} the model has ${what.path}, created at ${hex(node.stat.czxid)}`
  const stat = 'stat' in result.answer ? result.answer.stat : null
  const difference = statDifference(stat, node.stat)
  if (difference !== null) return `${at}: ${difference}`
  if (what.kind === 'getChildren') return `${at} its children are [${timeline.childrenAt(what.path, zxid)?.join(', ')}]`
  return `${at} its data are ${node.data === null ? 'null' : JSON.stringify(new TextDecoder().decode(node.data))}`
}
