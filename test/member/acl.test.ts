import t from 'tap'
import { LIMITS } from '../../lib/base/index.js'
import {
  type AuthProvider,
  CREATOR_ALL_ACL,
  digestId,
  OPEN_ACL_UNSAFE,
  READ_ACL_UNSAFE,
  type ZooKeeper
} from '../../lib/member/index.js'
import { VirtualEnsemble, type VirtualEnsembleOptions } from '../../lib/sim/world/virtual-ensemble.js'
import { type Acl, PERMISSIONS } from '../../lib/tree/index.js'
import { outcomeOf } from '../fixtures/outcome.js'

const { READ, WRITE, CREATE, DELETE, ADMIN, ALL } = PERMISSIONS
const ANN = digestId('ann', 'secret')

const world = (perms: number): Acl => [{ perms, scheme: 'world', id: 'anyone' }]
const ann = (perms: number): Acl => [{ perms, scheme: 'digest', id: ANN }]

async function started(settings: VirtualEnsembleOptions = {}): Promise<VirtualEnsemble> {
  const ensemble = new VirtualEnsemble({ seed: 201, ...settings })
  await ensemble.startAll()
  return ensemble
}

/** What each operation on a znode with a child `c` needs of it. */
const OPERATIONS: readonly (readonly [name: string, needed: number, act: (zk: ZooKeeper, path: string) => Promise<unknown>])[] = [
  ['exists', READ, (zk, path) => zk.exists(path)],
  ['getData', READ, (zk, path) => zk.getData(path)],
  ['getData of a quorum', READ, (zk, path) => zk.getData(path, { linearizable: true })],
  ['getChildren', READ, (zk, path) => zk.getChildren(path)],
  ['a page of getChildren', READ, (zk, path) => zk.getChildren(path, { limit: 1 })],
  ['getAllChildrenNumber', READ, (zk, path) => zk.getAllChildrenNumber(path)],
  ['getACL', READ | ADMIN, (zk, path) => zk.getACL(path)],
  ['check', READ, (zk, path) => zk.multi([{ type: 'check', path }])],
  ['setData', WRITE, (zk, path) => zk.setData(path, 'x')],
  ['setData in a multi', WRITE, (zk, path) => zk.multi([{ type: 'setData', path, data: 'x' }])],
  ['touch', WRITE, (zk, path) => zk.touch(path)],
  ['create', CREATE, (zk, path) => zk.create(`${path}/d`)],
  ['create in a multi', CREATE, (zk, path) => zk.multi([{ type: 'create', path: `${path}/d` }])],
  ['a sequential create', CREATE, (zk, path) => zk.create(`${path}/`, null, { sequential: true })],
  ['create with parents', CREATE, (zk, path) => zk.create(`${path}/d/e`, null, { parents: true })],
  ['createIfAbsent', CREATE, (zk, path) => zk.createIfAbsent(`${path}/d`)],
  ['createIfAbsent of what is there', CREATE, (zk, path) => zk.createIfAbsent(`${path}/c`)],
  ['delete', DELETE, (zk, path) => zk.delete(`${path}/c`)],
  ['delete in a multi', DELETE, (zk, path) => zk.multi([{ type: 'delete', path: `${path}/c` }])],
  ['delete of a subtree', DELETE, (zk, path) => zk.delete(`${path}/c`, { recursive: true })],
  ['delete if it exists', DELETE, (zk, path) => zk.delete(`${path}/c`, { ifExists: true })],
  ['setACL', ADMIN, (zk, path) => zk.setACL(path, OPEN_ACL_UNSAFE)]
]

t.test('each operation needs its permission and no other, at the leader and elsewhere, alone and in a multi', async t => {
  const ensemble = await started()
  for (const { id } of [ensemble.leader, ensemble.follower]) {
    const zk = ensemble.member(id)
    for (const [index, [name, needed, act]] of OPERATIONS.entries()) {
      for (const perms of [READ, WRITE, CREATE, DELETE, ADMIN, ALL & ~needed]) {
        const path = `/${id}-${index}-${perms}`
        await ensemble.settle(zk.create(path))
        await ensemble.settle(zk.create(`${path}/c`))
        await ensemble.settle(zk.setACL(path, world(perms)))
        const expected = (perms & needed) === 0 ? 'NO_AUTH' : 'OK'
        t.equal(await ensemble.settle(outcomeOf(act(zk, path))), expected, `${name} with ${perms}`)
      }
    }
  }
  await ensemble.close()
})

t.test('a multi is refused whole for one permission, and says for which operation', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/open'))
  await ensemble.settle(zk.create('/closed', null, { acl: READ_ACL_UNSAFE }))
  const call = zk.multi([
    { type: 'setData', path: '/open', data: 'x' },
    { type: 'setData', path: '/closed', data: 'x' },
    { type: 'delete', path: '/open' }
  ])
  const results = ['OK', 'NO_AUTH', 'RUNTIME_INCONSISTENCY']
  await t.rejects(ensemble.settle(call), { code: 'NO_AUTH', path: '/closed', outcome: 'not-applied', results })
  t.equal(zk.local.exists('/open')?.version, 0)
  const reads = await ensemble.settle(zk.multi([{ type: 'check', path: '/closed' }]))
  t.strictSame(reads, [{ type: 'check' }])
  await ensemble.close()
})

t.test('what is there is told before who may, and what is not there belongs to nobody', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/p', null, { acl: world(CREATE) }))
  await ensemble.settle(zk.create('/p/c', 'x', { acl: world(WRITE) }))
  t.equal(await outcomeOf(zk.getData('/p/none')), 'NO_NODE', 'a parent guards nothing of its children')
  t.equal(await zk.exists('/p/none'), null)
  t.equal(await outcomeOf(zk.exists('/p/c')), 'NO_AUTH')
  t.equal(await ensemble.settle(outcomeOf(zk.setData('/p/none', 'x'))), 'NO_NODE')
  t.equal(await ensemble.settle(outcomeOf(zk.setACL('/p/none', OPEN_ACL_UNSAFE))), 'NO_NODE')
  t.equal(await ensemble.settle(outcomeOf(zk.createIfAbsent('/p/c'))), 'NO_AUTH', 'its Stat is for those who may read')
  t.equal(await ensemble.settle(outcomeOf(zk.setData('/p/c', 'y', { version: 7 }))), 'BAD_VERSION')
  t.equal(await ensemble.settle(outcomeOf(zk.delete('/p/c'))), 'NO_AUTH')
  await t.rejects(zk.getData('/p/c'), { code: 'NO_AUTH', path: '/p/c', zxid: zk.local.zxid, outcome: 'not-applied' })
  await ensemble.close()
})

t.test('what an ACL forbids to read sets no watch', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/p', null, { acl: world(WRITE | CREATE) }))
  const watch = () => t.fail('there is no watch')
  for (const read of [zk.exists('/p', { watch }), zk.getData('/p', { watch }), zk.getChildren('/p', { watch })]) {
    t.equal(await outcomeOf(read), 'NO_AUTH')
  }
  t.equal(zk.status().watches, 0)
  await ensemble.close()
})

t.test('a creator keeps to himself what he creates, whichever member he is at', async t => {
  const ensemble = await started()
  const [one, two] = [ensemble.leader, ensemble.follower]
  t.equal(await outcomeOf(one.create('/own', 'x', { acl: CREATOR_ALL_ACL })), 'INVALID_ACL', 'he has not said who he is')
  await one.addAuth('digest', 'ann:secret')
  await ensemble.settle(one.create('/own', 'x', { acl: CREATOR_ALL_ACL }))
  t.strictSame((await one.getACL('/own')).acl, ann(ALL))
  await ensemble.settle(two.sync())
  for (const stranger of [two, await ensemble.settle(one.openSession())]) {
    t.equal(await outcomeOf(stranger.getData('/own')), 'NO_AUTH')
    t.equal(await ensemble.settle(outcomeOf(stranger.setData('/own', 'y'))), 'NO_AUTH')
  }
  await two.addAuth('digest', 'ann:wrong')
  t.equal(await outcomeOf(two.getData('/own')), 'NO_AUTH')
  await two.addAuth('digest', Buffer.from('ann:secret'))
  t.equal((await two.getData('/own')).data?.toString(), 'x')
  t.equal((await ensemble.settle(two.setData('/own', 'y'))).version, 1)
  await ensemble.close()
})

t.test('setACL counts the aversion and nothing else, and nobody hears of it', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  const { stat } = await ensemble.settle(zk.create('/p', 'x'))
  t.equal(stat.aversion, 0)
  await zk.getData('/p', { watch: () => t.fail('nobody hears of it') })
  zk.watch('/', { recursive: true }, () => t.fail('nobody hears of it'))
  await ensemble.run(50)
  const set = await ensemble.settle(zk.setACL('/p', world(READ | ADMIN), { version: 0 }))
  t.strictSame(set, { ...stat, aversion: 1 })
  t.strictSame(await zk.exists('/p'), set)
  t.equal(await ensemble.settle(outcomeOf(zk.setACL('/p', OPEN_ACL_UNSAFE, { version: 0 }))), 'BAD_VERSION')
  const again = await ensemble.settle(zk.setACL('/p', OPEN_ACL_UNSAFE))
  t.equal(again.aversion, 2)
  t.strictSame(await zk.getACL('/p'), { acl: OPEN_ACL_UNSAFE, stat: again }, 'open to all is shown as what it is')
  await ensemble.close()
})

t.test('the reserved znodes have ACLs like any other', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await zk.addAuth('digest', 'ann:secret')
  await ensemble.settle(zk.setACL('/zookeeper/quota', [...world(READ), ...ann(ALL)]))
  const stranger = await ensemble.settle(zk.openSession())
  t.equal(await ensemble.settle(outcomeOf(stranger.setQuota('/', { count: 100 }))), 'NO_AUTH')
  t.equal(await ensemble.settle(outcomeOf(zk.setQuota('/', { count: 100 }))), 'OK')
  await ensemble.close()
})

t.test('hashes are shown to those who may set them, and masked for the others', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await zk.addAuth('digest', 'ann:secret')
  const acl: Acl = [...ann(ALL), { perms: READ, scheme: 'world', id: 'anyone' }, { perms: READ, scheme: 'ip', id: '10.0.0.0/8' }]
  const { stat } = await ensemble.settle(zk.create('/p', null, { acl }))
  t.strictSame(await zk.getACL('/p'), { acl, stat })
  const stranger = await ensemble.settle(zk.openSession())
  const masked = [{ perms: ALL, scheme: 'digest', id: 'ann:x' }, ...acl.slice(1)]
  t.strictSame(await stranger.getACL('/p'), { acl: masked, stat })
  t.equal(await outcomeOf(stranger.getACL('/none')), 'NO_NODE')
  await ensemble.close()
})

t.test('no ACL applies to the super user', async t => {
  const superDigest = 'super:D/InIHSb7yEEbrWz8b9l71RjZJU='
  const ensemble = await started({ options: { superDigest } })
  const zk = ensemble.follower
  await zk.addAuth('digest', 'ann:secret')
  await ensemble.settle(zk.create('/p', 'x', { acl: ann(ALL) }))
  const root = await ensemble.settle(ensemble.leader.openSession())
  await ensemble.settle(root.sync())
  t.equal(await outcomeOf(root.addAuth('super', 'anything')), 'AUTH_FAILED', 'nobody is super by saying so')
  t.equal(await outcomeOf(root.getData('/p')), 'NO_AUTH')
  await root.addAuth('digest', 'super:test')
  t.strictSame(await root.whoAmI(), [
    { scheme: 'digest', id: 'super' },
    { scheme: 'super', id: '' }
  ])
  t.strictSame((await root.getACL('/p')).acl, ann(ALL), 'without a mask')
  t.equal((await root.getData('/p')).data?.toString(), 'x')
  t.equal(await ensemble.settle(outcomeOf(root.setData('/p', 'y'))), 'OK')
  await ensemble.settle(root.create('/of-root', null, { acl: CREATOR_ALL_ACL }))
  t.strictSame((await root.getACL('/of-root')).acl, [{ perms: ALL, scheme: 'digest', id: superDigest }])
  t.equal(await ensemble.settle(outcomeOf(root.setACL('/p', READ_ACL_UNSAFE))), 'OK')
  t.equal(await ensemble.settle(outcomeOf(zk.setACL('/p', OPEN_ACL_UNSAFE))), 'NO_AUTH', 'it is not its any more')
  await ensemble.close()
})

t.test('an address may stand in an ACL, and never means a session in a process', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  for (const [index, id] of ['127.0.0.1', '10.0.0.0/8', '0.0.0.0/0', '::1', '2001:db8::/32', '::/0'].entries()) {
    const path = `/ip-${index}`
    await ensemble.settle(zk.create(path, null, { acl: [{ perms: ALL, scheme: 'ip', id }] }))
    t.equal(await outcomeOf(zk.getData(path)), 'NO_AUTH', id)
    t.equal(await ensemble.settle(outcomeOf(zk.setData(path, 'x'))), 'NO_AUTH', id)
  }
  t.equal(await outcomeOf(zk.addAuth('ip', '127.0.0.1')), 'AUTH_FAILED', 'nobody can claim one')
  await ensemble.close()
})

/** Who proves to be `team/name` is meant by an entry for the team. A word of the test's choice makes it throw. */
const TEAMS: AuthProvider = {
  scheme: 'team',
  authenticate: credential => {
    const text = Buffer.from(credential).toString()
    if (text === 'throw') throw new Error('of the provider')
    return text.includes('/') ? text : null
  },
  isValid: id => {
    if (id === 'throw') throw new Error('of the provider')
    return /^\w+$/.test(id)
  },
  matches: (id, aclId) => {
    if (aclId === 'bad') throw new Error('of the provider')
    return id.startsWith(`${aclId}/`)
  }
}

t.test('a provider of one’s own says who somebody is, which ids there are, and whom they mean', async t => {
  const ensemble = await started({ options: { authProviders: [TEAMS] } })
  const zk = ensemble.follower
  const team = (id: string): Acl => [{ perms: ALL, scheme: 'team', id }]
  await ensemble.settle(zk.create('/red', null, { acl: team('red') }))
  t.equal(await outcomeOf(zk.create('/x', null, { acl: team('no such') })), 'INVALID_ACL')
  t.equal(await outcomeOf(zk.addAuth('team', 'nobody')), 'AUTH_FAILED')
  await zk.addAuth('team', 'blue/bob')
  t.equal(await outcomeOf(zk.getData('/red')), 'NO_AUTH')
  await zk.addAuth('team', 'red/ann')
  t.equal(await outcomeOf(zk.getData('/red')), 'OK')
  t.equal(await ensemble.settle(outcomeOf(zk.setData('/red', 'x'))), 'OK')
  t.strictSame(await zk.whoAmI(), [
    { scheme: 'team', id: 'blue/bob' },
    { scheme: 'team', id: 'red/ann' }
  ])
  await ensemble.close()
})

t.test('a provider that throws refuses, and stops nobody', async t => {
  const ensemble = await started({ options: { authProviders: [TEAMS] } })
  for (const zk of [ensemble.leader, ensemble.follower]) {
    const path = `/bad-${zk.id}`
    t.equal(await outcomeOf(zk.addAuth('team', 'throw')), 'AUTH_FAILED')
    t.equal(await outcomeOf(zk.create('/x', null, { acl: [{ perms: ALL, scheme: 'team', id: 'throw' }] })), 'INVALID_ACL')
    await zk.addAuth('team', 'bad/bob')
    await ensemble.settle(zk.create(path, null, { acl: [{ perms: ALL, scheme: 'team', id: 'bad' }] }))
    t.equal(await ensemble.settle(outcomeOf(zk.setData(path, 'x'))), 'NO_AUTH')
    t.equal(await outcomeOf(zk.getData(path)), 'NO_AUTH')
  }
  await ensemble.converge()
  await ensemble.close()
})

t.test('an ACL that nobody could be meant by is INVALID_ACL, and what is no ACL at all BAD_ARGUMENTS', async t => {
  const ensemble = await started({ size: 1 })
  const zk = ensemble.member(1)
  await ensemble.settle(zk.create('/p'))
  const entry = { perms: ALL, scheme: 'world', id: 'anyone' }
  const invalid: readonly Acl[] = [
    [],
    [{ ...entry, perms: -1 }],
    [{ ...entry, perms: 32 }],
    [{ ...entry, perms: 1.5 }],
    [{ ...entry, id: 'somebody' }],
    [{ ...entry, scheme: 'no such scheme' }],
    [{ ...entry, scheme: 'super', id: '' }],
    [{ ...entry, scheme: 'auth', id: '' }],
    ...['ann', 'ann:', 'ann:short', `:${'x'.repeat(28)}`, `ann:${'x'.repeat(28)}:more`].map(id => [
      { ...entry, scheme: 'digest', id }
    ]),
    ...['', '10.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/a', '::/129', 'fe80::1%eth0', 'localhost'].map(id => [
      { ...entry, scheme: 'ip', id }
    ]),
    Array.from({ length: LIMITS.aclEntriesMax + 1 }, (_, index) => ({ ...entry, scheme: 'ip', id: `10.0.0.${index}` })),
    Array.from({ length: 3 }, (_, index) => ({
      ...entry,
      scheme: 'digest',
      id: `${'u'.repeat(1_500)}${index}:${'x'.repeat(28)}`
    }))
  ]
  for (const acl of invalid) {
    t.equal(await outcomeOf(zk.create('/x', null, { acl })), 'INVALID_ACL', JSON.stringify(acl).slice(0, 80))
    t.equal(await outcomeOf(zk.setACL('/p', acl)), 'INVALID_ACL')
    t.equal(await outcomeOf(zk.multi([{ type: 'create', path: '/x', acl }])), 'INVALID_ACL')
  }
  const shapeless: readonly unknown[] = [
    null,
    'world:anyone',
    7,
    {},
    [null],
    ['world:anyone'],
    [{ scheme: 'world', id: 'anyone' }],
    [{ ...entry, perms: '31' }],
    [{ ...entry, scheme: null }],
    [{ ...entry, id: 7 }]
  ]
  for (const acl of shapeless as readonly Acl[]) {
    t.equal(await outcomeOf(zk.create('/x', null, { acl })), 'BAD_ARGUMENTS', JSON.stringify(acl))
    t.equal(await outcomeOf(zk.setACL('/p', acl)), 'BAD_ARGUMENTS')
    t.equal(await outcomeOf(zk.multi([{ type: 'create', path: '/x', acl }])), 'BAD_ARGUMENTS')
  }
  t.equal(await outcomeOf(zk.setACL('/p', undefined as unknown as Acl)), 'BAD_ARGUMENTS')
  t.equal(zk.local.exists('/x'), null)
  const twice = [...world(READ), { perms: WRITE, scheme: 'world', id: 'anyone' }, ...world(READ)]
  await ensemble.settle(zk.create('/twice', null, { acl: twice }))
  t.strictSame((await zk.getACL('/twice')).acl, twice.slice(0, 2), 'what is there twice is kept once')
  await ensemble.close()
})

t.test('an identity counts for every call that is issued behind it, and for none before', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  const owner = await ensemble.settle(zk.openSession())
  await owner.addAuth('digest', 'ann:secret')
  await ensemble.settle(owner.create('/own', 'x', { acl: ann(ALL) }))
  const before = [zk.create('/busy'), zk.getData('/own'), zk.setData('/own', 'y'), zk.sync(), zk.setData('/own', 'w')].map(
    outcomeOf
  )
  const added = zk.addAuth('digest', 'ann:secret')
  const behind = [zk.getData('/own'), zk.setData('/own', 'z'), zk.create('/mine', null, { acl: CREATOR_ALL_ACL })].map(outcomeOf)
  await added
  t.strictSame(await ensemble.settle(Promise.all(before)), ['OK', 'NO_AUTH', 'NO_AUTH', 'OK', 'NO_AUTH'])
  t.strictSame(await ensemble.settle(Promise.all(behind)), ['OK', 'OK', 'OK'])
  await ensemble.close()
})

t.test('a permission that a txn in flight takes away is gone for the next', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/p'))
  const calls = [zk.setData('/p', 'a'), zk.setACL('/p', world(READ)), zk.setData('/p', 'b'), zk.setACL('/p', OPEN_ACL_UNSAFE)]
  t.strictSame(await ensemble.settle(Promise.all(calls.map(outcomeOf))), ['OK', 'OK', 'NO_AUTH', 'NO_AUTH'])
  await ensemble.close()
})

t.test('a credential that is not believed leaves the session as it was', async t => {
  const ensemble = await started({ size: 1 })
  const zk = ensemble.member(1)
  for (const [scheme, credential] of [
    ['none', 'x'],
    ['world', 'anyone'],
    ['auth', ''],
    ['super', ''],
    ['digest', 'without a colon'],
    ['digest', ':password'],
    ['digest', `${'u'.repeat(LIMITS.authBytesMax)}:x`]
  ] as const) {
    t.equal(await outcomeOf(zk.addAuth(scheme, credential)), 'AUTH_FAILED', `${scheme} ${credential.slice(0, 20)}`)
  }
  for (const [scheme, credential] of [
    [7, 'x'],
    ['digest', 7],
    ['digest', null],
    [undefined, undefined]
  ] as const) {
    t.equal(await outcomeOf(zk.addAuth(scheme as unknown as string, credential as unknown as string)), 'BAD_ARGUMENTS')
  }
  t.strictSame(await zk.whoAmI(), [])
  t.equal(await ensemble.settle(outcomeOf(zk.create('/on'))), 'OK')
  await zk.addAuth('digest', 'ann:a:b')
  await zk.addAuth('digest', 'ann:a:b')
  t.strictSame(await zk.whoAmI(), [{ scheme: 'digest', id: 'ann' }], 'once')
  for (let count = 1; count < LIMITS.authIdsMax; count++) await zk.addAuth('digest', `user${count}:x`)
  t.equal(await outcomeOf(zk.addAuth('digest', 'one-more:x')), 'AUTH_FAILED')
  t.equal((await zk.whoAmI()).length, LIMITS.authIdsMax)
  t.equal(await outcomeOf(zk.addAuth('digest', 'user1:x')), 'OK', 'one that is known needs no place')
  t.equal(await ensemble.settle(outcomeOf(zk.create('/on/as-all', null, { acl: CREATOR_ALL_ACL }))), 'OK')
  await ensemble.close()
})

t.test('what is read without a promise is held against the identities of the member’s own session', async t => {
  const ensemble = await started({ size: 1 })
  const zk = ensemble.member(1)
  const owner = await ensemble.settle(zk.openSession())
  await owner.addAuth('digest', 'ann:secret')
  await ensemble.settle(owner.create('/own', 'x', { acl: ann(ALL) }))
  for (const read of [() => zk.local.exists('/own'), () => zk.local.getData('/own'), () => zk.local.getChildren('/own')]) {
    t.throws(read, { code: 'NO_AUTH', path: '/own' })
  }
  t.equal(zk.local.exists('/own/none'), null)
  await zk.addAuth('digest', 'ann:secret')
  t.equal(zk.local.getData('/own')?.data?.toString(), 'x')
  t.strictSame(zk.local.getChildren('/own')?.children, [])
  t.equal(zk.local.exists('/own')?.version, 0)
  await ensemble.close()
})

t.test('a session that takes the place of a member’s own goes on as the same, and any other begins as nobody', async t => {
  const ensemble = await started()
  const zk = ensemble.member(ensemble.leader.id)
  await ensemble.settle(zk.addAuth('digest', 'ann:secret'))
  await ensemble.settle(zk.create('/hers', 'x', { acl: CREATOR_ALL_ACL }))
  const { sessionId } = zk
  const replaced = new Promise<void>(resolve => zk.once('session', () => resolve()))
  await ensemble.settle(ensemble.member(ensemble.follower.id).closeSession(sessionId))
  await ensemble.settle(replaced)
  t.not(zk.sessionId, sessionId)
  t.strictSame(await ensemble.settle(zk.whoAmI()), [{ scheme: 'digest', id: 'ann' }])
  t.equal((await ensemble.settle(zk.setData('/hers', 'y'))).version, 1)
  t.equal(String(zk.local.getData('/hers')?.data), 'y')
  const other = await ensemble.settle(zk.openSession())
  t.strictSame(await ensemble.settle(other.whoAmI()), [])
  t.equal(await outcomeOf(ensemble.settle(other.setData('/hers', 'z'))), 'NO_AUTH')
  await ensemble.close()
})
