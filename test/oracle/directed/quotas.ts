import type { Sequence, Step } from '../step.js'
import {
  addWatch,
  by,
  close,
  create,
  createOp,
  deleteOp,
  ephemeral,
  exists,
  getChildren,
  getData,
  multi,
  open,
  remove,
  sequential,
  setData,
  setDataOp
} from '../steps.js'

const QUOTA = '/zookeeper/quota~/p'
const LIMITS = `${QUOTA}/zookeeper_limits`
const STATS = `${QUOTA}/zookeeper_stats`

/** As `setquota` of ZooKeeper's command line does it. `stats` as that finds it. */
function withQuota(limits: string, stats = 'count=1,bytes=0'): Step[] {
  return [create('/zookeeper/quota~'), create(QUOTA), create(LIMITS, { data: limits }), create(STATS, { data: stats })]
}

const usage = (): Step[] => [getData(STATS)]

/** What counts, what is refused, and what is shown of it. */
export const QUOTAS: readonly Sequence[] = [
  {
    name: 'the usage that is shown',
    steps: [
      create('~/p', { data: 'four' }),
      ...withQuota('count=100,bytes=100=;byteHardLimit=-1;countHardLimit=-1', 'count=1,bytes=4'),
      ...usage(),
      create('~/p/a', { data: '123' }),
      ...usage(),
      create('~/p/a/b', { data: null }),
      ...usage(),
      setData('~/p/a', '12345'),
      ...usage(),
      setData('~/p/a', null),
      ...usage(),
      setData('~/p', 'x'),
      ...usage(),
      remove('~/p/a/b'),
      ...usage(),
      ephemeral('~/p/e'),
      sequential('~/p/s'),
      ...usage(),
      multi(createOp('~/p/m', { data: '22' }), setDataOp('~/p/m', '333'), deleteOp('~/p/a')),
      ...usage(),
      create('~/pp', { data: 'not in it' }),
      ...usage(),
      open(1),
      ...by(1, ephemeral('~/p/f')),
      ...usage(),
      close(1),
      ...usage(),
      exists(STATS),
      getChildren(QUOTA)
    ]
  },
  {
    name: 'a quota that is set later finds what there is',
    steps: [
      create('~/p', { data: 'four' }),
      create('~/p/a', { data: 'four' }),
      create('/zookeeper/quota~'),
      create(QUOTA),
      create(LIMITS, { data: 'count=10,bytes=10=;byteHardLimit=-1;countHardLimit=-1' }),
      create(STATS, { data: 'count=0,bytes=0' }),
      ...usage(),
      create('~/p/b', { data: 'x' }),
      ...usage(),
      setData('~/p/b', 'xx'),
      ...usage()
    ]
  },
  {
    name: 'the hard limit of the count',
    steps: [
      create('~/p'),
      ...withQuota('count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=3'),
      create('~/p/a'),
      create('~/p/b'),
      create('~/p/c'),
      sequential('~/p/s'),
      ephemeral('~/p/e'),
      create('~/p/a/b'),
      create('~/p/a'),
      create('~/p/none/c'),
      setData('~/p/a', 'long enough'),
      remove('~/p/b'),
      create('~/p/c'),
      multi(deleteOp('~/p/c'), createOp('~/p/d')),
      multi(createOp('~/p/x'), deleteOp('~/p/x')),
      create('~/q'),
      exists('~/p'),
      ...usage()
    ]
  },
  {
    name: 'the hard limit of the bytes',
    steps: [
      create('~/p', { data: '1234' }),
      ...withQuota('count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=-1', 'count=1,bytes=4'),
      create('~/p/a', { data: '123456' }),
      create('~/p/b', { data: '1' }),
      create('~/p/b', { data: '' }),
      create('~/p/c', { data: null }),
      setData('~/p/a', '1234567'),
      setData('~/p/a', '1234567', 7),
      setData('~/p/a', '123456'),
      setData('~/p/a', '12345'),
      setData('~/p/b', '1'),
      setData('~/p/b', '12'),
      setData('~/p', ''),
      setData('~/p/b', '12345'),
      ...usage(),
      setData('~/p/none', '1234567890123'),
      multi(setDataOp('~/p/a', ''), setDataOp('~/p/b', '1234567')),
      ...usage()
    ]
  },
  {
    name: 'soft limits refuse nothing',
    steps: [
      create('~/p', { data: '1234' }),
      ...withQuota('count=1,bytes=5=;byteHardLimit=-1;countHardLimit=-1', 'count=1,bytes=4'),
      create('~/p/a', { data: '123456' }),
      setData('~/p/a', '1234567890'),
      ...usage()
    ]
  },
  {
    name: 'limits in other spellings',
    steps: [
      create('~/p'),
      ...withQuota('count=1,bytes=-1'),
      create('~/p/a'),
      setData(LIMITS, 'countHardLimit=2'),
      create('~/p/b'),
      setData(LIMITS, 'count=-1,bytes=-1;countHardLimit=2'),
      create('~/p/b'),
      setData(LIMITS, 'nonsense'),
      getData(LIMITS),
      create('~/p/b'),
      setData(LIMITS, ''),
      create('~/p/c'),
      setData(LIMITS, null),
      create('~/p/d'),
      ...usage()
    ]
  },
  {
    name: 'a quota that is taken away',
    steps: [
      create('~/p'),
      ...withQuota('count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=1'),
      create('~/p/a'),
      remove(LIMITS),
      remove(STATS),
      create('~/p/a'),
      remove(QUOTA),
      create('~/p/b'),
      getChildren('/zookeeper/quota~')
    ]
  },
  {
    name: 'a quota within a quota',
    steps: [
      create('~/p'),
      create('~/p/a'),
      ...withQuota('count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=3', 'count=2,bytes=0'),
      create(`${QUOTA}/a`),
      create(`${QUOTA}/a/zookeeper_limits`, { data: 'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=10' }),
      create(`${QUOTA}/a/zookeeper_stats`, { data: 'count=1,bytes=0' }),
      create('~/p/a/1'),
      create('~/p/a/2'),
      create('~/p/a/3'),
      create('~/p/b'),
      ...usage(),
      getData(`${QUOTA}/a/zookeeper_stats`)
    ]
  },
  {
    name: 'nobody hears of usage',
    steps: [
      create('~/p'),
      ...withQuota('count=10,bytes=10'),
      addWatch(STATS, 0),
      getData(STATS, 1),
      create('~/p/a', { data: 'x' }),
      exists(STATS)
    ]
  },
  {
    name: 'writing the usage',
    steps: [
      create('~/p'),
      ...withQuota('count=10,bytes=10'),
      setData(STATS, 'count=7,bytes=7'),
      ...usage(),
      create('~/p/a', { data: 'x' }),
      ...usage()
    ]
  },
  {
    name: 'a quota for what is not there yet',
    steps: [
      create('/zookeeper/quota~'),
      create(QUOTA),
      create(LIMITS, { data: 'count=-1,bytes=-1=;byteHardLimit=3;countHardLimit=2' }),
      create(STATS, { data: 'count=0,bytes=0' }),
      create('~/p', { data: '1234' }),
      create('~/p', { data: '123' }),
      create('~/p/a'),
      create('~/p/b'),
      ...usage()
    ]
  }
]
