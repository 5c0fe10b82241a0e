import t from 'tap'
import { IpAuth } from '../../lib/member/ip-auth.js'

const auth = new IpAuth()

t.test('nobody can claim an address', async t => {
  t.equal(auth.scheme, 'ip')
  t.equal(auth.authenticate(), null)
})

t.test('addresses and networks of both versions may stand in an ACL, and nothing else', async t => {
  const valid = [
    '127.0.0.1',
    '10.0.0.0/8',
    '0.0.0.0/0',
    '1.2.3.4/32',
    '::',
    '::1',
    '2001:db8::/32',
    '::/0',
    'fe80::1/128',
    '::ffff:10.0.0.1'
  ]
  for (const id of valid) t.ok(auth.isValid(id), id)
  const invalid = [
    '',
    'localhost',
    '10.0.0',
    '10.0.0.256',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/ 8',
    '10.0.0.0/0x8',
    '::/129',
    ':::',
    'fe80::1%eth0',
    'fe80::1%eth0/64',
    '/8',
    'anyone'
  ]
  for (const id of invalid) t.notOk(auth.isValid(id), id)
})

t.test('an entry means the addresses in its network', async t => {
  const meant: readonly (readonly [id: string, aclId: string])[] = [
    ['10.1.2.3', '10.1.2.3'],
    ['10.1.2.3', '10.1.2.3/32'],
    ['10.1.2.3', '10.0.0.0/8'],
    ['10.1.2.3', '10.255.255.255/8'],
    ['10.1.2.3', '0.0.0.0/0'],
    ['10.1.2.3', '10.1.2.2/31'],
    ['2001:db8::7', '2001:db8::/32'],
    ['2001:db8::7', '2001:0db8:0:0:0:0:0:7'],
    ['2001:db8::7', '::/0'],
    ['::ffff:10.1.2.3', '10.0.0.0/8']
  ]
  for (const [id, aclId] of meant) t.ok(auth.matches(id, aclId), `${id} in ${aclId}`)
  const others: readonly (readonly [id: string, aclId: string])[] = [
    ['11.1.2.3', '10.0.0.0/8'],
    ['10.1.2.4', '10.1.2.3'],
    ['10.1.2.4', '10.1.2.2/31'],
    ['2001:db9::7', '2001:db8::/32'],
    ['2001:db8::7', '0.0.0.0/0'],
    ['10.1.2.3', '::/0'],
    ['', '0.0.0.0/0'],
    ['localhost', '0.0.0.0/0'],
    ['10.1.2.3', 'no network'],
    ['no network', 'no network']
  ]
  for (const [id, aclId] of others) t.notOk(auth.matches(id, aclId), `${id} not in ${aclId}`)
})
