import { createHash } from 'node:crypto'
import t from 'tap'
import { DigestAuth, digestId } from '../../lib/member/digest-auth.js'

t.test('ids are those of ZooKeeper', async t => {
  t.equal(digestId('super', 'test'), 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=', 'as its administrator’s guide has it')
  for (const [user, password] of [
    ['ann', 'secret'],
    ['ann', ''],
    ['ann', 'a:b'],
    ['jürgen', 'pässwörd ✓']
  ] as const) {
    for (const algorithm of ['sha1', 'sha256'] as const) {
      const hash = createHash(algorithm)
        .update(Buffer.from(`${user}:${password}`, 'utf8'))
        .digest()
        .toString('base64')
      t.equal(digestId(user, password, algorithm), `${user}:${hash}`)
    }
  }
})

t.test('a credential is a user and a password, which may have colons in it', async t => {
  const auth = new DigestAuth('sha1')
  t.equal(auth.scheme, 'digest')
  t.equal(auth.authenticate(Buffer.from('super:test')), 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=')
  t.equal(auth.authenticate(new TextEncoder().encode('ann:a:b')), digestId('ann', 'a:b'))
  t.equal(auth.authenticate(Buffer.from('ann:')), digestId('ann', ''))
  for (const credential of ['', 'ann', ':secret', ':']) t.equal(auth.authenticate(Buffer.from(credential)), null, credential)
  t.equal(new DigestAuth('sha256').authenticate(Buffer.from('ann:x')), digestId('ann', 'x', 'sha256'))
})

t.test('an id is a user and a hash of the right length, and means who has the same', async t => {
  const [one, two] = [new DigestAuth('sha1'), new DigestAuth('sha256')]
  t.ok(one.isValid(digestId('ann', 'x')))
  t.notOk(two.isValid(digestId('ann', 'x')))
  t.ok(two.isValid(digestId('ann', 'x', 'sha256')))
  t.notOk(one.isValid(digestId('ann', 'x', 'sha256')))
  for (const id of ['', 'ann', 'ann:', ':', `:${'x'.repeat(28)}`, `ann:${'x'.repeat(27)}`, `a:b:${'x'.repeat(28)}`]) {
    t.notOk(one.isValid(id), id)
  }
  t.ok(one.matches(digestId('ann', 'x'), digestId('ann', 'x')))
  t.notOk(one.matches(digestId('ann', 'x'), digestId('ann', 'y')))
  t.notOk(one.matches(digestId('ann', 'x'), digestId('bob', 'x')))
})
