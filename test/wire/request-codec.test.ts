import fc from 'fast-check'
import t from 'tap'
import { isZooKeeperError, LIMITS, type MemberId, NO_SESSION } from '../../lib/base/index.js'
import {
  decodeRequests,
  encode,
  encodeRequests,
  type Request,
  type RequestBody,
  requestBytesBound
} from '../../lib/wire/index.js'
import { mutationsOf } from '../fixtures/mutated-bytes.js'
import { arbitraryOperation, check, create, multi, remove, session, setData, zxidAt } from '../fixtures/tree.js'

const A = session(zxidAt(5))
const requestOf = (body: RequestBody, rest: Partial<Request> = {}): Request => ({
  session: A,
  member: 2 as MemberId,
  cxid: 4,
  body,
  ...rest
})

const BODIES: readonly RequestBody[] = [
  create('/a', { data: new Uint8Array([1, 2, 3]), ephemeral: true }),
  create('/a/', { sequential: true }),
  remove('/a', 3),
  setData('/a', null, -1),
  setData('/a', 'value', -(2 ** 31)),
  check('/a', 2 ** 31 - 1),
  multi(),
  multi(create('/a'), setData('/a'), check('/a', 1), remove('/a')),
  { kind: 'createSession', timeout: 5000 },
  { kind: 'closeSession' },
  { kind: 'enlist', run: 'abc' }
]

t.test('a group of requests comes back as it went in, in order', async t => {
  const group = BODIES.map((body, index) => requestOf(body, { cxid: index + 1 }))
  t.strictSame(decodeRequests(encodeRequests(group)), group)
  t.strictSame(decodeRequests(encodeRequests([])), [])
  const own = requestOf({ kind: 'enlist', run: 'x' }, { session: NO_SESSION, cxid: 0 })
  t.strictSame(decodeRequests(encodeRequests([own])), [own])
})

t.test('a path that is wrong by the rules of ZooKeeper passes: it is for the leader to refuse', async t => {
  const group = [requestOf(create('not/a/path')), requestOf(remove(''))]
  t.strictSame(decodeRequests(encodeRequests(group)), group)
})

t.test('the bound of a request holds for any request', async t => {
  const property = fc.property(
    fc.oneof(arbitraryOperation, fc.constantFrom(...BODIES)),
    body => encodeRequests([requestOf(body, { cxid: Number.MAX_SAFE_INTEGER })]).length <= requestBytesBound(body)
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
  t.ok(requestBytesBound(setData('/é', 'x'.repeat(1000))) < 1300, 'and is not far off')
})

t.test('every field is checked: what is not a group of requests is BAD_FRAME', async t => {
  const wrongGroups = [
    null,
    7,
    [null],
    [[A, 2, 4]],
    [[A, 2, 4, [2, '/a', 0], 0]],
    [[-1, 2, 4, [7]]],
    [[A, 0, 4, [7]]],
    [[A, 2, -1, [7]]]
  ]
  const wrongBodies = [
    null,
    [],
    [0],
    [9],
    [1, '/a', null, true],
    [1, '/a', null, 1, false],
    [1, '/a', null, false, null],
    [1, '/a', 'text', false, false],
    [1, 5, null, false, false],
    [1, 'x'.repeat(LIMITS.pathBytesMax + 1), null, false, false],
    [2, '/a'],
    [2, '/a', 2 ** 31],
    [2, '/a', null],
    [3, '/a', 5, 0],
    [4, '/a', 0.5],
    [5, [[6, 1]]],
    [5, [[5, []]]],
    [5, Array.from({ length: LIMITS.multiOpsMax + 1 }, () => [4, '/a', 0])],
    [6, 0],
    [6],
    [7, 0],
    [8, ''],
    [8, 5]
  ]
  t.equal(decodeRequests(encode([[A, 2, 4, [7]]])).length, 1)
  for (const wrong of [...wrongGroups, ...wrongBodies.map(body => [[A, 2, 4, body]])]) {
    t.throws(() => decodeRequests(encode(wrong)), { code: 'BAD_FRAME' }, JSON.stringify(wrong).slice(0, 60))
  }
  const group = Array.from({ length: LIMITS.batchTxnsMax + 1 }, () => requestOf({ kind: 'closeSession' }))
  t.throws(() => decodeRequests(encodeRequests(group)), { code: 'BAD_FRAME' })
  t.equal(decodeRequests(encodeRequests(group.slice(1))).length, LIMITS.batchTxnsMax)
})

t.test('damaged bytes are BAD_FRAME or other valid requests, and nothing else', async t => {
  const originals = [
    ...BODIES.map(body => encodeRequests([requestOf(body)])),
    encodeRequests(BODIES.map(body => requestOf(body)))
  ]
  let refused = 0
  for (const damaged of mutationsOf(originals, 30_000, 2)) {
    try {
      const group = decodeRequests(damaged)
      if (fc.stringify(decodeRequests(encodeRequests(group))) !== fc.stringify(group)) t.fail('not the same again')
    } catch (error) {
      if (isZooKeeperError(error, 'BAD_FRAME')) refused++
      else t.error(error)
    }
  }
  t.ok(refused > 10_000, `${refused} refused`)
})
