import type { TxnChange } from '../../wire/index.js'
import { Violation } from '../checker.js'
import type { Answer, CommittedTxn } from '../history.js'
import { describeCall, hex, type RecordedCall } from './recorded-call.js'

const CHECKER = 'sequential names'

/** A create that somebody was told of. */
interface Told {
  readonly call: RecordedCall
  readonly path: string
  readonly zxid: number
  readonly sequential: boolean
}

/**
 * Names that were told are unique while they last, and suffixes below one parent grow with the zxid. Looks at the answers, and of the log at
 * what was deleted only: it needs no model.
 */
export function checkSequentialNames(log: readonly CommittedTxn[], calls: Iterable<RecordedCall>): void {
  const deleted = deletionsOf(log)
  const told = [...calls].flatMap(toldBy)
  told.sort((a, b) => a.zxid - b.zxid)
  const deletedBetween = (path: string, after: number, through: number): boolean =>
    deleted.get(path)?.some(zxid => zxid >= after && zxid <= through) ?? false
  const byPath = new Map<string, Told>()
  const byParent = new Map<string, Told>()
  for (const each of told) {
    const same = byPath.get(each.path)
    if (same !== undefined && !deletedBetween(each.path, same.zxid, each.zxid)) {
      const both = `${describeCall(same.call)} at ${hex(same.zxid)}, and ${describeCall(each.call)} at ${hex(each.zxid)}`
      throw new Violation(CHECKER, `${each.path} was created twice and not deleted in between: ${both}`)
    }
    byPath.set(each.path, each)
    if (!each.sequential) continue
    const parent = each.path.slice(0, each.path.lastIndexOf('/'))
    const before = byParent.get(parent)
    byParent.set(parent, each)
    if (before === undefined || suffixOf(before) < suffixOf(each) || deletedBetween(parent, before.zxid, each.zxid)) continue
    const both = `${before.path} of ${describeCall(before.call)} at ${hex(before.zxid)}, then ${each.path} of ${describeCall(each.call)}`
    throw new Violation(CHECKER, `a number that does not grow: ${both} at ${hex(each.zxid)}`)
  }
}

function toldBy(call: RecordedCall): readonly Told[] {
  const { what, result } = call
  if (result?.kind !== 'answered') return []
  const told = (answer: Answer, sequential: boolean): readonly Told[] =>
    answer.kind === 'create' && answer.created ? [{ call, path: answer.path, zxid: answer.stat.czxid, sequential }] : []
  if (what.kind === 'create') return told(result.answer, what.sequential)
  if (what.kind !== 'multi' || result.answer.kind !== 'multi') return []
  return result.answer.results.flatMap((answer, index) => {
    const asked = what.operations[index]
    return told(answer, asked?.kind === 'create' && asked.sequential)
  })
}

/** By path, the zxids at which it was deleted. */
function deletionsOf(log: readonly CommittedTxn[]): ReadonlyMap<string, readonly number[]> {
  const deleted = new Map<string, number[]>()
  for (const { zxid, txn } of log) {
    for (const path of deletedBy(txn.change)) deleted.set(path, [...(deleted.get(path) ?? []), zxid])
  }
  return deleted
}

function deletedBy(change: TxnChange): readonly string[] {
  switch (change.kind) {
    case 'multi':
      return change.changes.flatMap(deletedBy)
    case 'delete':
    case 'deleteContainer':
      return [change.path]
    case 'closingSession':
    case 'closeSession':
      return change.paths
    default:
      return []
  }
}

function suffixOf({ path }: Told): number {
  return Number(path.slice(-10))
}
