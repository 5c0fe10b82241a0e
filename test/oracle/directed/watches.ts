import { MODES, type Sequence, type Step } from '../step.js'
import {
  addAuth,
  addWatch,
  by,
  checkOp,
  close,
  create,
  createOp,
  deleteOp,
  ephemeral,
  exists,
  getChildren,
  getData,
  multi,
  multiRead,
  OPEN,
  open,
  readOp,
  remove,
  removeAllWatches,
  sequential,
  setAcl,
  setData,
  setDataOp,
  world
} from '../steps.js'

/** One of each kind on a path, by sessions of their own, since one connection is told of an event once. */
function watched(path: string): Step[] {
  return [
    ...by(1, exists(path, 0)),
    ...by(2, getData(path, 0)),
    ...by(3, getChildren(path, 0)),
    ...by(4, addWatch(path, 0)),
    ...by(5, addWatch(path, 0, true))
  ]
}

const FIVE = [open(1), open(2), open(3), open(4), open(5)]

/** Who hears of what, in which order. */
export const WATCHES: readonly Sequence[] = [
  {
    name: 'every kind of watch, every kind of change: the znode itself',
    steps: [
      ...FIVE,
      ...watched('~/a'),
      create('~/a'),
      ...watched('~/a'),
      setData('~/a', 'x'),
      ...watched('~/a'),
      setAcl('~/a', OPEN),
      setData('~/a', 'y', 9),
      create('~/a'),
      create('~/a/b'),
      ...watched('~/a'),
      setData('~/a/b', 'x'),
      create('~/a/b/c'),
      remove('~/a/b/c'),
      remove('~/a/b'),
      ...watched('~/a'),
      remove('~/a'),
      create('~/a'),
      remove('~/a')
    ]
  },
  {
    name: 'every kind of watch on the parent',
    steps: [
      ...FIVE,
      create('~/p'),
      ...watched('~/p'),
      create('~/p/a'),
      ...watched('~/p'),
      setData('~/p/a', 'x'),
      setAcl('~/p/a', OPEN),
      sequential('~/p/s'),
      ...watched('~/p'),
      remove('~/p/a'),
      ...watched('~/p'),
      multi(createOp('~/p/x'), createOp('~/p/y'), deleteOp('~/p/x')),
      ...watched('~/p'),
      multi(createOp('~/p/z'), checkOp('~/p', 7)),
      multi(setDataOp('~/p', 'x'), setDataOp('~/p', 'y'), deleteOp('~/p/y'))
    ]
  },
  {
    name: 'one session with several kinds of watch that stay on one path',
    steps: [
      create('~/a'),
      getData('~/a', 0),
      exists('~/a', 1),
      getChildren('~/a', 2),
      addWatch('~/a', 3),
      addWatch('~/a', 4, true),
      create('~/a/b'),
      setData('~/a', 'x'),
      getData('~/a', 0),
      exists('~/a', 1),
      getChildren('~/a', 2),
      remove('~/a/b'),
      remove('~/a'),
      create('~/a')
    ]
  },
  {
    name: 'one listener with several watches',
    steps: [
      create('~/a'),
      getData('~/a', 0),
      exists('~/a', 0),
      getChildren('~/a', 0),
      addWatch('~/a', 0),
      addWatch('~/a', 0, true),
      addWatch('~', 0, true),
      create('~/a/b'),
      setData('~/a', 'x'),
      remove('~/a/b'),
      remove('~/a')
    ]
  },
  {
    name: 'a listener that is given twice hears once, and again after a change in between',
    steps: [
      create('~/a'),
      getData('~/a', 0),
      getData('~/a', 0),
      setData('~/a', 'x'),
      setData('~/a', 'y'),
      getData('~/a', 0),
      getData('~/a', 1),
      setData('~/a', 'z')
    ]
  },
  {
    name: 'a data watch and a child watch of one session when the znode goes',
    steps: [
      create('~/a'),
      getData('~/a', 0),
      getChildren('~/a', 1),
      remove('~/a'),
      create('~/b'),
      getData('~/b', 2),
      getChildren('~/b', 2),
      remove('~/b')
    ]
  },
  {
    name: 'watches on what is not there',
    steps: [
      exists('~/a', 0),
      getData('~/a', 1),
      getChildren('~/a', 2),
      create('~/a'),
      remove('~/a'),
      exists('~/x/y', 3),
      create('~/x'),
      create('~/x/y'),
      exists('~/z', 4),
      multi(createOp('~/z'), deleteOp('~/z')),
      exists('~/z', 5),
      multi(createOp('~/z'), setDataOp('~/z', 'x'))
    ]
  },
  {
    name: 'reads that are refused set no watch',
    steps: [
      create('~/a', { acl: [world(30)] }),
      getData('~/a', 0),
      getChildren('~/a', 1),
      exists('~/a', 2),
      setAcl('~/a', OPEN),
      setData('~/a', 'x'),
      create('~/a/b')
    ]
  },
  {
    name: 'recursive watches at several heights',
    steps: [
      open(1),
      addWatch('/', 0, true),
      addWatch('~', 1, true),
      addWatch('~/a', 2, true),
      addWatch('~/a/b', 3, true),
      ...by(1, addWatch('~/a/b', 4)),
      create('~/a'),
      create('~/a/b'),
      create('~/a/b/c'),
      setData('~/a/b/c', 'x'),
      create('~/ab'),
      remove('~/a/b/c'),
      remove('~/a/b'),
      multi(deleteOp('~/a'), createOp('~/a'), createOp('~/a/b'))
    ]
  },
  {
    name: 'a recursive watch and a child watch below it of one session',
    steps: [
      create('~/p'),
      create('~/p/a'),
      addWatch('~/p', 0, true),
      getChildren('~/p/a', 1),
      create('~/p/a/b'),
      create('~/p/a/c')
    ]
  },
  {
    name: 'a recursive watch and a child watch of one session',
    steps: [
      create('~/p'),
      addWatch('~/p', 0, true),
      getChildren('~/p', 1),
      create('~/p/a'),
      getChildren('~/p', 0),
      create('~/p/b')
    ]
  },
  {
    name: 'events within a multi, in order',
    steps: [
      create('~/p'),
      create('~/p/a'),
      open(1),
      open(2),
      open(3),
      addWatch('~', 0, true),
      ...by(1, addWatch('~/p', 1), addWatch('~/p/a', 2)),
      ...by(2, getChildren('~/p', 3), getData('~/p', 3), getData('~/p/a', 3)),
      ...by(3, getChildren('~/p', 4), getData('~/p', 5), getData('~/p/a', 6), exists('~/p/b', 7)),
      multi(
        setDataOp('~/p', '1'),
        deleteOp('~/p/a'),
        createOp('~/p/b'),
        setDataOp('~/p', '2'),
        createOp('~/p/a'),
        checkOp('~/p', 2)
      ),
      multi(createOp('~/p/c'), createOp('~/p/c'))
    ]
  },
  {
    name: 'the end of a session',
    steps: [
      open(1),
      create('~/p'),
      ...by(1, ephemeral('~/p/b'), ephemeral('~/p/a'), create('~/p/c-', { mode: MODES.EPHEMERAL_SEQUENTIAL }), ephemeral('~/q')),
      open(2),
      open(3),
      addWatch('~', 0, true),
      ...by(2, addWatch('~/p', 1)),
      ...by(3, getChildren('~/p', 2), exists('~/p/a', 3), getData('~/p/b', 4), getChildren('~', 5)),
      ...by(1, getData('~/p', 0), addWatch('~', 0, true)),
      close(1)
    ]
  },
  {
    name: 'watches are gone with their session, and its listeners start anew',
    steps: [open(1), create('~/a'), ...by(1, getData('~/a', 0), addWatch('~/a', 1)), close(1), open(1), setData('~/a', 'x')]
  },
  {
    name: 'removing watches',
    steps: [
      create('~/a'),
      removeAllWatches('~/a', 'Any'),
      removeAllWatches('~/none', 'Data'),
      getData('~/a', 0),
      getChildren('~/a', 1),
      exists('~/a', 2),
      removeAllWatches('~/a', 'Children'),
      removeAllWatches('~/a', 'Children'),
      create('~/a/b'),
      removeAllWatches('~/a', 'Data'),
      setData('~/a', 'x'),
      removeAllWatches('~/a', 'Data')
    ]
  },
  {
    name: 'removing watches of other kinds',
    steps: [
      create('~/a'),
      getData('~/a', 0),
      getChildren('~/a', 1),
      removeAllWatches('~/a', 'Any'),
      setData('~/a', 'x'),
      create('~/a/b'),
      exists('~/n', 3),
      removeAllWatches('~/n', 'Data'),
      create('~/n')
    ]
  },
  {
    name: 'removing persistent watches',
    steps: [
      create('~/a'),
      addWatch('~/a', 0),
      removeAllWatches('~/a', 'Data'),
      setData('~/a', 'x'),
      removeAllWatches('~/a', 'Any'),
      setData('~/a', 'y'),
      addWatch('~/a', 1, true),
      removeAllWatches('~/a', 'Any'),
      create('~/a/b')
    ]
  },
  {
    name: 'a watch of a kind in place of the other kind',
    steps: [
      create('~/a'),
      addWatch('~/a', 0),
      addWatch('~/a', 0, true),
      create('~/a/b'),
      create('~/a/b/c'),
      addWatch('~/a', 0),
      remove('~/a/b/c'),
      remove('~/a/b'),
      setData('~/a', 'x')
    ]
  },
  {
    name: 'who may not read hears nothing',
    steps: [
      create('~/a', { acl: [world(30)] }),
      open(1),
      open(2),
      open(3),
      open(4),
      addWatch('~/a', 1),
      ...by(1, addWatch('~', 2, true)),
      ...by(2, addAuth('super:secret'), exists('~/a', 0), getChildren('~/a', 3)),
      ...by(3, addAuth('super:secret'), addWatch('~/a', 0)),
      ...by(4, addAuth('super:secret'), addWatch('~', 0, true)),
      setData('~/a', 'x'),
      create('~/a/b'),
      create('~/a/c', { acl: [world(0)] }),
      remove('~/a/b'),
      remove('~/a/c'),
      remove('~/a'),
      exists('~/later', 4),
      create('~/later', { acl: [world(30)] })
    ]
  },
  {
    name: 'watches of multi reads and paths that are not valid',
    steps: [
      addWatch('~/', 0),
      addWatch('a', 0),
      addWatch('', 0),
      exists('~/', 0),
      removeAllWatches('~/', 'Any'),
      create('~/a'),
      multiRead(readOp('getData', '~/a')),
      setData('~/a', 'x')
    ]
  },
  {
    name: 'the root',
    steps: [
      open(1),
      open(2),
      addWatch('/', 0),
      ...by(1, getData('/', 1), getChildren('/', 2)),
      setData('/', 'y'),
      getData('/', null),
      create('~/a'),
      ...by(2, addWatch('/zookeeper', 4, true)),
      create('/zookeeper/quota~'),
      remove('/zookeeper/quota~')
    ]
  }
]
