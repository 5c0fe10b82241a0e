import { isZooKeeperError } from '../../base/index.js'
import type { LocalTree } from '../../member/index.js'
import { Violation } from '../checker.js'
import { statDifference } from './judgement.js'
import { hex } from './recorded-call.js'
import { sameBytes } from './request-fit.js'
import type { Timeline } from './timeline.js'

const CHECKER = 'model'

/**
 * A member's tree is the model's at the zxid that it shows, in every znode, every byte and every field, and has the digest that the model works
 * out. What its own session may not see is in the digest only. PERF: goes over everything; {@link checkDigest} is enough where it is done often.
 */
export function checkState(timeline: Timeline, tree: LocalTree): void {
  const { zxid } = tree
  const wrong = (path: string, what: string) => new Violation(CHECKER, `at ${hex(zxid)}, ${path}: ${what}`)
  for (const path of timeline.pathsAt(zxid)) {
    const model = timeline.nodeAt(path, zxid)
    if (model === null) throw new Error('a path that there is has a znode')
    const [read, listed] = [permitted(() => tree.getData(path)), permitted(() => tree.getChildren(path))]
    if (read === 'forbidden' || listed === 'forbidden') {
      if (model.acl === null) throw wrong(path, 'the member lets nobody see it, and in the model everybody may')
      continue
    }
    if (read === null || listed === null) throw wrong(path, 'the member does not have it')
    const difference = statDifference(read.stat, model.stat)
    if (difference !== null) throw wrong(path, difference)
    if (!sameBytes(read.data, model.data)) throw wrong(path, 'the member has other data')
    // Whatever the member has beside what the model has, is some znode's child.
    const [told, names] = [listed.children.join('/'), timeline.childrenAt(path, zxid)?.join('/')]
    if (told !== names) throw wrong(path, `the member lists [${told}] below it, the model [${names}]`)
  }
  checkDigest(timeline, tree)
}

function permitted<T>(read: () => T): T | 'forbidden' {
  try {
    return read()
  } catch (error) {
    if (isZooKeeperError(error, 'NO_AUTH')) return 'forbidden'
    throw error
  }
}

/** The digest alone, which covers the sessions as well. */
export function checkDigest(timeline: Timeline, tree: Pick<LocalTree, 'zxid' | 'digest'>): void {
  const { zxid, digest } = tree
  const expected = timeline.digestAt(zxid)
  if (digest !== expected) throw new Violation(CHECKER, `at ${hex(zxid)} a member has digest ${digest}, the model ${expected}`)
}
