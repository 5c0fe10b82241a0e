import t from 'tap'
import { DataSlab } from '../../lib/tree/data-slab.js'

t.test('each piece has its length and belongs to one alone, small and large', async t => {
  const slab = new DataSlab()
  const lengths = Array.from({ length: 500 }, (_, index) => [0, 1, 100, 333, 2048, 2049, 40_000][index % 7] ?? 0)
  const pieces = lengths.map(length => slab.allocate(length))
  t.strictSame(
    pieces.map(piece => piece.length),
    lengths
  )
  t.ok(pieces.every(piece => piece.every(byte => byte === 0)))
  for (const [index, piece] of pieces.entries()) piece.fill(index & 0xff)
  t.ok(pieces.every((piece, index) => piece.every(byte => byte === (index & 0xff))))
})
