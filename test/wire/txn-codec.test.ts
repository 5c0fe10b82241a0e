import fc from 'fast-check'
import t from 'tap'
import { LIMITS, type MemberId, NO_SESSION, type SessionId } from '../../lib/base/index.js'
import { type SetDataChange, TTL_MAX } from '../../lib/tree/index.js'
import { decodeTxn, encode, encodeTxn, ephemeralsEndedBy, requestBytesBound, type TxnChange } from '../../lib/wire/index.js'
import { mutationsOf } from '../fixtures/mutated-bytes.js'
import { arbitraryOperation, arbitrarySession } from '../fixtures/random-operations.js'
import { referenceTxn } from '../fixtures/reference-codec.js'
import { same } from '../fixtures/same.js'
import { Leader } from '../fixtures/tree.js'
import { verdictOf } from '../fixtures/verdict.js'
import { A, CHANGES, txnOf } from '../fixtures/wire-examples.js'

t.test('every kind of txn comes back as it went in', async t => {
  for (const change of CHANGES) t.strictSame(decodeTxn(encodeTxn(txnOf(change))), txnOf(change), change.kind)
  const own = txnOf({ kind: 'delete', path: '/a' }, { session: NO_SESSION, cxid: 0, time: 0 })
  t.strictSame(decodeTxn(encodeTxn(own)), own)
})

t.test('what a leader prepares can always be read back, and stays below the bound of its request', async t => {
  const property = fc.property(
    fc.array(fc.tuple(arbitraryOperation, arbitrarySession), { maxLength: 40, size: 'max' }),
    operations => {
      const leader = new Leader()
      return operations.every(([operation, owner]) => {
        const change = leader.prepare(operation, owner)
        if (change.kind === 'deleteEphemerals') return false
        const encoded = encodeTxn(txnOf(change))
        same(decodeTxn(encoded).change, change, 'read back')
        return encoded.length <= requestBytesBound(operation)
      })
    }
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 200 }))
})

t.test('the beginning of a process or session that could not be read back is not written', async t => {
  const member = 1 as MemberId
  const password = new Uint8Array(16)
  const unreadable: readonly TxnChange[] = [
    { kind: 'enlist', member, run: '' },
    { kind: 'enlist', member: 0 as MemberId, run: 'a' },
    { kind: 'createSession', timeout: 1000, member, run: '', password },
    { kind: 'createSession', timeout: 0.5, member, run: 'a', password },
    { kind: 'createSession', timeout: 1000, member, run: 'a', password: new Uint8Array(8) },
    { kind: 'moveSession', session: A, timeout: 0, member, run: 'a' },
    { kind: 'moveSession', session: A, timeout: 1000, member, run: '' },
    { kind: 'moveSession', session: 0.5 as SessionId, timeout: 1000, member, run: 'a' }
  ]
  for (const change of unreadable) t.throws(() => encodeTxn(txnOf(change)), { code: 'INVARIANT_VIOLATED' })
})

t.test('a time or request number that could not be read back is not written', async t => {
  const change: TxnChange = { kind: 'delete', path: '/a' }
  for (const rest of [{ time: 1.5 }, { time: -1 }, { time: Number.NaN }, { cxid: -1 }, { cxid: 0.5 }]) {
    t.throws(() => encodeTxn(txnOf(change, rest)), { code: 'INVARIANT_VIOLATED' })
  }
})

t.test('the end of a session is for the tree the deletion of its ephemerals', async t => {
  t.strictSame(ephemeralsEndedBy({ kind: 'closeSession', session: A, paths: ['/a'] }), {
    kind: 'deleteEphemerals',
    owner: A,
    paths: ['/a']
  })
})

t.test('every field is checked: what is not a txn is BAD_FRAME', async t => {
  const good = [A, 3, 7, 1, [2, '/a']]
  t.equal(decodeTxn(encode(good)).change.kind, 'delete')
  const wrongEnvelopes = [
    null,
    7,
    'txn',
    [],
    good.slice(0, 4),
    [...good, 0],
    [-1, 3, 7, 1, [2, '/a']],
    [0.5, 3, 7, 1, [2, '/a']],
    [2 ** 53, 3, 7, 1, [2, '/a']],
    [A, 0, 7, 1, [2, '/a']],
    [A, 256, 7, 1, [2, '/a']],
    [A, 3, -1, 1, [2, '/a']],
    [A, 3, 7, 1.5, [2, '/a']],
    [A, 3, 7, '1', [2, '/a']]
  ]
  const wrongChanges = [
    null,
    [],
    'delete',
    [0],
    [15],
    ['2', '/a'],
    [2],
    [2, null],
    [2, '/a', 0],
    [2, 'a'],
    [2, '/a/'],
    [2, '//'],
    [2, '/\u0000'],
    [2, `/${'x'.repeat(1024)}`],
    [1, '/a', null, 0],
    [1, '/a', 'text', 0, 1],
    [1, '/a', [1], 0, 1],
    [1, '/a', null, -1, 1],
    [1, '/a', null, 0, 0],
    [1, '/a', null, 0, 2 ** 31],
    [1, '/a', undefined, 0, 1.5],
    [1, '/a', null, 0, 1, 0],
    [1, '/a', null, 0, 1, -2, null],
    [1, '/a', null, 0, 1, TTL_MAX + 1, null],
    [1, '/a', null, 0, 1, 0, []],
    [1, '/a', null, 0, 1, 0, [[32, 'world', 'anyone']]],
    [1, '/a', null, 0, 1, 0, [[31, 'world', 'x'.repeat(LIMITS.aclBytesMax)]]],
    [1, '/a', null, 0, 1, 0, null, 0],
    [3, '/a', null, -1],
    [3, '/a', null, 2 ** 31],
    [3, '/a', 5, 1],
    [5, null],
    [5, [[5, []]]],
    [5, [[6, 'NO_NODE', null, null]]],
    [5, [[7, 1, 'a']]],
    [5, Array.from({ length: LIMITS.deletedMax + 1 }, () => [4, '/a'])],
    [5, [[12, '/a']]],
    [6, 'NOT_A_CODE', null, null],
    [6, 'OK', null, null],
    [6, 'toString', null, null],
    [6, 'NO_NODE', 5, null],
    [6, 'NO_NODE', null, ['BAD']],
    [6, 'NO_NODE', null, 'OK'],
    [7, 0, 'a'],
    [7, 1, ''],
    [7, 1, 'x'.repeat(65)],
    [8, 0, 1, 'a', new Uint8Array(16)],
    [8, 1, 1, 'a', new Uint8Array(15)],
    [8, 1, 1, 'a', new Uint8Array(17)],
    [8, 1, 1, 'a', 'password'],
    [9, A],
    [9, A, ['a']],
    [9, 'A', []],
    [9, A, Array.from({ length: LIMITS.closePathsMax + 1 }, () => '/a')],
    [10, '/a', null],
    [10, '/a', [], 1],
    [10, '/a', null, -1],
    [10, 'a', null, 1],
    [11],
    [11, 'a'],
    [11, '/a', 0],
    [12, 'a'],
    [12, '/a', 0],
    [13, A, 0, 1, 'a'],
    [13, A, 1, 0, 'a'],
    [13, A, 1, 1, ''],
    [13, -1, 1, 1, 'a'],
    [13, A, 1, 1],
    [14, A],
    [14, A, ['a']],
    [14, A, Array.from({ length: LIMITS.closePathsMax + 1 }, () => '/a')]
  ]
  for (const wrong of [...wrongEnvelopes, ...wrongChanges.map(change => [A, 3, 7, 1, change])]) {
    t.throws(() => decodeTxn(encode(wrong)), { code: 'BAD_FRAME' }, JSON.stringify(wrong)?.slice(0, 60))
  }
})

t.test('a txn may lie anywhere in the bytes', async t => {
  for (const change of CHANGES) {
    const bytes = encodeTxn(txnOf(change))
    const around = Buffer.concat([Uint8Array.of(0x95, 1), bytes, Uint8Array.of(0x95)])
    t.strictSame(decodeTxn(around, 2, 2 + bytes.length), txnOf(change))
    t.throws(() => decodeTxn(around, 2, 3 + bytes.length), { code: 'BAD_FRAME' }, 'one byte too many')
    t.throws(() => decodeTxn(around, 2, 1 + bytes.length), { code: 'BAD_FRAME' }, 'one byte too few')
    t.throws(() => decodeTxn(around, 2, around.length + 1), { code: 'INVARIANT_VIOLATED' })
  }
})

t.test('data are a view into the bytes, and no Buffer', async t => {
  const bytes = Buffer.from(encodeTxn(txnOf({ kind: 'setData', path: '/a', data: new Uint8Array(3), version: 1 })))
  const { data } = decodeTxn(bytes).change as SetDataChange
  t.equal(data?.buffer, bytes.buffer)
  t.equal(data?.constructor, Uint8Array)
})

t.test('damaged bytes are judged as by a reader that decodes the whole of them first', async t => {
  let refused = 0
  for (const damaged of mutationsOf(
    CHANGES.map(change => encodeTxn(txnOf(change))),
    40_000,
    1
  )) {
    const found = verdictOf(decodeTxn, damaged)
    const expected = verdictOf(referenceTxn, damaged)
    if (found !== expected) t.equal(found, expected, Buffer.from(damaged).toString('hex'))
    if (found === 'BAD_FRAME') refused++
    // What is accepted is a whole txn: it survives being written and read again.
    else if (verdictOf(decodeTxn, encodeTxn(decodeTxn(damaged))) !== found) t.fail('not the same again')
  }
  t.ok(refused > 10_000, `${refused} refused`)
})
