import { MemoryLevel } from 'memory-level'
import t from 'tap'
import { isZooKeeperError } from '../../lib/base/index.js'
import { createEnsembleMember, digestId } from '../../lib/member/index.js'
import { checkOptions } from '../../lib/member/options.js'

const PEERS = ['memory:a', 'memory:b', 'memory:c']
const PROVIDER = { scheme: 'own', authenticate: () => null, isValid: () => true, matches: () => true }

function problemOf(peers: unknown, options: unknown): string {
  try {
    checkOptions(peers as never, options as never)
    return 'none'
  } catch (error) {
    if (!isZooKeeperError(error, 'BAD_ARGUMENTS')) throw error
    return error.message
  }
}

t.test('every option has a default', async t => {
  const options = checkOptions(PEERS, {})
  t.match(options, {
    id: null,
    dataDir: null,
    storage: null,
    ensemble: 'default',
    secret: null,
    insecure: false,
    tickTime: 500,
    initLimit: 20,
    syncLimit: 4,
    salvage: false,
    sessionTimeout: 10_000,
    minSessionTimeout: 1_000,
    maxSessionTimeout: 60_000,
    requestTimeout: 10_000,
    startTimeout: 30_000,
    snapCount: 100_000,
    snapRetainCount: 3,
    maxDataLength: 1_048_576,
    outstandingRequestsMax: 10_000,
    outstandingBytesMax: 64 * 1024 * 1024,
    treeRules: { childrenMax: 100_000, ephemeralsMax: 200_000, containerUnusedMilliseconds: 300_000 },
    sessionsMax: 10_000,
    watchesMax: 1_000_000,
    containerCheckInterval: 10_000,
    signal: null,
    onProgress: null
  })
  t.ok(Object.isFrozen(options))
})

t.test('limits and schemes are as they are given', async t => {
  const superDigest = digestId('root', 'x', 'sha256')
  const options = checkOptions(PEERS, {
    limits: { children: 1, ephemerals: 2, sessions: 3, watches: 4 },
    containerCheckInterval: 5,
    containerMaxNeverUsed: 6,
    digestAlgorithm: 'sha256',
    superDigest,
    authProviders: [PROVIDER, { ...PROVIDER, scheme: 'ip' }]
  })
  t.match(options, {
    treeRules: { childrenMax: 1, ephemeralsMax: 2, containerUnusedMilliseconds: 6 },
    sessionsMax: 3,
    watchesMax: 4,
    containerCheckInterval: 5
  })
  const { authSchemes, treeRules } = options
  t.equal(treeRules.match, authSchemes.match)
  t.strictSame(authSchemes.authenticate('digest', Buffer.from('root:x')), [
    { scheme: 'digest', id: superDigest },
    { scheme: 'super', id: '' }
  ])
  t.equal(authSchemes.match('own', 'a', 'b'), true)
  t.equal(authSchemes.match('ip', '10.0.0.1', '10.0.0.2'), true, 'one of its own in the place of a built-in one')
})

t.test('peers are an array, or an object by id; a bare host and port is tcp', async t => {
  const list = checkOptions(['127.0.0.1:2888', 'tcp://127.0.0.1:2889'], {})
  t.strictSame(
    [...list.addresses],
    [
      [1, { scheme: 'tcp', host: '127.0.0.1', port: 2888 }],
      [2, { scheme: 'tcp', host: '127.0.0.1', port: 2889 }]
    ]
  )
  const byId = checkOptions({ 200: 'memory:x', 7: 'memory:y' }, { id: 7 })
  t.strictSame([...byId.addresses.keys()], [7, 200], 'in the order of the ids')
})

t.test('a bad peer list says what is wrong with it', async t => {
  for (const peers of [null, undefined, 7, 'memory:a', [], {}]) t.match(problemOf(peers, {}), /^peers must/)
  t.match(problemOf([7], {}), /^peers\[1\]/)
  t.match(problemOf(['memory:a', 'memory:b', 'memory:a'], {}), /^peers\[3\]/)
  t.match(problemOf(['127.0.0.1:1', 'tcp://127.0.0.1:1'], {}), /^peers\[2\]/)
  for (const peers of [{ 0: 'memory:a' }, { 256: 'memory:a' }, { x: 'memory:a' }, { 1.5: 'memory:a' }])
    t.match(problemOf(peers, {}), /^peers must/)
  for (const address of ['', 'nope', 'http://a:1', 'tcp://a', 'tcp://a:70000', 'memory:'])
    t.not(problemOf([address], {}), 'none', address)
})

t.test('each bad option is named', async t => {
  const bad: readonly (readonly [string, readonly unknown[]])[] = [
    ['id', [0, 4, 1.5, '1', null]],
    ['dataDir', ['', 7, null]],
    ['storage', [null, 7, {}, 'level']],
    ['ensemble', ['', 7, null, 'x'.repeat(129)]],
    ['secret', ['', 'short', 7, null]],
    ['insecure', [1, 'yes', null]],
    ['tickTime', [0, 9, 60_001, 1.5, '500', null, Number.NaN]],
    ['initLimit', [0, 1.5, '5', null]],
    ['syncLimit', [0, -1, '5']],
    ['onLostQuorum', ['go', null, true]],
    ['sessionTimeout', [0, 2 ** 31, '1']],
    ['minSessionTimeout', [0, 2 ** 31]],
    ['maxSessionTimeout', [0, 999, 2 ** 31]],
    ['requestTimeout', [0, Number.POSITIVE_INFINITY, '1']],
    ['startTimeout', [0, -5, null]],
    ['snapCount', [1, 0, 2.5]],
    ['snapRetainCount', [0, 1_001]],
    ['maxDataLength', [-1, 3 * 1024 * 1024]],
    ['outstandingLimit', [7, null, 'many']],
    ['limits', [7, null, 'many']],
    ['containerCheckInterval', [0, -1, 1.5, 2 ** 31, '10', null]],
    ['containerMaxNeverUsed', [0, 2 ** 31, '10', null]],
    ['superDigest', ['', 'super', 'super:short', `super:${'x'.repeat(44)}`, `a:b:${'x'.repeat(28)}`, 7, null]],
    ['digestAlgorithm', ['md5', 'SHA1', '', 1, null]],
    ['authProviders', [null, {}, 'digest', [null], [{}], [{ ...PROVIDER, scheme: '' }], [{ ...PROVIDER, scheme: 7 }]]],
    ['authProviders', ['world', 'auth', 'super'].map(scheme => [{ ...PROVIDER, scheme }])],
    ['authProviders', ['authenticate', 'isValid', 'matches'].map(name => [{ ...PROVIDER, [name]: undefined }])],
    ['signal', [{}, null, 'now']],
    ['onProgress', ['yes', {}]]
  ]
  for (const [name, values] of bad) {
    for (const value of values)
      t.match(problemOf(PEERS, { [name]: value }), new RegExp(`^${name}\\b`), `${name}: ${String(value)}`)
  }
  for (const name of ['requests', 'bytes']) {
    t.match(problemOf(PEERS, { outstandingLimit: { [name]: 0 } }), new RegExp(`^outstandingLimit\\.${name}`))
  }
  t.match(
    problemOf(PEERS, { outstandingLimit: { request: 5 } }),
    /^outstandingLimit\.request\b/,
    'a slip of the pen is not ignored'
  )
  for (const name of ['children', 'ephemerals', 'sessions', 'watches']) {
    for (const value of [0, -1, 1.5, 2 ** 31, '5', null]) {
      t.match(problemOf(PEERS, { limits: { [name]: value } }), new RegExp(`^limits\\.${name}\\b`), `${name}: ${String(value)}`)
    }
  }
  t.match(problemOf(PEERS, { limits: { child: 5 } }), /^limits\.child\b/)
  t.match(problemOf(PEERS, { limits: { sessions: 1_000_001 } }), /^limits\.sessions\b/, 'more than can be reported alive')
  t.match(problemOf(PEERS, { digestAlgorithm: 'sha256', superDigest: digestId('root', 'x') }), /^superDigest\b/)
  t.match(problemOf(PEERS, { datadir: './x' }), /^datadir/)
  t.match(problemOf(PEERS, { dataDir: './x', storage: new MemoryLevel() }), /^storage/)
  for (const options of [null, 7, 'x']) t.match(problemOf(PEERS, options), /^options/)
})

t.test('what is wrong rejects the promise of the start, nothing is thrown', async t => {
  await t.rejects(createEnsembleMember([], {}), { code: 'BAD_ARGUMENTS' })
  await t.rejects(createEnsembleMember(PEERS, { id: 9 }), { code: 'BAD_ARGUMENTS' })
  await t.rejects(
    createEnsembleMember(['tcp://0.0.0.0:1'], { id: 1 }),
    { code: 'BAD_ARGUMENTS' },
    'beyond loopback without a secret'
  )
  await t.rejects(createEnsembleMember(PEERS, null as never), { code: 'BAD_ARGUMENTS' })
})
