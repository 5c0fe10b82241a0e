import t from 'tap'
import { type Epoch, makeZxid, type Zxid } from '../../lib/base/index.js'
import { DataTree, type ZnodeRecord } from '../../lib/tree/index.js'
import {
  aclFor,
  bytes,
  create,
  Leader,
  recordsOf,
  remove,
  restored,
  session,
  setData,
  treeWith,
  zxidAt
} from '../fixtures/tree.js'

const sample = (): ZnodeRecord[] => {
  const leader = treeWith('/a', '/a/b')
  leader.run(create('/a/c', { data: bytes('value'), ephemeral: true }), session(5))
  leader.run(setData('/a/c', 'other'))
  return recordsOf(leader.tree)
}
const LATER = makeZxid(9 as Epoch, 1)
const digestOf = (records: readonly ZnodeRecord[]): string => restored(records, LATER).digest
const withChanged = (path: string, change: Partial<ZnodeRecord>): readonly ZnodeRecord[] =>
  sample().map(record => (record.path === path ? { ...record, ...change } : record))

t.test('a digest is 16 hexadecimal digits and that of an empty tree is always the same', async t => {
  t.match(new DataTree().digest, /^[0-9a-f]{16}$/)
  t.equal(new DataTree().digest, new DataTree().digest)
})

t.test(
  'two trees that came to one state by log and by snapshot have the same digest, in whatever order the records came',
  async t => {
    const leader = treeWith('/a', '/a/b', '/a/c')
    leader.run(setData('/a/b', 'x'))
    leader.run(remove('/a/c'))
    leader.run(create('/a/c'))
    const records = recordsOf(leader.tree)
    t.equal(restored(records, leader.tree.zxidApplied).digest, leader.tree.digest)
    t.equal(restored([...records].reverse(), leader.tree.zxidApplied).digest, leader.tree.digest)
  }
)

t.test('it is the same whenever it is asked for, with values of every length', async t => {
  const asked = treeWith('/a')
  const unasked = treeWith('/a')
  const lengths = [0, 1, 3, 511, 512, 513, 5_000]
  for (let number = 0; number < 10_000; number++) {
    const data = new Uint8Array(lengths[number % lengths.length] ?? 0).fill(number)
    for (const leader of [asked, unasked]) {
      leader.run(create(`/a/${number}`, { data }))
      if (number % 3 === 0) leader.run(setData(`/a/${number}`, null))
      if (number % 5 === 0) leader.run(setData(`/a/${number >> 1}`, 'small'))
      if (number % 7 === 0) leader.run(remove(`/a/${number}`))
    }
    if (number % 97 === 0) t.match(asked.tree.digest, /^[0-9a-f]{16}$/)
  }
  t.equal(unasked.tree.digest, asked.tree.digest)
  t.equal(restored(recordsOf(unasked.tree), LATER).digest, asked.tree.digest)
})

t.test('any difference in any field changes the digest', async t => {
  const differences: readonly (readonly [string, Partial<ZnodeRecord>])[] = [
    ['/a/c', { data: null }],
    ['/a/c', { data: bytes('') }],
    ['/a/c', { data: bytes('othes') }],
    ['/a/c', { data: bytes('rotheothe') }],
    ['/a/b', { data: bytes('') }],
    ['/a/c', { czxid: zxidAt(2) }],
    ['/a/c', { mzxid: zxidAt(900) }],
    ['/a/c', { mzxid: (zxidAt(4) + 2 ** 32) as Zxid }],
    ['/a/c', { pzxid: zxidAt(900) }],
    ['/a/c', { ctime: 1 }],
    ['/a/c', { mtime: 1 }],
    ['/a/c', { version: 2 }],
    ['/a/c', { version: 0 }],
    ['/a/c', { version: -5 }],
    ['/a/c', { owner: session(6) }],
    ['/a/c', { owner: session(0) }],
    ['/a/c', { owner: session(5 + 2 ** 32) }],
    ['/a/c', { cversion: 1 }],
    ['/a/b', { lifetime: -1 }],
    ['/a/b', { lifetime: 1 }],
    ['/a/b', { lifetime: 2 }],
    ['/a/b', { aversion: 1 }],
    ['/a/b', { acl: [] }],
    ['/a/b', { acl: [aclFor('alice', 1)] }],
    ['/a/b', { acl: [aclFor('alice', 2)] }],
    ['/a/b', { acl: [aclFor('bob', 1)] }],
    ['/a/b', { acl: [aclFor('alice', 1), aclFor('bob', 2)] }],
    ['/a/b', { acl: [aclFor('bob', 2), aclFor('alice', 1)] }],
    ['/a', { cversion: 9 }],
    ['/', { version: 1 }],
    ['/zookeeper', { mtime: 1 }]
  ]
  const digests = new Set([digestOf(sample())])
  for (const [path, change] of differences) digests.add(digestOf(withChanged(path, change)))
  t.equal(digests.size, differences.length + 1)
})

t.test('where a znode stands, and whether it is there, is in the digest', async t => {
  const [whole, without, renamed] = [
    sample(),
    sample().filter(record => record.path !== '/a/b'),
    sample().map(record => (record.path === '/a/b' ? { ...record, path: '/a/d' } : record))
  ]
  t.equal(new Set([digestOf(whole), digestOf(without), digestOf(renamed)]).size, 3)
})

t.test('values that trade places are not the same tree', async t => {
  const swapped = sample().map(record => {
    if (record.path === '/a') return { ...record, ctime: record.ctime + 1, mtime: record.mtime }
    return record
  })
  const other = sample().map(record => {
    if (record.path === '/a') return { ...record, ctime: record.ctime, mtime: record.mtime + 1 }
    return record
  })
  t.not(digestOf(swapped), digestOf(other))
  const values = (b: string, c: string): string =>
    digestOf(
      sample().map(record => {
        if (record.path === '/a/b') return { ...record, data: bytes(b) }
        return record.path === '/a/c' ? { ...record, data: bytes(c) } : record
      })
    )
  t.not(values('one', 'two'), values('two', 'one'))
})

t.test('twenty thousand states in a row have twenty thousand digests', async t => {
  const leader = new Leader()
  leader.run(create('/a'))
  const seen = new Set<string>()
  for (let index = 0; index < 20_000; index++) {
    leader.run(setData('/a', String(index % 10)))
    seen.add(leader.tree.digest)
  }
  t.equal(seen.size, 20_000)
})
