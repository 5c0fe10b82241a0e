import fc from 'fast-check'
import t from 'tap'
import { LIMITS, NO_SESSION } from '../../lib/base/index.js'
import { TTL_MAX } from '../../lib/tree/index.js'
import { decodeRequests, encode, encodeRequests, requestBytesBound } from '../../lib/wire/index.js'
import { mutationsOf } from '../fixtures/mutated-bytes.js'
import { arbitraryOperation } from '../fixtures/random-operations.js'
import { referenceRequests } from '../fixtures/reference-codec.js'
import { create, remove, setData, touch } from '../fixtures/tree.js'
import { verdictOf } from '../fixtures/verdict.js'
import { A, AUTH, BODIES, requestOf } from '../fixtures/wire-examples.js'

t.test('a group of requests comes back as it went in, in order', async t => {
  const group = BODIES.map((body, index) => requestOf(body, { cxid: index + 1 }))
  t.strictSame(decodeRequests(encodeRequests(group)), group)
  t.strictSame(decodeRequests(encodeRequests([])), [])
  const own = requestOf({ kind: 'enlist', run: 'x' }, { session: NO_SESSION, cxid: 0 })
  t.strictSame(decodeRequests(encodeRequests([own])), [own])
})

t.test('a request says who asks, and takes no room for it where nobody in particular does', async t => {
  for (const body of BODIES) {
    const request = requestOf(body, { auth: AUTH })
    t.strictSame(decodeRequests(encodeRequests([request])), [request])
  }
  const nobody = encodeRequests([requestOf(touch('/a'))])
  t.strictSame(decodeRequests(encode([[A, 2, 4, [10, '/a']]])), [requestOf(touch('/a'))])
  t.equal(nobody.length, encode([[A, 2, 4, [10, '/a']]]).length)
})

t.test('a path that is wrong by the rules of ZooKeeper passes: it is for the leader to refuse', async t => {
  const group = [requestOf(create('not/a/path')), requestOf(remove(''))]
  t.strictSame(decodeRequests(encodeRequests(group)), group)
})

t.test('the bound of a request holds for any request', async t => {
  const property = fc.property(
    fc.oneof(arbitraryOperation, fc.constantFrom(...BODIES)),
    fc.constantFrom([], AUTH),
    (body, auth) =>
      encodeRequests([requestOf(body, { cxid: Number.MAX_SAFE_INTEGER, auth })]).length <= requestBytesBound(body, auth)
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
  t.ok(requestBytesBound(setData('/é', 'x'.repeat(1000))) < 1300, 'and is not far off')
  const deep = create('/a/b/c/d', { data: new Uint8Array(1_000_000), parents: true })
  t.ok(requestBytesBound(deep) < 1_001_000, 'the data are counted once, and not with each parent')
})

t.test('every field is checked: what is not a group of requests is BAD_FRAME', async t => {
  const wrongGroups = [
    null,
    7,
    [null],
    [[A, 2, 4]],
    [[A, 2, 4, [7], 0]],
    [[A, 2, 4, [7], null]],
    [[A, 2, 4, [7], [null]]],
    [[A, 2, 4, [7], [['digest']]]],
    [[A, 2, 4, [7], [['digest', 7]]]],
    [[A, 2, 4, [7], [['digest', 'id', 0]]]],
    [[A, 2, 4, [7], [['digest', 'x'.repeat(LIMITS.authBytesMax + 1)]]]],
    [[A, 2, 4, [7], Array.from({ length: 5 }, () => ['digest', 'x'.repeat(LIMITS.authBytesMax / 5)])]],
    [[A, 2, 4, [7], Array.from({ length: LIMITS.authIdsMax + 1 }, () => ['digest', 'id'])]],
    [[A, 2, 4, [7], [], []]],
    [[-1, 2, 4, [7]]],
    [[A, 0, 4, [7]]],
    [[A, 2, -1, [7]]]
  ]
  const wrongBodies = [
    null,
    [],
    [0],
    [13],
    [1, '/a', null],
    [1, '/a', null, true],
    [1, '/a', null, 16],
    [1, '/a', null, -1],
    [1, '/a', null, 0, 0],
    [1, '/a', null, 0, -2, null],
    [1, '/a', null, 0, 1.5, null],
    [1, '/a', null, 0, TTL_MAX + 1, null],
    [1, '/a', null, 0, null, null],
    [1, '/a', null, 0, 0, []],
    [1, '/a', null, 0, 0, 'world'],
    [1, '/a', null, 0, 0, [[31, 'world']]],
    [1, '/a', null, 0, 0, [[32, 'world', 'anyone']]],
    [1, '/a', null, 0, 0, [[-1, 'world', 'anyone']]],
    [1, '/a', null, 0, 0, [[31, 7, 'anyone']]],
    [1, '/a', null, 0, 0, [[31, 'world', null]]],
    [1, '/a', null, 0, 0, [[31, 'x', 'x'.repeat(LIMITS.aclBytesMax)]]],
    [1, '/a', null, 0, 0, Array.from({ length: LIMITS.aclEntriesMax + 1 }, () => [31, 'world', 'anyone'])],
    [1, '/a', null, 0, 0, null, 0],
    [1, '/a', 'text', 0],
    [1, 5, null, 0],
    [1, 'x'.repeat(LIMITS.pathBytesMax + 1), null, 0],
    [2, '/a'],
    [2, '/a', 0],
    [2, '/a', 2 ** 31, 0],
    [2, '/a', null, 0],
    [2, '/a', 0, 4],
    [2, '/a', 0, true],
    [2, 'x'.repeat(LIMITS.pathBytesMax + 1), 0, 0],
    [3, '/a', 5, 0],
    [4, '/a', 0.5],
    [5, [[6, 1]]],
    [5, [[5, []]]],
    [5, Array.from({ length: LIMITS.multiOpsMax + 1 }, () => [4, '/a', 0])],
    [6, 0],
    [6],
    [7, 0],
    [8, ''],
    [8, 5],
    [9, '/a', null],
    [9, '/a', [], -1],
    [9, '/a', null, 2 ** 31],
    [9, 5, null, -1],
    [10],
    [10, 5],
    [10, '/a', 0],
    [11, A, new Uint8Array(16)],
    [11, A, new Uint8Array(15), 1_000],
    [11, A, new Uint8Array(17), 1_000],
    [11, A, 'sixteen bytes...', 1_000],
    [11, -1, new Uint8Array(16), 1_000],
    [11, A, new Uint8Array(16), 0],
    [11, A, new Uint8Array(16), 2 ** 31],
    [12],
    [12, 0.5],
    [12, '1'],
    [5, [[9, '/a', null, -1]]],
    [5, [[10, '/a']]],
    [5, [[12, A]]]
  ]
  t.equal(decodeRequests(encode([[A, 2, 4, [7]]])).length, 1)
  for (const wrong of [...wrongGroups, ...wrongBodies.map(body => [[A, 2, 4, body]])]) {
    t.throws(() => decodeRequests(encode(wrong)), { code: 'BAD_FRAME' }, JSON.stringify(wrong).slice(0, 60))
  }
  const group = Array.from({ length: LIMITS.batchTxnsMax + 1 }, () => requestOf({ kind: 'closeSession' }))
  t.throws(() => decodeRequests(encodeRequests(group)), { code: 'BAD_FRAME' })
  t.equal(decodeRequests(encodeRequests(group.slice(1))).length, LIMITS.batchTxnsMax)
})

t.test('damaged bytes are judged as by a reader that decodes the whole of them first', async t => {
  const originals = [
    ...BODIES.map(body => encodeRequests([requestOf(body)])),
    ...BODIES.map(body => encodeRequests([requestOf(body, { auth: AUTH })])),
    encodeRequests(BODIES.map(body => requestOf(body)))
  ]
  let refused = 0
  for (const damaged of mutationsOf(originals, 40_000, 2)) {
    const found = verdictOf(decodeRequests, damaged)
    const expected = verdictOf(referenceRequests, damaged)
    if (found !== expected) t.equal(found, expected, Buffer.from(damaged).toString('hex'))
    if (found === 'BAD_FRAME') refused++
    else if (verdictOf(decodeRequests, encodeRequests(decodeRequests(damaged))) !== found) t.fail('not the same again')
  }
  t.ok(refused > 10_000, `${refused} refused`)
})

t.test('elements of all depths together are bounded', async t => {
  const acl = Array.from({ length: LIMITS.aclEntriesMax }, () => [31, 'x', 'y'])
  const operations = Array.from({ length: LIMITS.multiOpsMax }, () => [1, '/a', null, 0, 0, acl])
  const request = [A, 2, 4, [5, operations]]
  t.equal(decodeRequests(encode([request, request, request])).length, 3)
  const many = encode([request, request, request, request])
  t.throws(() => decodeRequests(many), { code: 'BAD_FRAME' })
  t.throws(() => referenceRequests(many), { code: 'BAD_FRAME' })
})
