import fc from 'fast-check'
import t from 'tap'
import { pathBytes } from '../../lib/tree/index.js'
import { compareBytes, PathKey, textOf } from '../../lib/tree/path-key.js'

/** Any code units, surrogates too: a caller may ask for a path that no znode can have. */
const arbitraryText = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom('/', 'a', '\u007f', '\u0080', '\u07ff', '\u0800', '\u4e2d', '\ud800', '\uffff'),
    maxLength: 40
  }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 }).map(units => String.fromCharCode(...units))
)
const compared = (one: PathKey, other: PathKey, skip = 0): number =>
  Math.sign(compareBytes(one.bytes, 0, one.length, other.bytes, 0, other.length, skip))

t.test('bytes give the text back that they were made of, whatever the key was set to before', async t => {
  const key = new PathKey()
  const property = fc.property(arbitraryText, fc.nat(9), (text, offset) => {
    const { bytes, length } = key.set(text)
    const elsewhere = new Uint8Array(offset + length + 9).fill(0x61)
    elsewhere.set(bytes.subarray(0, length), offset)
    return key.path === text && textOf(elsewhere, offset, offset + length) === text
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1000 }))
})

t.test('bytes are in the order of the UTF-16 code units, also when a common beginning is passed over', async t => {
  const property = fc.property(arbitraryText, arbitraryText, arbitraryText, (beginning, one, other) => {
    const [oneKey, otherKey] = [new PathKey().set(beginning + one), new PathKey().set(beginning + other)]
    const skip = new PathKey().set(beginning).length
    const expected = one < other ? -1 : one > other ? 1 : 0
    return compared(oneKey, otherKey) === expected && compared(oneKey, otherKey, skip) === expected
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1000 }))
})

t.test('the bytes of a valid path are UTF-8', async t => {
  const path = '/services/größe/\u4e2d\u6587'
  const { bytes, length } = new PathKey().set(path)
  t.strictSame(bytes.subarray(0, length), new TextEncoder().encode(path))
  t.equal(length, pathBytes(path))
})

t.test('equal paths have equal hashes, and a thousand others have others', async t => {
  const hashes = Array.from({ length: 1000 }, (_, index) => new PathKey().set(`/services/node-${index}`).hash)
  t.equal(new Set(hashes).size, 1000)
  t.strictSame(
    hashes,
    hashes.map((_, index) => new PathKey().set('/').set(`/services/node-${index}`).hash)
  )
})
