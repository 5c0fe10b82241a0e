import fc from 'fast-check'
import t from 'tap'
import { PlainDigest } from '../../lib/sim/model/plain-digest.js'
import { type Acl, nameOf, parentOf } from '../../lib/tree/index.js'
import { CONTAINER, PERSISTENT } from '../../lib/tree/lifetime.js'
import { BEFORE, BEHIND, CHILDREN, statOf, type Znode } from '../../lib/tree/znode.js'
import { ZnodeStore } from '../../lib/tree/znode-store.js'
import { collidingPaths } from '../fixtures/colliding-paths.js'
import { bytes, session, timeAt, zxidAt } from '../fixtures/tree.js'

const READERS: Acl = [{ perms: 1, scheme: 'world', id: 'anyone' }]

/** A store with a root, and with these paths below it, each linked when it comes. */
function storeWith(...paths: string[]): ZnodeStore {
  const store = new ZnodeStore()
  store.add('/')
  for (const path of paths) store.link(store.add(path), at(store, parentOf(path)))
  return store
}

function at(store: ZnodeStore, path: string): Znode {
  const node = store.find(path)
  if (node === null) throw new Error(`${path} is missing`)
  return node
}

const namesOf = (nodes: Iterable<Znode>): readonly string[] => [...nodes].map(({ path }) => nameOf(path))
const countsOf = (node: Znode): readonly number[] => [node.numChildren, node.descendants, node.subtreeBytes]

t.test('children are in the order of their names by UTF-16 code unit, however they came', async t => {
  const names = ['Z', 'a', 'a!', 'a-', 'a-b', 'a0', 'aa', 'b', 'é', 'ÿ', '\u0100', '\u4e2d', '\uf900']
  for (const order of [names, names.toReversed(), [...names.slice(6), ...names.slice(0, 6)]]) {
    const store = storeWith(...order.flatMap(name => [`/${name}`, `/${name}/x`]))
    t.strictSame(namesOf(store.childrenOf(at(store, '/'))), names)
  }
})

t.test('a znode knows its path and its name, whoever asks for it, long ones and such of other scripts too', async t => {
  const paths = ['/a', '/a/bc', '/a/größe', '/a/\u4e2d\u6587 text', `/${'x'.repeat(5000)}`, `/a/${'\u4e2d'.repeat(340)}`]
  const store = storeWith(...paths)
  for (const path of paths) {
    t.equal(at(store, path).path, path)
    const again = store.atOrNull(at(store, path).row)
    t.strictSame([again?.path, again?.name], [path, nameOf(path)])
  }
  t.equal(store.atOrNull(0)?.name, '')
  t.strictSame(namesOf(store.childrenOf(at(store, '/a'))), ['bc', 'größe', '\u4e2d'.repeat(340), '\u4e2d\u6587 text'])
  const { row } = at(store, '/a/bc')
  store.remove(at(store, '/a/bc'))
  t.strictSame(
    [store.find('/a/bc'), store.atOrNull(row), store.atOrNull(-1), store.atOrNull(store.rowsEnd)],
    [null, null, null, null]
  )
})

t.test('a listing begins behind any name, whether a child has it or not', async t => {
  const store = storeWith('/p', '/p/b', '/p/d', '/p/d/x', '/p/f', '/p0', '/o')
  const after = (path: string, name: string | null) => namesOf(store.childrenAfter(at(store, path), name))
  t.strictSame(after('/p', null), ['b', 'd', 'f'])
  t.strictSame(after('/p', ''), ['b', 'd', 'f'])
  t.strictSame(after('/p', 'a'), ['b', 'd', 'f'])
  t.strictSame(after('/p', 'b'), ['d', 'f'])
  t.strictSame(after('/p', 'c'), ['d', 'f'])
  t.strictSame(after('/p', 'd'), ['f'])
  t.strictSame(after('/p', 'd/x'), ['f'])
  t.strictSame(after('/p', 'f'), [])
  t.strictSame(after('/', 'o'), ['p', 'p0'])
  t.strictSame(after('/o', null), [])
})

t.test('the children of a znode are in a balanced tree, of one shape however they came and whatever went', async t => {
  const names = Array.from({ length: 2000 }, (_, index) => `/n${String(index).padStart(4, '0')}`)
  /** Depth, and each child with what is directly below it. */
  const shapeOf = (store: ZnodeStore): readonly [number, readonly string[]] => {
    const pairs: string[] = []
    let depth = 0
    const visit = (row: number, above: string, level: number): void => {
      const node = store.atOrNull(row)
      if (node === null) return
      depth = Math.max(depth, level)
      pairs.push(`${above} ${node.path}`)
      visit(node.linkTo(BEFORE), node.path, level + 1)
      visit(node.linkTo(BEHIND), node.path, level + 1)
    }
    visit(at(store, '/').linkTo(CHILDREN), '', 1)
    return [depth, pairs]
  }
  const ascending = storeWith(...names)
  const other = storeWith(...names.slice(1000).toReversed(), ...names.slice(0, 1000))
  t.strictSame(shapeOf(ascending), shapeOf(other))
  t.ok(shapeOf(ascending)[0] <= 40, `depth ${shapeOf(ascending)[0]}`)
  for (const [index, name] of names.entries()) if (index % 3 !== 0) ascending.remove(at(ascending, name))
  t.strictSame(shapeOf(ascending), shapeOf(storeWith(...names.filter((_, index) => index % 3 === 0))))
})

t.test('paths of one hash are different znodes', async t => {
  const paths = collidingPaths(6)
  const store = storeWith(...paths)
  for (const path of paths) store.write(at(store, path), bytes(path))
  for (const path of paths)
    t.strictSame(
      store.read(at(store, path), length => new Uint8Array(length)),
      bytes(path)
    )
  t.equal(store.find(`${paths[0]}x`), null)
})

t.test('twenty thousand znodes keep what is theirs', async t => {
  const store = storeWith(...Array.from({ length: 20_000 }, (_, index) => `/${index}`))
  for (const node of store.childrenOf(at(store, '/'))) node.version = Number(node.name)
  const versions = Array.from({ length: 20_000 }, (_, index) => at(store, `/${index}`).version)
  t.strictSame(
    versions,
    versions.map((_, index) => index)
  )
})

t.test('what comes in the place of a removed znode has nothing of it, and takes no further place', async t => {
  const store = storeWith('/a')
  const { row } = at(store, '/a')
  const before = process.memoryUsage().arrayBuffers
  for (let round = 0; round < 100_000; round++) {
    const node = at(store, '/a')
    for (const field of ['version', 'cversion', 'aversion', 'numChildren', 'descendants', 'subtreeBytes', 'ctime'] as const)
      node[field] = 7
    node.numChildren = 0
    store.remove(node)
    store.link(store.add('/a'), at(store, '/'))
  }
  const node = at(store, '/a')
  t.equal(node.row, row)
  t.strictSame(
    [node.version, node.cversion, node.aversion, node.ctime, ...countsOf(node), node.linkTo(CHILDREN)],
    [0, 0, 0, 0, 0, 0, 0, -1]
  )
  t.equal(store.rowsEnd, 2)
  t.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20)
})

t.test('a znode counts what is below it and the bytes of that, whichever of them came first', async t => {
  const store = new ZnodeStore()
  const [root, a, b, c] = ['/', '/a', '/a/b', '/a/b/c'].map(path => store.add(path)) as [Znode, Znode, Znode, Znode]
  store.write(c, bytes('four'))
  store.link(c, b)
  store.write(a, bytes('22'))
  store.link(a, root)
  t.strictSame([root, a, b, c].map(countsOf), [
    [1, 1, 2],
    [0, 0, 2],
    [1, 1, 4],
    [0, 0, 4]
  ])
  store.link(b, a)
  t.strictSame([root, a, b].map(countsOf), [
    [1, 3, 6],
    [1, 2, 6],
    [1, 1, 4]
  ])
  store.write(c, bytes('nine bytes'))
  store.write(b, bytes(''))
  t.strictSame([root, a, b].map(countsOf), [
    [1, 3, 12],
    [1, 2, 12],
    [1, 1, 10]
  ])
  store.write(a, null)
  store.remove(c)
  t.strictSame([root, a, b].map(countsOf), [
    [1, 2, 0],
    [1, 1, 0],
    [0, 0, 0]
  ])
})

t.test('mortal znodes are known until they last or are gone', async t => {
  const store = storeWith('/a', '/b', '/c', '/d')
  store.setLifetime(at(store, '/a'), CONTAINER)
  store.setLifetime(at(store, '/b'), 2 ** 40 - 1)
  store.setLifetime(at(store, '/c'), 1)
  t.strictSame([...store.mortals()].sort(), ['/a', '/b', '/c'])
  t.equal(at(store, '/b').lifetime, 2 ** 40 - 1)
  store.setLifetime(at(store, '/a'), PERSISTENT)
  store.remove(at(store, '/c'))
  t.strictSame([...store.mortals()], ['/b'])
  store.link(store.add('/e'), at(store, '/'))
  t.strictSame([...store.mortals()], ['/b'], 'also when the row of one that is gone is used again')
  t.equal(at(store, '/e').lifetime, PERSISTENT)
})

t.test('going through the mortal ones meets all that stay, once, while others come and go', async t => {
  const paths = Array.from({ length: 3000 }, (_, index) => `/${index}`)
  const store = storeWith(...paths)
  for (const path of paths) store.setLifetime(at(store, path), CONTAINER)
  const met: string[] = []
  let created = 0
  for (const path of store.mortals()) {
    met.push(path)
    if (path.startsWith('/new')) continue
    const other = store.find(`/${3000 - Number(path.slice(1))}`)
    if (met.length % 3 === 0) store.remove(at(store, path))
    if (met.length % 5 === 0 && other !== null) store.remove(other)
    if (met.length % 7 === 0 && created < 500) {
      const node = store.add(`/new${created++}`)
      store.link(node, at(store, '/'))
      store.setLifetime(node, 5)
    }
  }
  t.equal(new Set(met).size, met.length)
  const stayed = paths.filter(path => store.find(path) !== null)
  t.strictSame(
    stayed.filter(path => !met.includes(path)),
    []
  )
  t.ok(stayed.length < 2000 && stayed.length > 1000)
})

t.test('an ACL belongs to its znode and goes with it; equal ones are one list', async t => {
  const store = storeWith('/a', '/b')
  const [a, b] = [at(store, '/a'), at(store, '/b')]
  t.equal(store.aclOf(a), null)
  store.setAcl(a, READERS)
  store.setAcl(b, structuredClone(READERS) as Acl)
  t.strictSame(store.aclOf(a), READERS)
  t.equal(store.aclOf(a), store.aclOf(b))
  const { acl } = a
  store.setAcl(a, store.aclOf(a))
  store.setAcl(b, null)
  t.strictSame([store.aclOf(a), store.aclOf(b)], [READERS, null])
  store.remove(a)
  store.setAcl(b, [{ perms: 2, scheme: 'ip', id: '::1' }])
  t.equal(b.acl, acl, 'the place of a list that nobody uses is used again')
})

t.test('the digest is what its definition says of every field', async t => {
  const store = storeWith('/a')
  const node = at(store, '/a')
  const digest = new PlainDigest()
  const whole = (): string => `${store.digest}${'0'.repeat(16)}`
  const common = { deletes: 0, numChildren: 0, ctime: timeAt(1), mtime: timeAt(2), czxid: zxidAt(1), mzxid: zxidAt(2) }
  for (const changed of [
    { aversion: 0, lifetime: 0, acl: null, owner: 0 },
    { aversion: 3, lifetime: -1, acl: READERS, owner: 0 },
    { aversion: -2, lifetime: 2 ** 40 - 1, acl: [...READERS, { perms: 31, scheme: 'digest', id: 'a:b' }], owner: 0 },
    { aversion: 0, lifetime: 5, acl: [], owner: 2 ** 33 }
  ]) {
    const plain = { ...common, ...changed, data: bytes('data'), pzxid: zxidAt(3), version: 4, creates: 5 }
    Object.assign(node, { ctime: plain.ctime, mtime: plain.mtime, czxid: plain.czxid, mzxid: plain.mzxid, pzxid: plain.pzxid })
    Object.assign(node, { version: plain.version, cversion: plain.creates, aversion: plain.aversion })
    store.write(node, plain.data)
    store.setOwner(node, session(plain.owner))
    store.setLifetime(node, plain.lifetime)
    store.setAcl(node, plain.acl)
    store.onChanged(node)
    digest.znode('/a', plain)
    t.equal(whole(), digest.whole)
    t.equal(statOf(node).aversion, plain.aversion)
    t.equal(statOf(node).ephemeralOwner, plain.owner)
  }
  store.remove(node)
  t.equal(whole(), new PlainDigest().whole)
})

type Step =
  | { readonly kind: 'add' | 'remove'; readonly path: string; readonly data: Uint8Array | null }
  | { readonly kind: 'write'; readonly path: string; readonly data: Uint8Array | null }

const arbitraryName = fc.oneof(
  fc.constantFrom('a', 'b', 'c'),
  fc.integer({ min: 0, max: 60 }).map(number => `n${number}`),
  fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom('a', 'é', '-', '!', '\u4e2d') })
)
const arbitraryPath = fc
  .oneof(
    { weight: 3, arbitrary: fc.array(arbitraryName, { minLength: 1, maxLength: 1 }) },
    fc.array(arbitraryName, { minLength: 1, maxLength: 5 })
  )
  .map(names => `/${names.join('/')}`)
const arbitraryStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('add' as const, 'add' as const, 'add' as const, 'remove' as const, 'write' as const),
  path: arbitraryPath,
  data: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: null })
})

/** A store that is filled as a restorer fills it, against a Map from path to data. */
class Comparison {
  readonly store = new ZnodeStore()
  readonly model = new Map<string, Uint8Array | null>()

  take({ kind, path, data }: Step): void {
    const node = this.store.find(path)
    if (kind === 'add' && node === null) this.add(path, data)
    else if (kind === 'write' && node !== null) this.write(node, data)
    else if (kind === 'remove' && node !== null) this.remove(node)
  }

  /** Linked to a parent that is there, and to the children that came before it. */
  add(path: string, data: Uint8Array | null): void {
    const node = this.store.add(path)
    this.write(node, data)
    const parent = path === '/' ? null : this.store.find(parentOf(path))
    if (parent !== null) this.store.link(node, parent)
    for (const child of this.#childPaths(path)) this.store.link(at(this.store, child), node)
  }

  write(node: Znode, data: Uint8Array | null): void {
    this.store.write(node, data)
    this.model.set(node.path, data)
  }

  remove(node: Znode): void {
    if (node.numChildren > 0 || !this.model.has(parentOf(node.path))) return
    this.store.remove(node)
    this.model.delete(node.path)
  }

  check(): void {
    const { store, model } = this
    same(store.size, model.size, 'znodes')
    for (const [path, data] of model) {
      const node = at(store, path)
      const below = this.#below(path)
      const names = this.#childPaths(path).map(nameOf)
      const sum = [path, ...below].reduce((bytes, each) => bytes + (model.get(each)?.length ?? 0), 0)
      same(countsOf(node), [names.length, below.length, sum], `the counts of ${path}`)
      same(namesOf(store.childrenOf(node)), names, `the children of ${path}`)
      same(
        store.read(node, length => new Uint8Array(length)),
        data,
        `the data of ${path}`
      )
      for (const after of ['b', 'n3', names[names.length >>> 1] ?? '']) {
        same(
          namesOf(store.childrenAfter(node, after)),
          names.filter(name => name > after),
          `after ${after} of ${path}`
        )
      }
    }
  }

  /** Those that hang on it: one whose parent has not come yet does not count for the ones above that. */
  #below(path: string): readonly string[] {
    return this.#childPaths(path).flatMap(child => [child, ...this.#below(child)])
  }

  #childPaths(path: string): readonly string[] {
    return [...this.model.keys()].filter(each => each !== '/' && parentOf(each) === path).sort()
  }
}

function same(actual: unknown, expected: unknown, what: string): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (left !== right) throw new Error(`${what}\n  is     ${left}\n  not as ${right}`)
}

t.test('order and counts are those of a plain map, whatever comes, goes and is linked, in any order', async t => {
  const property = fc.property(fc.array(arbitraryStep, { maxLength: 150, size: 'max' }), fc.nat(150), (steps, rootAt) => {
    const comparison = new Comparison()
    steps.forEach((step, index) => {
      if (index === rootAt) comparison.add('/', null)
      comparison.take(step)
      if (index % 50 === 49) comparison.check()
    })
    comparison.check()
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 200 }))
})
