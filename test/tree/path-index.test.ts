import fc from 'fast-check'
import t from 'tap'
import { PathIndex } from '../../lib/tree/path-index.js'
import { PathKey } from '../../lib/tree/path-key.js'
import { NO_ROW } from '../../lib/tree/znode.js'
import { collidingPaths } from '../fixtures/colliding-paths.js'

/** An index together with the rows that it points to. */
class Indexed {
  readonly paths: (string | undefined)[] = []
  looked = 0
  readonly index = new PathIndex((row, key) => {
    this.looked++
    return this.paths[row] === key.path
  })
  readonly #key = new PathKey()

  add(path: string): void {
    this.index.add(this.#key.set(path), this.paths.length)
    this.paths.push(path)
  }

  find(path: string): number {
    return this.index.find(this.#key.set(path))
  }

  /** Whether each path that is there (or each so many-th) is found where it is, and the others are not. */
  isExact(others: readonly string[], every = 1): boolean {
    return (
      this.paths.every((path, row) => path === undefined || row % every !== 0 || this.find(path) === row) &&
      others.every(path => this.find(path) === NO_ROW)
    )
  }

  remove(row: number): void {
    const path = this.paths[row]
    if (path === undefined) return
    this.index.remove(this.#key.set(path))
    this.paths[row] = undefined
  }
}

t.test('sixty thousand paths are found while they come and go, and others are not', async t => {
  const indexed = new Indexed()
  const paths = Array.from({ length: 60_000 }, (_, index) => `/services/${index % 100}/instance-${index}`)
  const others = paths.map(path => `${path}x`)
  for (const path of paths) indexed.add(path)
  t.ok(indexed.isExact(others))
  for (let row = 0; row < paths.length; row += 3) indexed.remove(row)
  t.ok(indexed.isExact([...others, ...paths.filter((_, row) => row % 3 === 0)]))
  for (const other of others) indexed.add(other)
  t.ok(indexed.isExact(paths.filter((_, row) => row % 3 === 0)))
  for (let row = 0; row < indexed.paths.length; row++) indexed.remove(row)
  t.ok(indexed.isExact([...paths, ...others]))
})

t.test(
  'paths of one hash are told apart, also when they are more than a bucket holds, and the others go on as before',
  async t => {
    const indexed = new Indexed()
    const [missing, ...present] = collidingPaths(13) as [string, ...string[]]
    t.equal(new Set([missing, ...present]).size, 8192)
    for (const path of present) indexed.add(path)
    indexed.looked = 0
    t.equal(indexed.find(missing), NO_ROW)
    t.equal(indexed.looked, 8191, 'they really have one hash')
    const others = Array.from({ length: 30_000 }, (_, index) => `/${index}`)
    for (const path of others) indexed.add(path)
    t.ok(indexed.isExact([missing, '/x'], 17))
    for (let row = 0; row < present.length; row += 2) indexed.remove(row)
    t.ok(indexed.isExact([missing, ...present.filter((_, row) => row % 34 === 0)], 17))
  }
)

t.test('a gap that a removed path leaves hides none of the others, in whatever order they go', async t => {
  const paths = [...collidingPaths(4), ...Array.from({ length: 320 }, (_, index) => `/${index}`)]
  const property = fc.property(fc.shuffledSubarray(paths), fc.shuffledSubarray(paths), (added, removed) => {
    const indexed = new Indexed()
    for (const path of added) indexed.add(path)
    for (const path of removed) indexed.remove(indexed.paths.indexOf(path))
    return indexed.isExact([...paths.filter(path => !added.includes(path)), ...removed])
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 100 }))
})

t.test('what comes and goes takes no more and more memory', async t => {
  const indexed = new Indexed()
  const key = new PathKey().set('/a')
  indexed.paths.push('/a')
  const before = process.memoryUsage().arrayBuffers
  for (let round = 0; round < 1_000_000; round++) {
    indexed.index.add(key, 0)
    indexed.index.remove(key)
  }
  t.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20)
})
