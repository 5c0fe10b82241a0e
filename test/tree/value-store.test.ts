import fc from 'fast-check'
import t from 'tap'
import { ValueStore } from '../../lib/tree/value-store.js'

const copyOf = (store: ValueStore, handle: number, length: number): Uint8Array => {
  const target = new Uint8Array(length)
  store.copy(handle, length, target)
  return target
}

t.test('values of every size come back as they went in, whatever was put, replaced and freed between', async t => {
  const size = fc.oneof(fc.nat(40), fc.constantFrom(0, 1, 15, 16, 17, 512, 513, 1024, 1025, 4096, 4097, 10_000))
  const step = fc.record({ slot: fc.nat(30), size, action: fc.constantFrom('put', 'free') })
  const property = fc.property(fc.array(step, { maxLength: 300, size: 'max' }), steps => {
    const store = new ValueStore()
    const held = new Map<number, { readonly handle: number; readonly value: Uint8Array }>()
    steps.forEach(({ slot, size, action }, index) => {
      const known = held.get(slot)
      if (action === 'put') {
        const value = new Uint8Array(size).map((_, at) => (index * 31 + at) & 0xff)
        const handle = known === undefined ? store.put(value) : store.replace(known.handle, known.value.length, value)
        held.set(slot, { handle, value: value.slice() })
        value.fill(0xee)
      } else if (known !== undefined) {
        store.free(known.handle, known.value.length)
        held.delete(slot)
      }
    })
    const bytes = [...held.values()].reduce((sum, { value }) => sum + value.length, 0)
    if (store.bytes !== bytes) return false
    return [...held.values()].every(({ handle, value }) => Buffer.compare(copyOf(store, handle, value.length), value) === 0)
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 200 }))
})

t.test('places are used again: a thousand values that come and go need no more than a thousand places', async t => {
  const store = new ValueStore()
  const handles = new Set<number>()
  for (let round = 0; round < 20; round++) {
    const now = Array.from({ length: 1000 }, () => store.put(new Uint8Array(100)))
    for (const handle of now) handles.add(handle)
    for (const handle of now) store.free(handle, 100)
  }
  // Pages of 8, 16, 32 and 64 KiB, the largest of which holds 585 slots of 112 bytes. Each may come to be any of them.
  t.ok(handles.size <= 4 * 585, `${handles.size} places`)
})

t.test('a large value given as a view of a Buffer is copied, not kept', async t => {
  const store = new ValueStore()
  const value = Buffer.alloc(10_000, 1)
  const handle = store.put(value)
  value.fill(2)
  t.strictSame(copyOf(store, handle, 10_000), new Uint8Array(10_000).fill(1))
})

t.test('a value is told from every other of its length', async t => {
  const store = new ValueStore()
  for (const length of [1, 2, 3, 4, 5, 7, 8, 30, 4096, 4097]) {
    const words = new Int32Array(2048)
    const bytes = new Uint8Array(words.buffer)
    bytes.fill(7, 0, length)
    const handle = store.put(bytes.subarray(0, length))
    const others = []
    for (let index = 0; index < length; index++) {
      bytes[index] = 8
      if (store.isEqual(handle, bytes, words, length)) others.push(index)
      bytes[index] = 7
    }
    bytes[length] = 9
    t.strictSame([others, store.isEqual(handle, bytes, words, length)], [[], true])
    const start = store.startOf(handle)
    t.strictSame(store.bytesOf(handle).slice(start, start + length), bytes.slice(0, length))
  }
})
