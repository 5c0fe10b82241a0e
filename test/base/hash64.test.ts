import t from 'tap'
import { formatHash64, Hash64 } from '../../lib/base/index.js'

const hashOf = (fill: (hash: Hash64) => Hash64): string => {
  const { low, high } = fill(new Hash64().start()).finish()
  return formatHash64(low, high)
}

t.test('a hash is printed with all its 16 digits', async t => {
  t.equal(formatHash64(0, 0), '0000000000000000')
  t.equal(formatHash64(-1, 1), '00000001ffffffff')
})

t.test('an instance that is started again forgets what it hashed before', async t => {
  const hash = new Hash64()
  hash.start().text('something').finish()
  const { low, high } = hash.start().int(1).finish()
  t.equal(
    formatHash64(low, high),
    hashOf(each => each.int(1))
  )
})

t.test('values that are alike have different hashes', async t => {
  const hashes = [
    hashOf(hash => hash),
    hashOf(hash => hash.int(0).int(0)),
    hashOf(hash => hash.int(1).int(2)),
    hashOf(hash => hash.int(2).int(1)),
    hashOf(hash => hash.int(-1)),
    hashOf(hash => hash.number(2 ** 32)),
    hashOf(hash => hash.number(2 ** 52)),
    hashOf(hash => hash.text('a').text('b')),
    hashOf(hash => hash.text('ab').text('')),
    hashOf(hash => hash.text('ba').text('')),
    ...[0, 1, 2, 3, 4, 5, 8].map(length => hashOf(hash => hash.bytes(new Uint8Array(length).fill(9)))),
    hashOf(hash => hash.bytes(Uint8Array.of(9, 9, 9, 9, 0)))
  ]
  t.equal(new Set(hashes).size, hashes.length)
})

t.test('a hundred thousand neighbours hardly ever meet in either lane', async t => {
  const lows = new Set<number>()
  const highs = new Set<number>()
  const hash = new Hash64()
  for (let value = 0; value < 100_000; value++) {
    hash.start().int(value).finish()
    lows.add(hash.low)
    highs.add(hash.high)
  }
  // About 1.2 pairs are expected to meet among 100,000 of 2^32.
  t.ok(lows.size > 99_980, `${lows.size}`)
  t.ok(highs.size > 99_980, `${highs.size}`)
})
