import t from 'tap'
import { type Acl, aclEntryKey, normalizedAcl, OPEN_ACL, PERMISSIONS, permits } from '../../lib/tree/index.js'
import { aclFor, authOf } from '../fixtures/tree.js'

const { READ, WRITE, CREATE, DELETE, ADMIN, ALL } = PERMISSIONS

t.test('the permissions have the bits of ZooKeeper', async t => {
  t.strictSame([READ, WRITE, CREATE, DELETE, ADMIN, ALL], [1, 2, 4, 8, 16, 31])
})

t.test('what any entry allows is allowed, bit by bit', async t => {
  const acl = [aclFor('world', READ), aclFor('alice', WRITE | CREATE), aclFor('alice', DELETE), aclFor('bob', ALL)]
  const allowed = (...users: string[]) => [READ, WRITE, CREATE, DELETE, ADMIN].filter(bit => permits(acl, bit, authOf(...users)))
  t.strictSame(allowed(), [READ])
  t.strictSame(allowed('carol'), [READ])
  t.strictSame(allowed('alice'), [READ, WRITE, CREATE, DELETE])
  t.strictSame(allowed('carol', 'alice'), [READ, WRITE, CREATE, DELETE])
  t.strictSame(allowed('bob'), [READ, WRITE, CREATE, DELETE, ADMIN])
  t.strictSame(allowed('super'), [READ, WRITE, CREATE, DELETE, ADMIN])
})

t.test('one of several permissions is enough where several are asked for', async t => {
  t.ok(permits([aclFor('world', ADMIN)], READ | ADMIN, []))
  t.notOk(permits([aclFor('world', WRITE)], READ | ADMIN, []))
})

t.test('an open ACL allows everything to everybody, an empty one nothing to anybody but super', async t => {
  t.ok(permits(null, ADMIN, []))
  t.ok(permits(OPEN_ACL, ADMIN, []))
  t.notOk(permits([], READ, authOf('alice')))
  t.ok(permits([], READ, authOf('super')))
})

t.test('an identity counts under its own scheme only, and `world` is everybody by one id', async t => {
  const acl: Acl = [
    { perms: ALL, scheme: 'world', id: 'nobody' },
    { perms: ALL, scheme: 'sasl', id: 'alice:hash' }
  ]
  t.notOk(permits(acl, READ, authOf('alice')))
  t.notOk(permits(acl, READ, [{ scheme: 'world', id: 'nobody' }]))
  t.ok(permits(acl, READ, [{ scheme: 'sasl', id: 'alice:hash' }]))
})

t.test('whom an id means is for its scheme to say', async t => {
  const acl: Acl = [{ perms: READ, scheme: 'ip', id: '10.0.0.0/8' }]
  const asked: unknown[] = []
  const match = (...what: unknown[]) => asked.push(what) > 0
  t.ok(permits(acl, READ, [{ scheme: 'ip', id: '10.1.2.3' }], match))
  t.strictSame(asked, [['ip', '10.1.2.3', '10.0.0.0/8']])
  t.notOk(permits(acl, READ, [{ scheme: 'ip', id: '10.1.2.3' }]), 'as it is written, where nobody says')
  t.notOk(permits(acl, WRITE, [{ scheme: 'ip', id: '10.1.2.3' }], match), 'nobody is asked for nothing')
  t.equal(asked.length, 1)
})

t.test('what is kept is without duplicates, and null where everybody may do everything', async t => {
  const [alice, bob] = [aclFor('alice', READ), aclFor('bob', ALL)]
  t.strictSame(normalizedAcl([alice, bob, { ...alice }]), [alice, bob])
  t.strictSame(
    normalizedAcl([alice, aclFor('alice', WRITE)]),
    [alice, aclFor('alice', WRITE)],
    'other permissions are another entry'
  )
  t.equal(normalizedAcl(OPEN_ACL), null)
  t.equal(normalizedAcl([...OPEN_ACL, ...OPEN_ACL]), null)
  t.strictSame(normalizedAcl([aclFor('world', READ)]), [aclFor('world', READ)])
  t.strictSame(normalizedAcl([...OPEN_ACL, alice]), [...OPEN_ACL, alice])
  const more = { ...alice, comment: 'not kept' }
  t.strictSame(normalizedAcl([more]), [alice])
})

t.test('entries are the same by all that they say', async t => {
  t.equal(aclEntryKey(aclFor('alice', 1)), aclEntryKey({ ...aclFor('alice', 1) }))
  t.not(aclEntryKey(aclFor('alice', 1)), aclEntryKey(aclFor('alice', 2)))
  t.not(aclEntryKey(aclFor('alice', 1)), aclEntryKey(aclFor('bob', 1)))
  const spaced = [
    { perms: 1, scheme: 'a', id: 'b c' },
    { perms: 1, scheme: 'a b', id: 'c' }
  ]
  t.strictSame(normalizedAcl(spaced), spaced)
})
