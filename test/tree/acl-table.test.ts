import t from 'tap'
import { Hash64 } from '../../lib/base/index.js'
import { AclTable, OPEN_ACL_ID } from '../../lib/tree/acl-table.js'
import type { Acl } from '../../lib/tree/index.js'

const READ: Acl = [{ perms: 1, scheme: 'world', id: 'anyone' }]
const TWO: Acl = [
  { perms: 1, scheme: 'world', id: 'anyone' },
  { perms: 31, scheme: 'digest', id: 'a:b' }
]

t.test('the ACL that is open to all has the id 0 and takes no place', async t => {
  const table = new AclTable()
  t.equal(table.add(null), OPEN_ACL_ID)
  table.release(OPEN_ACL_ID)
  t.equal(table.aclOf(OPEN_ACL_ID), null)
  t.strictSame([table.hashLowOf(OPEN_ACL_ID), table.hashHighOf(OPEN_ACL_ID), table.size], [0, 0, 0])
})

t.test('lists with the same entries in the same order are one, others are not', async t => {
  const table = new AclTable()
  const id = table.add(TWO)
  t.equal(table.add(structuredClone(TWO) as Acl), id)
  const others: readonly Acl[] = [
    [],
    READ,
    TWO.toReversed(),
    [...TWO, ...READ],
    [{ perms: 31, scheme: 'digest', id: 'a:c' }],
    [{ perms: 31, scheme: 'digest x', id: 'y' }],
    [{ perms: 31, scheme: 'digest', id: 'x y' }],
    [{ perms: 3, scheme: '1 digest', id: 'x y' }]
  ]
  const ids = new Set([OPEN_ACL_ID, id, ...others.map(acl => table.add(acl))])
  t.equal(ids.size, others.length + 2)
  t.equal(table.size, others.length + 1)
})

t.test('a list vanishes with its last reference and its id is used again', async t => {
  const table = new AclTable()
  const [id, other] = [table.add(TWO), table.add(READ)]
  table.add(TWO)
  table.release(id)
  t.strictSame(table.aclOf(id), TWO)
  table.release(id)
  t.equal(table.size, 1)
  t.throws(() => table.aclOf(id), { code: 'INVARIANT_VIOLATED' })
  t.throws(() => table.release(id), { code: 'INVARIANT_VIOLATED' })
  t.equal(table.add([]), id)
  t.strictSame([table.aclOf(id), table.aclOf(other)], [[], READ])
})

t.test('what is kept is a copy that nobody can change', async t => {
  const table = new AclTable()
  const entry = { perms: 1, scheme: 'ip', id: '::1', note: 'not part of an entry' }
  const acl = [entry]
  const id = table.add(acl)
  entry.perms = 2
  acl.length = 0
  const kept = table.aclOf(id)
  t.strictSame(kept, [{ perms: 1, scheme: 'ip', id: '::1' }])
  t.ok(Object.isFrozen(kept) && Object.isFrozen(kept?.[0]))
})

t.test('the hash of a list is of its entries and of how many they are, whatever its id', async t => {
  const table = new AclTable()
  const hashOf = (acl: Acl): readonly number[] => {
    const id = table.add(acl)
    const hash = [table.hashLowOf(id), table.hashHighOf(id)]
    table.release(id)
    return hash
  }
  const { low, high } = new Hash64()
    .start()
    .int(1)
    .text('world')
    .text('anyone')
    .int(31)
    .text('digest')
    .text('a:b')
    .int(2)
    .finish()
  t.strictSame(hashOf(TWO), [low, high])
  const empty = new Hash64().start().int(0).finish()
  t.strictSame(hashOf([]), [empty.low, empty.high])
  table.add(READ)
  t.strictSame(hashOf(TWO), [low, high])
})
