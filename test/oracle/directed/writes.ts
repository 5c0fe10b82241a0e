import { describe } from '../describe.js'
import type { Sequence } from '../step.js'
import { MODES } from '../step.js'
import {
  by,
  checkOp,
  close,
  countAll,
  create,
  createOp,
  deleteOp,
  ephemeral,
  exists,
  getChildren,
  getData,
  getEphemerals,
  look,
  multi,
  multiRead,
  open,
  readOp,
  remove,
  sequential,
  setData,
  setDataOp
} from '../steps.js'

/** Names, numbers, versions and zxids that writes give. */
export const WRITES: readonly Sequence[] = [
  {
    name: 'the Stats of a new tree',
    steps: [
      ...look('/'),
      ...look('/zookeeper'),
      ...look('/zookeeper/quota'),
      countAll('/'),
      countAll('/zookeeper'),
      countAll('~')
    ]
  },
  {
    name: 'config',
    steps: [exists('/zookeeper/config'), getChildren('/zookeeper')]
  },
  {
    name: 'sequence numbers count creates of any kind, and survive deletes',
    steps: [
      create('~/p'),
      sequential('~/p/n-'),
      create('~/p/plain'),
      sequential('~/p/n-'),
      remove('~/p/n-0000000000'),
      remove('~/p/n-0000000002'),
      sequential('~/p/n-'),
      ephemeral('~/p/e'),
      create('~/p/e-', { mode: MODES.EPHEMERAL_SEQUENTIAL }),
      sequential('~/p/'),
      sequential('~/p/other-'),
      exists('~/p'),
      getChildren('~/p')
    ]
  },
  {
    name: 'a failed create takes no number',
    steps: [
      create('~/p'),
      create('~/p/a'),
      create('~/p/a'),
      create('~/p/0000000003'),
      sequential('~/p/'),
      sequential('~/p/'),
      sequential('~/p/'),
      create('~/p/x/y'),
      sequential('~/p/'),
      exists('~/p')
    ]
  },
  {
    name: 'a number that is taken',
    steps: [create('~/p'), create('~/p/n0000000001'), sequential('~/p/n'), sequential('~/p/n'), exists('~/p')]
  },
  {
    name: 'numbers in multis, also in those that fail',
    steps: [
      create('~/p'),
      multi(
        createOp('~/p/n-', { mode: MODES.PERSISTENT_SEQUENTIAL }),
        createOp('~/p/n-', { mode: MODES.EPHEMERAL_SEQUENTIAL }),
        deleteOp('~/p/n-0000000000')
      ),
      multi(createOp('~/p/n-', { mode: MODES.PERSISTENT_SEQUENTIAL }), checkOp('~/p', 9)),
      multi(createOp('~/p/n-', { mode: MODES.PERSISTENT_SEQUENTIAL }), createOp('~/p/n-', { mode: MODES.PERSISTENT_SEQUENTIAL })),
      multi(
        createOp('~/q'),
        createOp('~/q/n-', { mode: MODES.PERSISTENT_SEQUENTIAL }),
        setDataOp('~/q', 'x', 0),
        checkOp('~/q', 1)
      ),
      exists('~/p'),
      exists('~/q'),
      getChildren('~')
    ]
  },
  {
    name: 'a parent that was made anew counts anew',
    steps: [create('~/p'), sequential('~/p/n'), remove('~/p/n0000000000'), remove('~/p'), create('~/p'), sequential('~/p/n')]
  },
  {
    name: 'what changes cversion and pzxid',
    steps: [
      create('~/p'),
      exists('~/p'),
      create('~/p/a'),
      exists('~/p'),
      setData('~/p/a', 'x'),
      exists('~/p'),
      create('~/p/a/deep'),
      exists('~/p'),
      remove('~/p/a/deep'),
      remove('~/p/a'),
      exists('~/p'),
      setData('~/p', 'x'),
      exists('~/p'),
      multi(createOp('~/p/b'), createOp('~/p/c'), deleteOp('~/p/b')),
      exists('~/p'),
      multi(createOp('~/p/d'), deleteOp('~/p/d')),
      exists('~/p'),
      remove('~/p/none'),
      exists('~/p'),
      exists('~')
    ]
  },
  {
    name: 'versions',
    steps: [
      create('~/a'),
      setData('~/a', '1', 0),
      setData('~/a', '2', 0),
      setData('~/a', '2', 1),
      setData('~/a', '3', -1),
      setData('~/a', '4', 2147483647),
      remove('~/a', 2),
      remove('~/a', -2),
      setData('~/a', 'x', -2),
      remove('~/none', -2),
      multi(checkOp('~/a', 3), checkOp('~/a', -1), setDataOp('~/a', '4', 3), checkOp('~/a', 4), deleteOp('~/a', 4)),
      exists('~/a')
    ]
  },
  {
    name: 'no data and empty data',
    steps: [
      create('~/null', { data: null }),
      create('~/empty', { data: '' }),
      getData('~/null'),
      getData('~/empty'),
      setData('~/null', ''),
      getData('~/null'),
      setData('~/empty', null),
      getData('~/empty'),
      multi(createOp('~/m', { data: null }), setDataOp('~/null', null)),
      multiRead(readOp('getData', '~/m'), readOp('getData', '~/null'), readOp('getData', '~/none'), readOp('getChildren', '~')),
      multiRead(readOp('getChildren', '~/none')),
      multiRead()
    ]
  },
  {
    name: 'ephemerals have no children, whoever asks',
    steps: [
      open(1),
      ephemeral('~/e'),
      exists('~/e'),
      create('~/e/child'),
      ...by(1, create('~/e/child'), sequential('~/e/'), remove('~/e/child'), setData('~/e', 'x'), exists('~/e')),
      multi(createOp('~/f', { mode: MODES.EPHEMERAL }), createOp('~/f/g')),
      multi(createOp('~/f', { mode: MODES.EPHEMERAL }), deleteOp('~/f'), createOp('~/f')),
      exists('~/f'),
      remove('~/e'),
      ...by(1, ephemeral('~/e')),
      exists('~/e'),
      close(1),
      exists('~/e'),
      exists('~')
    ]
  },
  {
    name: 'the end of a session deletes its ephemerals in one txn',
    steps: [
      open(1),
      create('~/p'),
      ...by(1, ephemeral('~/p/b'), ephemeral('~/p/a'), create('~/p/s-', { mode: MODES.EPHEMERAL_SEQUENTIAL }), ephemeral('~/q')),
      ...by(1, getEphemerals('/'), getEphemerals('~/p'), getEphemerals('~/p/a'), getEphemerals('~/none'), getEphemerals('')),
      getEphemerals('/'),
      exists('~/p'),
      close(1),
      exists('~/p'),
      exists('~'),
      getChildren('~/p')
    ]
  },
  {
    name: 'the prefix of getEphemerals is text and no path',
    steps: [
      ephemeral('~/aa'),
      ephemeral('~/ab'),
      create('~/a'),
      ephemeral('~/a/c'),
      getEphemerals('~/a'),
      getEphemerals('~/a/'),
      getEphemerals('x')
    ]
  },
  {
    name: 'what is below',
    steps: [
      create('~/a'),
      create('~/ab'),
      create('~/a/b'),
      create('~/a/b/c'),
      ephemeral('~/a/e'),
      countAll('~/a'),
      countAll('~/ab'),
      countAll('~'),
      countAll('/'),
      countAll('/zookeeper'),
      countAll('~/none')
    ]
  },
  {
    name: 'delete with children, and whole subtrees in one multi',
    steps: [
      create('~/a'),
      create('~/a/b'),
      remove('~/a'),
      remove('~/a', 5),
      multi(deleteOp('~/a'), deleteOp('~/a/b')),
      multi(deleteOp('~/a/b'), deleteOp('~/a')),
      exists('~/a'),
      exists('~')
    ]
  },
  { name: 'an empty multi', steps: [multi(), exists('~')] },
  {
    name: 'what a refused multi tells of each operation',
    steps: [
      create('~/a'),
      multi(checkOp('~/a', 1), createOp('~/b')),
      multi(createOp('~/b'), createOp('~/c'), createOp('~/b'), createOp('~/d'), deleteOp('~/none')),
      multi(createOp('~/b'), setDataOp('~/none', 'x')),
      multi(deleteOp('~/a'), deleteOp('~/a')),
      multi(deleteOp('~/a', 7), createOp('~/a')),
      multi(createOp('~/x/y'), createOp('~/b')),
      multi(createOp('~/b', { acl: [] })),
      multi(createOp('~/b'), createOp('~/c', { acl: [{ perms: 31, scheme: 'none', id: 'x' }] })),
      getChildren('~'),
      exists('~')
    ]
  },
  {
    name: 'the bounds of paths',
    steps: [
      create('~/a/'),
      create('~//a'),
      create('~/./a'),
      create('~/..'),
      create('~/a..b'),
      create('~/...'),
      create('a'),
      create(''),
      create('~/a\u0000'),
      create('~/a\u0001'),
      create('~/a\u007f'),
      create('~/a\u009f'),
      create('~/a\u00a0'),
      create('~/a\ud7ff'),
      create('~/a\ue000'),
      create('~/a\uf8ff'),
      create('~/a\uf900'),
      create('~/a\uffef'),
      create('~/a\ufff0'),
      create('~/a\u{1f600}'),
      sequential('~/'),
      sequential('~/.'),
      sequential('~/..'),
      remove('~/'),
      remove('~/a/../b'),
      setData('~/a/', 'x'),
      exists('~/'),
      exists('a'),
      getData('~//a'),
      getChildren(''),
      getChildren('~')
    ]
  },
  {
    name: 'the root',
    steps: [
      create('/'),
      sequential('/'),
      remove('/'),
      remove('/', 7),
      remove('/none'),
      setData('/none', 'x'),
      multi(checkOp('/', -1), checkOp('/zookeeper', -1), checkOp('/zookeeper/quota', 0)),
      multi(deleteOp('/')),
      multi(createOp('/')),
      exists('/'),
      setData('/', 'root', 0),
      getData('/'),
      exists('/')
    ]
  },
  ...[
    remove('/zookeeper'),
    remove('/zookeeper', 7),
    remove('/zookeeper/quota'),
    remove('/zookeeper/config'),
    remove('/zookeeper/none'),
    create('/zookeeper'),
    create('/zookeeper/quota'),
    create('/zookeeper/none/x'),
    setData('/zookeeper/none', 'x'),
    multi(deleteOp('/zookeeper')),
    getData('/zookeeper/none'),
    getChildren('/zookeeper/none')
  ].map((step): Sequence => ({ name: `what belongs to ZooKeeper: ${describe(step)}`, steps: [step] })),
  {
    name: 'below the place of quotas',
    steps: [
      create('/zookeeper/quota/none/x'),
      create('/zookeeper/quota~'),
      create('/zookeeper/quota~'),
      remove('/zookeeper/quota~', 7),
      setData('/zookeeper/quota~', 'x'),
      sequential('/zookeeper/quota~/s-'),
      getChildren('/zookeeper/quota~'),
      remove('/zookeeper/quota~'),
      exists('/zookeeper/quota~')
    ]
  }
]
