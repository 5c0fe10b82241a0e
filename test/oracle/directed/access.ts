import { digestId } from '../../../lib/member/index.js'
import type { AclEntry } from '../../../lib/tree/index.js'
import { MODES, type Sequence, type Step } from '../step.js'
import {
  addAuth,
  by,
  checkOp,
  close,
  countAll,
  create,
  createOp,
  deleteOp,
  exists,
  getAcl,
  getChildren,
  getData,
  multi,
  multiRead,
  OPEN,
  open,
  readOp,
  remove,
  sequential,
  setAcl,
  setData,
  setDataOp,
  whoAmI,
  world
} from '../steps.js'

const ANN = 'ann:pw'
const digest = (perms: number, credential = ANN): AclEntry => {
  const [user = '', password = ''] = credential.split(':')
  return { perms, scheme: 'digest', id: digestId(user, password) }
}
const authAcl = (perms: number): AclEntry => ({ perms, scheme: 'auth', id: '' })
const READ_ONLY = [world(1)]
const NOTHING = [world(0)]
const all = (path: string): readonly Step[] => [
  exists(path),
  getData(path),
  getChildren(path),
  getAcl(path),
  countAll(path),
  multiRead(readOp('getData', path), readOp('getChildren', path))
]

const entry = (scheme: string, id: string): readonly AclEntry[] => [{ perms: 31, scheme, id }]

const ENTRIES: readonly (readonly AclEntry[])[] = [
  [world(0)],
  [world(32)],
  [world(-1)],
  entry('world', 'somebody'),
  entry('world', ''),
  entry('digest', 'ann'),
  entry('digest', 'ann:short'),
  entry('digest', 'ann:a:b'),
  entry('digest', digestId('ann', 'pw')),
  entry('digest', `:${digestId('ann', 'pw').split(':')[1]}`),
  entry('ip', '10.0.0.1'),
  entry('ip', '10.0.0.0/8'),
  entry('ip', '10.0.0.0/33'),
  entry('ip', '10.0.0.0/-1'),
  entry('ip', '10.0.0.0/0'),
  entry('ip', '10.0.0'),
  entry('ip', '256.0.0.1'),
  entry('ip', 'localhost'),
  entry('ip', '::1'),
  entry('super', ''),
  entry('', ''),
  entry('none', 'x'),
  entry('sasl', 'x'),
  entry('x509', 'CN=x'),
  [world(1), world(1), world(2)],
  [world(31), world(1)],
  [world(31), world(31)],
  [world(1), ...entry('none', '')]
]

/** Every way in which one thing may be wrong besides another: parent, znode, permission, version, children, ACL. */
const MATRIX: readonly Sequence[] = ['open', 'locked', 'ephemeral', 'none'].flatMap(parent =>
  ['absent', 'there', 'locked', 'with child'].flatMap(child => {
    const at = `~/${parent}`
    const path = `${at}/child`
    const setUp: Step[] = parent === 'none' ? [] : [create(at, parent === 'ephemeral' ? { mode: MODES.EPHEMERAL } : {})]
    if (child !== 'absent') setUp.push(create(path, { acl: child === 'locked' ? NOTHING : OPEN }))
    if (child === 'with child') setUp.push(create(`${path}/below`))
    if (parent === 'locked') setUp.push(setAcl(at, NOTHING))
    const asked: Step[] = [
      ...[OPEN, []].flatMap(acl => [
        create(path, { acl }),
        create(path, { acl, mode: MODES.EPHEMERAL }),
        create(path, { acl, mode: MODES.CONTAINER }),
        create(`${at}/s-`, { acl, mode: MODES.PERSISTENT_SEQUENTIAL })
      ]),
      ...[7, 0, -1].flatMap(version => [
        setData(path, 'x', version),
        setAcl(path, [], version),
        setAcl(path, OPEN, version),
        multi(checkOp(path, version)),
        multi(setDataOp(path, 'x', version)),
        remove(path, version)
      ]),
      ...all(path)
    ]
    return [{ name: `${child} below ${parent}`, steps: [...setUp, ...asked] }]
  })
)

/** Who may do what, and which of several reasons for a refusal is told. */
export const ACCESS: readonly Sequence[] = [
  ...MATRIX,
  {
    name: 'create: which refusal is told',
    steps: [
      create('~/locked', { acl: READ_ONLY }),
      create('~/open'),
      create('~/open/child', { acl: READ_ONLY }),
      create('~/locked/x'),
      sequential('~/locked/x'),
      create('~/locked/x/y'),
      create('~/open/child'),
      create('~/open/child/x'),
      create('~/open', { acl: [] }),
      create('~/none/x', { acl: [] }),
      create('~/locked/x', { acl: [] }),
      create('~/none/x', { acl: [{ perms: 31, scheme: 'none', id: '' }] }),
      create('~/locked/x/', { acl: [] }),
      create('~/locked/x', { mode: MODES.PERSISTENT_WITH_TTL, ttl: 0 }),
      create('~/none/x', { mode: MODES.PERSISTENT_WITH_TTL, ttl: 2 ** 40 }),
      create('~/e', { mode: MODES.EPHEMERAL, acl: READ_ONLY }),
      create('~/e/x'),
      create('~/f', { mode: MODES.EPHEMERAL }),
      create('~/f/x', { acl: [] }),
      exists('~')
    ]
  },
  {
    name: 'create below a znode that exists and may not be read',
    steps: [
      create('~/p', { acl: [world(4)] }),
      create('~/p/a'),
      create('~/p/a'),
      getChildren('~/p'),
      getData('~/p'),
      exists('~/p'),
      exists('~/p/a')
    ]
  },
  {
    name: 'delete: which refusal is told',
    steps: [
      create('~/p', { acl: [world(4)] }),
      create('~/p/a'),
      create('~/p/a/b'),
      remove('~/p/a'),
      remove('~/p/a', 7),
      remove('~/p/none'),
      remove('~/none/x'),
      remove('~/p/none/x'),
      remove('~/p/a/b', 7),
      create('~/q', { acl: [world(12)] }),
      create('~/q/a', { acl: NOTHING }),
      create('~/q/b'),
      create('~/q/b/c'),
      remove('~/q/a', 7),
      remove('~/q/a'),
      remove('~/q/b', 7),
      remove('~/q/b', 0),
      remove('~/q')
    ]
  },
  {
    name: 'setData and check: which refusal is told',
    steps: [
      create('~/a', { acl: READ_ONLY }),
      create('~/b', { acl: [world(2)] }),
      setData('~/a', 'x', 7),
      setData('~/a', 'x'),
      setData('~/none', 'x', 7),
      setData('~/b', 'x', 7),
      setData('~/b', 'x', 0),
      multi(checkOp('~/a', 7)),
      multi(checkOp('~/a', 0)),
      multi(checkOp('~/b', 7)),
      multi(checkOp('~/b', 1)),
      multi(checkOp('~/none', 0)),
      multi(setDataOp('~/a', 'x', 7)),
      multi(deleteOp('~/none')),
      getData('~/a'),
      getData('~/b')
    ]
  },
  {
    name: 'setACL: which refusal is told',
    steps: [
      create('~/a', { acl: [world(15)] }),
      create('~/b'),
      setAcl('~/a', OPEN),
      setAcl('~/a', OPEN, 7),
      setAcl('~/a', [], 7),
      setAcl('~/none', []),
      setAcl('~/none', OPEN, 7),
      setAcl('~/b', OPEN, 7),
      setAcl('~/b', [{ perms: 31, scheme: 'auth', id: '' }]),
      setAcl('~/b', READ_ONLY, 0),
      setAcl('~/b', OPEN),
      exists('~/b'),
      getAcl('~/b')
    ]
  },
  {
    name: 'what setACL leaves alone',
    steps: [
      create('~/a'),
      setData('~/a', 'x'),
      create('~/a/b'),
      exists('~/a'),
      setAcl('~/a', [world(17)], 0),
      setAcl('~/a', [world(31)], 1),
      setAcl('~/a', OPEN, -1),
      exists('~/a'),
      getAcl('~/a'),
      exists('~')
    ]
  },
  {
    name: 'reads: which refusal is told',
    steps: [
      create('~/write', { acl: [world(2)] }),
      create('~/admin', { acl: [world(16)] }),
      create('~/none', { acl: NOTHING }),
      create('~/read', { acl: READ_ONLY }),
      ...all('~/write'),
      ...all('~/admin'),
      ...all('~/none'),
      ...all('~/read'),
      ...all('~/missing')
    ]
  },
  ...ENTRIES.map(
    (acl): Sequence => ({
      name: `what an ACL may hold: ${acl.map(({ perms, scheme, id }) => `${perms} ${scheme}:${id}`).join(', ')}`,
      steps: [create('~/a', { acl }), exists('~'), getAcl('~/a'), create('~/b'), setAcl('~/b', acl), getAcl('~/b')]
    })
  ),
  {
    name: 'digest and auth',
    steps: [
      whoAmI,
      create('~/a', { acl: [authAcl(31)] }),
      create('~/d', { acl: [digest(31)] }),
      getData('~/d'),
      getAcl('~/d'),
      addAuth(ANN),
      whoAmI,
      create('~/a', { acl: [authAcl(31)] }),
      create('~/b', { acl: [{ perms: 1, scheme: 'auth', id: 'whoever' }, world(16)] }),
      create('~/r', { acl: [digest(1)] }),
      getAcl('~/a'),
      getAcl('~/b'),
      getAcl('~/r'),
      getAcl('~/d'),
      addAuth('bob:pw'),
      addAuth('bob:pw'),
      addAuth('bob:other'),
      whoAmI,
      create('~/both', { acl: [authAcl(31)] }),
      getAcl('~/both'),
      open(1),
      ...by(1, ...all('~/a'), ...all('~/b'), ...all('~/both'), setData('~/a', 'x'), create('~/a/x'), setAcl('~/a', OPEN)),
      ...by(1, addAuth('bob:other'), ...all('~/both'), ...all('~/a')),
      close(1)
    ]
  },
  ...['nobody', '', ':pw', 'a:b:c', 'a:'].map(
    (credential): Sequence => ({
      name: `the credential '${credential}'`,
      steps: [addAuth(credential), whoAmI, create('~/c', { acl: [authAcl(31)] }), getAcl('~/c')]
    })
  ),
  {
    name: 'super',
    steps: [
      create('~/a', { acl: NOTHING }),
      create('~/a/b'),
      getData('~/a'),
      open(1),
      ...by(
        1,
        addAuth('super:wrong'),
        getData('~/a'),
        addAuth('super:secret'),
        whoAmI,
        ...all('~/a'),
        create('~/a/b'),
        setData('~/a', 'x'),
        setAcl('~/a', READ_ONLY),
        getAcl('~/a'),
        create('~/own', { acl: [authAcl(31)] }),
        getAcl('~/own')
      )
    ]
  },
  {
    name: 'ACLs inside a multi',
    steps: [
      create('~/p', { acl: [world(5)] }),
      multi(createOp('~/p/a', { acl: READ_ONLY }), createOp('~/p/a/b')),
      multi(createOp('~/p/a', { acl: READ_ONLY }), setDataOp('~/p/a', 'x')),
      multi(createOp('~/p/a', { acl: [world(2)] }), checkOp('~/p/a', 0)),
      multi(createOp('~/p/a', { acl: READ_ONLY }), deleteOp('~/p/a')),
      multi(createOp('~/p/a', { acl: [authAcl(31)] })),
      getChildren('~/p'),
      exists('~/p')
    ]
  }
]
