import t from 'tap'
import type { Zxid } from '../../lib/base/index.js'
import type { SnapshotManifest } from '../../lib/zab/index.js'
import { Journal } from '../../lib/zab/journal.js'
import { at, BLANK_STATE, batchAt, ENSEMBLE, epoch, MEMBER_STATE } from '../fixtures/zab-peers.js'

const SNAPSHOT: SnapshotManifest = { zxid: at(2, 4), chunkCount: 1, bytes: 1, digest: '' }
const append = (batch = batchAt(1, 3)) => ({ kind: 'append', batch, zxidCommitted: 0 as Zxid }) as const

t.test('a journal knows at once what it has asked for, and only later that it is durable', async t => {
  const journal = new Journal(MEMBER_STATE)
  t.equal(journal.idle, true)
  const first = journal.issue(append(batchAt(1, 3)), 7, null)
  const second = journal.issue(append(batchAt(1, 4)), 8, null)
  t.strictSame([journal.zxidLogged, journal.zxidDurable, journal.idle, journal.waitingSinceTick], [at(1, 4), at(1, 2), false, 7])
  journal.complete(first)
  t.strictSame([journal.zxidDurable, journal.waitingSinceTick], [at(1, 3), 8])
  journal.complete(second)
  t.strictSame([journal.zxidDurable, journal.idle, journal.waitingSinceTick], [at(1, 4), true, null])
})

t.test('a completed write stands for every earlier one, whose callbacks come first', async t => {
  const journal = new Journal(MEMBER_STATE)
  const called: string[] = []
  journal.issue(append(batchAt(1, 3)), 0, () => called.push('first'))
  const last = journal.issue(append(batchAt(1, 4)), 0, () => called.push('second'))
  for (const callback of journal.complete(last).callbacks) callback()
  t.strictSame(called, ['first', 'second'])
  t.strictSame(journal.complete(last).callbacks, [], 'once')
})

t.test('standing follows from what is on disk', async t => {
  t.equal(new Journal(MEMBER_STATE).standing, 'member')
  t.equal(new Journal(BLANK_STATE).standing, 'blank')
  t.equal(new Journal({ ...BLANK_STATE, ensembleId: ENSEMBLE, acceptedEpoch: epoch(1) }).standing, 'founder')
  t.equal(new Journal({ ...BLANK_STATE, acceptedEpoch: epoch(1) }).standing, 'blank', 'a promise alone is not a founding')
  t.equal(new Journal({ ...MEMBER_STATE, vote: 'withheld' }).standing, 'withheld')
  t.equal(new Journal({ ...MEMBER_STATE, damaged: true }).standing, 'withheld')
})

t.test('a whole history speaks for its current epoch, a damaged one only for the epoch it ends in', async t => {
  const state = { ...MEMBER_STATE, acceptedEpoch: epoch(4), currentEpoch: epoch(4) }
  t.strictSame(new Journal(state).history, { epoch: 4, zxid: at(1, 2) })
  t.strictSame(new Journal({ ...state, damaged: true }).history, { epoch: 1, zxid: at(1, 2) })
})

t.test('a truncation moves both ends back', async t => {
  const journal = new Journal(MEMBER_STATE)
  const write = journal.issue({ kind: 'truncate', zxid: at(1, 1) }, 0, null)
  t.equal(journal.zxidLogged, at(1, 1))
  journal.complete(write)
  t.equal(journal.zxidDurable, at(1, 1))
})

t.test('a replacement grows beside the log and takes its place with the epoch', async t => {
  const journal = new Journal({ ...MEMBER_STATE, acceptedEpoch: epoch(3), damaged: true })
  journal.issue({ kind: 'beginReplacement', snapshot: SNAPSHOT }, 0, null)
  journal.issue({ kind: 'stageChunk', index: 0, bytes: new Uint8Array() }, 0, null)
  const staged = journal.issue(append(batchAt(2, 5)), 0, null)
  t.strictSame([journal.zxidLogged, journal.history.zxid], [at(2, 5), at(1, 2)])
  t.strictSame(journal.complete(staged).replacedFrom, null)
  t.equal(journal.zxidDurable, at(1, 2), 'what is staged is not the log')
  const adopted = journal.issue({ kind: 'adoptEpoch', epoch: epoch(3), ensembleId: ENSEMBLE, vote: 'withheld' }, 0, null)
  t.equal(journal.zxidDurable, at(1, 2))
  t.equal(journal.complete(adopted).replacedFrom, at(2, 4))
  t.strictSame([journal.zxidDurable, journal.currentEpoch, journal.damaged, journal.standing], [at(2, 5), 3, false, 'withheld'])
})

t.test('an abandoned replacement leaves the log as it was', async t => {
  const journal = new Journal(MEMBER_STATE)
  journal.issue({ kind: 'beginReplacement', snapshot: null }, 0, null)
  journal.issue(append(batchAt(1, 1)), 0, null)
  const write = journal.issue({ kind: 'abandonReplacement' }, 0, null)
  t.equal(journal.complete(write).replacedFrom, null)
  t.strictSame([journal.zxidLogged, journal.zxidDurable], [at(1, 2), at(1, 2)])
})

t.test('retention moves the base forward only', async t => {
  const journal = new Journal(MEMBER_STATE)
  journal.purge(at(1, 1))
  t.strictSame([journal.log.zxidBase, journal.zxidLogged], [at(1, 1), at(1, 2)])
  journal.purge(0 as Zxid)
  t.equal(journal.log.zxidBase, at(1, 1))
})

t.test('what must never be asked of a disk is our own bug', async t => {
  const broken = { code: 'INVARIANT_VIOLATED' }
  const adopt = { kind: 'adoptEpoch', epoch: epoch(2), ensembleId: ENSEMBLE, vote: 'held' } as const
  t.throws(() => new Journal({ ...MEMBER_STATE, currentEpoch: epoch(2) }), broken, 'an epoch adopted and not accepted')
  t.throws(() => new Journal(MEMBER_STATE).issue(adopt, 0, null), broken, 'the same')
  t.throws(
    () => new Journal(MEMBER_STATE).issue({ kind: 'acceptEpoch', epoch: epoch(1), ensembleId: null }, 0, null),
    broken,
    'twice'
  )
  t.throws(() => new Journal({ ...MEMBER_STATE, damaged: true }).issue(append(), 0, null), broken, 'a damaged log extended')
  t.throws(() => new Journal({ ...MEMBER_STATE, damaged: true }).issue({ kind: 'truncate', zxid: at(1, 1) }, 0, null), broken)
  t.throws(() => new Journal(MEMBER_STATE).issue({ kind: 'stageChunk', index: 0, bytes: new Uint8Array() }, 0, null), broken)
})
