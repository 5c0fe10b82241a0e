import { MODES, type Sequence } from '../step.js'
import {
  addWatch,
  awaitGone,
  by,
  close,
  create,
  createOp,
  deleteOp,
  ephemeral,
  exists,
  getChildren,
  getData,
  getEphemerals,
  multi,
  open,
  pause,
  remove,
  setData,
  setDataOp
} from '../steps.js'

const CONTAINER = { mode: MODES.CONTAINER }
const ttl = (milliseconds: number) => ({ mode: MODES.PERSISTENT_WITH_TTL, ttl: milliseconds })

/** Znodes that the server removes of its own accord. Takes a server that looks for them often. */
export const LIVES: readonly Sequence[] = [
  {
    name: 'a container goes when its last child has gone',
    steps: [
      create('~/c', CONTAINER),
      exists('~/c'),
      open(1),
      open(2),
      addWatch('~', 0, true),
      ...by(1, addWatch('~', 1)),
      create('~/c/a'),
      create('~/c/b'),
      ...by(2, getChildren('~/c', 2), exists('~/c', 3)),
      remove('~/c/a'),
      exists('~/c'),
      ...by(2, getChildren('~/c', 2)),
      awaitGone('~/c', remove('~/c/b')),
      exists('~'),
      create('~/c', CONTAINER),
      exists('~/c')
    ]
  },
  {
    name: 'a container that has had no child stays',
    steps: [create('~/c', CONTAINER), setData('~/c', 'x'), pause(300), exists('~/c'), getData('~/c')]
  },
  {
    name: 'a container goes with the session that owned its last child',
    steps: [
      open(1),
      create('~/c', CONTAINER),
      ...by(1, ephemeral('~/c/e')),
      addWatch('~/c', 0),
      exists('~/c'),
      awaitGone('~/c', close(1)),
      exists('~'),
      getEphemerals('/')
    ]
  },
  {
    name: 'a container that is deleted by hand, or by a multi',
    steps: [
      create('~/c', CONTAINER),
      remove('~/c'),
      awaitGone('~/c', multi(createOp('~/c', CONTAINER), createOp('~/c/a'), deleteOp('~/c/a'))),
      exists('~')
    ]
  },
  {
    name: 'containers in containers go one after the other',
    steps: [
      create('~/c', CONTAINER),
      create('~/c/d', CONTAINER),
      create('~/c/d/e'),
      awaitGone('~/c', remove('~/c/d/e')),
      exists('~')
    ]
  },
  {
    name: 'a TTL znode goes when its time is over',
    steps: [create('~/t', ttl(200)), exists('~/t'), addWatch('~/t', 0), addWatch('~', 1, true), awaitGone('~/t'), exists('~')]
  },
  {
    name: 'a TTL znode stays while it has children',
    steps: [create('~/t', ttl(100)), create('~/t/a'), pause(600), exists('~/t'), awaitGone('~/t', remove('~/t/a')), exists('~')]
  },
  {
    name: 'a long TTL shows nothing of itself',
    steps: [
      create('~/t', ttl(1_000_000)),
      create('~/s-', { mode: MODES.PERSISTENT_SEQUENTIAL_WITH_TTL, ttl: 2 ** 40 - 1 }),
      setData('~/t', 'x'),
      exists('~/t'),
      multi(createOp('~/m', ttl(1_000_000)), setDataOp('~/m', 'x')),
      multi(createOp('~/n', { mode: MODES.PERSISTENT_SEQUENTIAL_WITH_TTL, ttl: 1_000_000 })),
      getEphemerals('/'),
      pause(200),
      getChildren('~')
    ]
  },
  {
    name: 'ephemerals below containers and TTL znodes',
    steps: [
      create('~/c', CONTAINER),
      create('~/t', ttl(1_000_000)),
      ephemeral('~/c/e'),
      ephemeral('~/t/e'),
      exists('~/c'),
      exists('~/t'),
      create('~/c/e/x')
    ]
  }
]
