import t from 'tap'
import type { MemberId } from '../../lib/base/index.js'
import { type Address, assertListenable, fingerprintOf, formatAddress, parseAddress } from '../../lib/transport/index.js'

const onWindows = process.platform === 'win32'

t.test('addresses are taken apart, and written in one way', async t => {
  const cases: readonly [string, Address, string][] = [
    ['tcp://10.0.0.1:2888', { scheme: 'tcp', host: '10.0.0.1', port: 2888 }, 'tcp://10.0.0.1:2888'],
    ['zk-0.zk.default.svc:2888', { scheme: 'tcp', host: 'zk-0.zk.default.svc', port: 2888 }, 'tcp://zk-0.zk.default.svc:2888'],
    ['tcp://LocalHost:1', { scheme: 'tcp', host: 'localhost', port: 1 }, 'tcp://localhost:1'],
    ['[::1]:65535', { scheme: 'tcp', host: '::1', port: 65_535 }, 'tcp://[::1]:65535'],
    ['tcp://[0:0::0:1]:5', { scheme: 'tcp', host: '::1', port: 5 }, 'tcp://[::1]:5'],
    ['memory:a.b_c-1', { scheme: 'memory', name: 'a.b_c-1' }, 'memory:a.b_c-1']
  ]
  for (const [text, address, written] of cases) {
    t.strictSame(parseAddress(text), address, text)
    t.equal(formatAddress(address), written)
    t.strictSame(parseAddress(written), address)
  }
})

t.test('local sockets have a path, or a name in a private directory', { skip: onWindows }, async t => {
  t.strictSame(parseAddress('ipc:///run/app/zk.sock'), { scheme: 'ipc', path: '/run/app/zk.sock' })
  const named = parseAddress('ipc:app')
  t.ok(named.scheme === 'ipc' && /embedded-zookeeper.*\/app\.sock$/.test(named.path))
  t.strictSame(parseAddress(formatAddress(named)), named)
})

t.test('a socket path that the system would cut is refused', { skip: onWindows }, async t => {
  const longest = process.platform === 'linux' ? 107 : 103
  const path = (bytes: number) => `/${'x'.repeat(bytes - 1)}`
  t.strictSame(parseAddress(`ipc://${path(longest)}`), { scheme: 'ipc', path: path(longest) })
  t.throws(() => parseAddress(`ipc://${path(longest + 1)}`), { code: 'BAD_ARGUMENTS' })
  t.throws(() => parseAddress(`ipc:///${'ü'.repeat(60)}`), { code: 'BAD_ARGUMENTS' })
})

t.test('what is no address is a bad argument', async t => {
  const wrong = [
    '',
    'host',
    'tcp://host',
    'tcp://host:',
    'tcp://:1',
    'host:0',
    'host:65536',
    'host:1x',
    'host:-1',
    'ho st:1',
    'host/path:1',
    'user@host:1',
    '::1:2888',
    '[::g]:1',
    '[10.0.0.1]:1',
    'tls://host:1',
    'http://host:1',
    'ipc:',
    'ipc:a/b',
    'ipc:/single',
    'ipc://host/path',
    'ipc:///nul\0',
    'memory:',
    'memory:a b',
    `memory:${'a'.repeat(65)}`
  ]
  for (const text of wrong) t.throws(() => parseAddress(text), { code: 'BAD_ARGUMENTS' }, JSON.stringify(text))
})

t.test('listening beyond loopback needs a secret or a word for it', async t => {
  const open = { secret: null, insecure: false }
  for (const text of ['10.0.0.1:1', '0.0.0.0:1', '[::]:1', 'example.org:1', '[::ffff:127.0.0.1]:1', '127.1:1']) {
    const address = parseAddress(text)
    t.throws(() => assertListenable(address, open), { code: 'BAD_ARGUMENTS' }, text)
    assertListenable(address, { secret: 'shared', insecure: false })
    assertListenable(address, { secret: null, insecure: true })
  }
  for (const text of ['127.0.0.1:1', '127.9.9.9:1', '[::1]:1', 'localhost:1', 'memory:a', 'ipc:a']) {
    t.doesNotThrow(() => assertListenable(parseAddress(text), open), text)
  }
})

t.test('fingerprints are equal for equal peer lists only', async t => {
  const list = (...entries: [number, string][]) =>
    fingerprintOf(new Map(entries.map(([id, text]) => [id as MemberId, parseAddress(text)] as const)))
  t.equal(list([1, 'a:1'], [2, 'b:1']), list([2, 'tcp://B:1'], [1, 'tcp://a:1']))
  t.not(list([1, 'a:1'], [2, 'b:1']), list([1, 'b:1'], [2, 'a:1']))
  t.not(list([1, 'a:1'], [2, 'b:1']), list([1, 'a:1']))
})
