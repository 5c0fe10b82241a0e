import t from 'tap'
import { AuthSchemes } from '../../lib/member/auth-schemes.js'
import { digestId } from '../../lib/member/digest-auth.js'
import { Identities } from '../../lib/member/identities.js'
import type { AuthProvider } from '../../lib/member/index.js'
import { OPEN_ACL, PERMISSIONS } from '../../lib/tree/index.js'

const { ALL, READ } = PERMISSIONS
const ANN = { scheme: 'digest', id: digestId('ann', 'x') }
const BOB = { scheme: 'digest', id: digestId('bob', 'x') }

function provider(scheme: string, rest: Partial<AuthProvider> = {}): AuthProvider {
  return { scheme, authenticate: bytes => String.fromCharCode(...bytes), isValid: () => true, matches: () => true, ...rest }
}

t.test('the scheme auth stands for everybody that the caller has shown to be, and for nobody else', async t => {
  const schemes = new AuthSchemes()
  const entry = { perms: READ, scheme: 'auth', id: 'whatever' }
  t.strictSame(schemes.resolve([entry], [ANN]), [{ perms: READ, ...ANN }])
  t.strictSame(schemes.resolve([entry], [ANN, { scheme: 'super', id: '' }, BOB]), [
    { perms: READ, ...ANN },
    { perms: READ, ...BOB }
  ])
  const both = schemes.resolve([{ perms: ALL, ...BOB }, entry, { ...entry, perms: ALL }], [BOB])
  t.strictSame(both, [
    { perms: ALL, ...BOB },
    { perms: READ, ...BOB }
  ])
  for (const auth of [[], [{ scheme: 'super', id: '' }]]) {
    t.throws(() => schemes.resolve([entry], auth), { code: 'INVALID_ACL' })
    t.throws(() => schemes.resolve([...OPEN_ACL, entry], auth), { code: 'INVALID_ACL' })
  }
})

t.test('the ACL that is open to all is none', async t => {
  const schemes = new AuthSchemes()
  t.equal(schemes.resolve(OPEN_ACL, []), null)
  t.equal(schemes.resolve([...OPEN_ACL, ...OPEN_ACL], []), null)
  t.strictSame(schemes.resolve([{ ...OPEN_ACL[0], perms: READ } as (typeof OPEN_ACL)[0]], []), [
    { perms: READ, scheme: 'world', id: 'anyone' }
  ])
})

t.test('whoever proves to have the super id is super beside it', async t => {
  const schemes = new AuthSchemes('sha256', [], digestId('root', 'x', 'sha256'))
  const root = { scheme: 'digest', id: digestId('root', 'x', 'sha256') }
  t.strictSame(schemes.authenticate('digest', Buffer.from('root:x')), [root, { scheme: 'super', id: '' }])
  t.equal(schemes.authenticate('digest', Buffer.from('root:y')).length, 1)
  for (const scheme of ['super', 'world', 'auth', 'none', 'ip', '__proto__']) {
    t.throws(() => schemes.authenticate(scheme, Buffer.from('x')), { code: 'AUTH_FAILED' }, scheme)
  }
})

t.test('a provider may take the place of a built-in one', async t => {
  const schemes = new AuthSchemes('sha1', [
    provider('ip', { authenticate: () => '10.0.0.1', matches: (id, aclId) => id === aclId })
  ])
  t.strictSame(schemes.authenticate('ip', Buffer.from('x')), [{ scheme: 'ip', id: '10.0.0.1' }])
  t.ok(schemes.match('ip', '10.0.0.1', '10.0.0.1'))
  t.notOk(schemes.match('ip', '10.0.0.1', '10.0.0.0/8'))
  t.notOk(schemes.match('none', 'a', 'a'), 'of a scheme that nobody knows nobody is meant')
})

t.test('a provider that fails, or says what it should not, is not believed', async t => {
  const failure = new Error('of the provider')
  const fail = () => {
    throw failure
  }
  const bad = new AuthSchemes('sha1', [provider('bad', { authenticate: fail, isValid: fail, matches: fail })])
  t.throws(() => bad.authenticate('bad', Buffer.from('x')), { code: 'AUTH_FAILED', cause: failure })
  t.throws(() => bad.resolve([{ perms: READ, scheme: 'bad', id: 'x' }], []), { code: 'INVALID_ACL', cause: failure })
  t.equal(bad.match('bad', 'x', 'x'), false)
  const odd = { authenticate: () => 7, isValid: () => 'yes', matches: () => 1 } as unknown as Partial<AuthProvider>
  const strange = new AuthSchemes('sha1', [provider('odd', odd)])
  t.throws(() => strange.authenticate('odd', Buffer.from('x')), { code: 'AUTH_FAILED' })
  t.throws(() => strange.resolve([{ perms: READ, scheme: 'odd', id: 'x' }], []), { code: 'INVALID_ACL' })
  t.equal(strange.match('odd', 'x', 'x'), false)
})

t.test('identities are added once, never changed in place, and bounded in number and bytes', async t => {
  const schemes = new AuthSchemes('sha1', [provider('name')])
  const identities = new Identities(schemes)
  const none = identities.all
  t.strictSame(none, [])
  identities.add('digest', Buffer.from('ann:x'))
  const one = identities.all
  t.strictSame(none, [])
  t.strictSame(one, [ANN])
  identities.add('digest', Buffer.from('ann:x'))
  t.strictSame(identities.all, [ANN])
  identities.add('name', Buffer.from('a:b'))
  t.strictSame(one, [ANN])
  t.strictSame(identities.shown, [
    { scheme: 'digest', id: 'ann' },
    { scheme: 'name', id: 'a:b' }
  ])
  t.throws(() => identities.add('name', Buffer.from('x'.repeat(4_096))), { code: 'AUTH_FAILED' })
  for (let count = 0; count < 14; count++) identities.add('name', Buffer.from(`n${count}`))
  t.throws(() => identities.add('name', Buffer.from('one more')), { code: 'AUTH_FAILED' })
  t.equal(identities.all.length, 16)
})
