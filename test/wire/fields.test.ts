import t from 'tap'
import { EPOCH_MAX } from '../../lib/base/index.js'
import {
  asArray,
  asBoolean,
  asBytes,
  asCount,
  asEpoch,
  asInteger,
  asList,
  asMemberId,
  asNullable,
  asOneOf,
  asSessionId,
  asString,
  asTagged,
  asZxid
} from '../../lib/wire/index.js'

t.test('a field of the right type and range is returned as it is', async t => {
  const list = [1, 2]
  const bytes = Uint8Array.of(1)
  t.equal(asArray(list, 2), list)
  t.equal(asList(list, 2), list)
  t.equal(asTagged(list), list)
  t.equal(asInteger(-5, -5, 5), -5)
  t.equal(asCount(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
  t.equal(asBoolean(false), false)
  t.equal(asString('abc', 3), 'abc')
  t.equal(asBytes(bytes, 1), bytes)
  t.equal(asOneOf('b', ['a', 'b']), 'b')
  t.equal(asNullable(null, asCount), null)
  t.equal(asNullable(3, asCount), 3)
  t.equal(asZxid(2 ** 32 + 1), 2 ** 32 + 1)
  t.equal(asEpoch(EPOCH_MAX), EPOCH_MAX)
  t.equal(asMemberId(255), 255)
  t.equal(asSessionId(0), 0)
})

t.test('a field of another type or out of its range is a bad frame', async t => {
  const wrong: readonly (() => unknown)[] = [
    () => asArray([1], 2),
    () => asArray('ab', 2),
    () => asList([1, 2, 3], 2),
    () => asTagged([]),
    () => asTagged({ length: 1 }),
    () => asInteger(6, 0, 5),
    () => asInteger(-1, 0, 5),
    () => asInteger(0.5, 0, 5),
    () => asInteger('1', 0, 5),
    () => asInteger(2 ** 53, 0, 2 ** 60),
    () => asInteger(Number.NaN, 0, 5),
    () => asCount(-1),
    () => asBoolean(1),
    () => asString('abcd', 3),
    () => asString(Uint8Array.of(1), 3),
    () => asBytes(new Uint8Array(2), 1),
    () => asBytes('a', 1),
    () => asOneOf('c', ['a', 'b']),
    () => asNullable(undefined, asCount),
    () => asZxid(-1),
    () => asZxid(2 ** 53),
    () => asEpoch(EPOCH_MAX + 1),
    () => asMemberId(0),
    () => asMemberId(256),
    () => asSessionId(null)
  ]
  for (const read of wrong) t.throws(read, { code: 'BAD_FRAME' }, read.toString())
})
