import t from 'tap'
import type { EnsembleMember, WatchListener, ZooKeeper } from '../../lib/member/index.js'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { outcomeOf } from '../fixtures/outcome.js'
import { listening } from '../fixtures/watch-scene.js'

/** Where a watch stands: on the znode P that the txn is about, on its parent Q, or on the one above that. */
type Place = 'P' | 'Q' | 'above'

/** What has set it. `child` stands on a znode that is there, because `getChildren` of any other sets none. */
type Kind = 'exists' | 'data' | 'child' | 'persistent' | 'recursive'

interface Row {
  readonly txn: string
  /** What there is before beside Q, in the names P and Q. */
  readonly before?: readonly string[]
  /** `own` is a session that ends in this row, with ephemerals of its own. */
  readonly prepare?: (own: ZooKeeper, p: string) => Promise<unknown>
  readonly act: (zk: EnsembleMember, own: ZooKeeper, p: string) => Promise<unknown>
  readonly outcome?: string
  /** What is heard, in the names P and Q. Who is left out hears nothing. */
  readonly heard: { readonly [place in Place]?: { readonly [kind in Kind]?: readonly string[] } }
}

const CREATED = ['created P']
const DELETED = ['deleted P']
const CHANGED = ['dataChanged P']
const CHILDREN = ['childrenChanged Q']

const WHAT_A_DELETE_TELLS: Row['heard'] = {
  P: { exists: DELETED, data: DELETED, child: DELETED, persistent: DELETED, recursive: DELETED },
  Q: { child: CHILDREN, persistent: CHILDREN, recursive: DELETED },
  above: { recursive: DELETED }
}

/** The trigger matrix of the reference (section 1.5), a txn a row. */
const ROWS: readonly Row[] = [
  {
    txn: 'create',
    act: (zk, _own, p) => zk.create(p, 'x'),
    heard: {
      P: { exists: CREATED, persistent: CREATED, recursive: CREATED },
      Q: { child: CHILDREN, persistent: CHILDREN, recursive: CREATED },
      above: { recursive: CREATED }
    }
  },
  {
    txn: 'create of an ephemeral',
    act: (_zk, own, p) => own.create(p, null, { ephemeral: true }),
    heard: {
      P: { exists: CREATED, persistent: CREATED, recursive: CREATED },
      Q: { child: CHILDREN, persistent: CHILDREN, recursive: CREATED },
      above: { recursive: CREATED }
    }
  },
  {
    txn: 'delete',
    before: ['P'],
    act: (zk, _own, p) => zk.delete(p),
    heard: WHAT_A_DELETE_TELLS
  },
  {
    txn: 'setData',
    before: ['P'],
    act: (zk, _own, p) => zk.setData(p, 'x'),
    heard: {
      P: { exists: CHANGED, data: CHANGED, persistent: CHANGED, recursive: CHANGED },
      Q: { recursive: CHANGED },
      above: { recursive: CHANGED }
    }
  },
  {
    txn: 'create below it',
    before: ['P'],
    act: (zk, _own, p) => zk.create(`${p}/x`),
    heard: {
      P: { child: ['childrenChanged P'], persistent: ['childrenChanged P'], recursive: ['created P/x'] },
      Q: { recursive: ['created P/x'] },
      above: { recursive: ['created P/x'] }
    }
  },
  {
    txn: 'multi',
    before: ['P'],
    act: (zk, _own, p) =>
      zk.multi([
        { type: 'check', path: p },
        { type: 'setData', path: p, data: '1' },
        { type: 'create', path: `${p}/x` },
        { type: 'delete', path: `${p}/x` },
        { type: 'setData', path: p, data: '2' },
        { type: 'delete', path: p },
        { type: 'create', path: p }
      ]),
    heard: {
      P: {
        exists: CHANGED,
        data: CHANGED,
        child: ['childrenChanged P'],
        persistent: ['dataChanged P', 'childrenChanged P', 'childrenChanged P', 'dataChanged P', 'deleted P', 'created P'],
        recursive: ['dataChanged P', 'created P/x', 'deleted P/x', 'dataChanged P', 'deleted P', 'created P']
      },
      Q: {
        child: CHILDREN,
        persistent: ['childrenChanged Q', 'childrenChanged Q'],
        recursive: ['dataChanged P', 'created P/x', 'deleted P/x', 'dataChanged P', 'deleted P', 'created P']
      },
      above: { recursive: ['dataChanged P', 'created P/x', 'deleted P/x', 'dataChanged P', 'deleted P', 'created P'] }
    }
  },
  {
    txn: 'end of the session that owns it',
    prepare: (own, p) => own.create(p, null, { ephemeral: true }),
    act: (_zk, own) => own.close(),
    heard: WHAT_A_DELETE_TELLS
  },
  {
    txn: 'end of a session that owns two',
    prepare: (own, p) => Promise.all([own.create(p, null, { ephemeral: true }), own.create(`${p}2`, null, { ephemeral: true })]),
    act: (_zk, own) => own.close(),
    heard: {
      P: { exists: DELETED, data: DELETED, child: DELETED, persistent: DELETED, recursive: DELETED },
      Q: {
        child: CHILDREN,
        persistent: ['childrenChanged Q', 'childrenChanged Q'],
        recursive: ['deleted P', 'deleted P2']
      },
      above: { recursive: ['deleted P', 'deleted P2'] }
    }
  },
  {
    txn: 'end of a session that owns nothing',
    before: ['P'],
    act: (_zk, own) => own.close(),
    heard: {}
  },
  {
    txn: 'refused create',
    before: ['P'],
    act: (zk, _own, p) => zk.create(p),
    outcome: 'NODE_EXISTS',
    heard: {}
  },
  {
    txn: 'refused delete',
    before: ['P', 'P/x'],
    act: (zk, _own, p) => zk.delete(p),
    outcome: 'NOT_EMPTY',
    heard: {}
  },
  {
    txn: 'refused setData',
    before: ['P'],
    act: (zk, _own, p) => zk.setData(p, 'x', { version: 7 }),
    outcome: 'BAD_VERSION',
    heard: {}
  },
  {
    txn: 'multi that is refused half way',
    before: ['P'],
    act: (zk, _own, p) =>
      zk.multi([
        { type: 'setData', path: p, data: '1' },
        { type: 'create', path: `${p}/x` },
        { type: 'check', path: p, version: 7 }
      ]),
    outcome: 'BAD_VERSION',
    heard: {}
  },
  {
    txn: 'check',
    before: ['P'],
    act: (zk, _own, p) => zk.multi([{ type: 'check', path: p, version: 0 }]),
    heard: {}
  },
  {
    txn: 'sync and every read',
    before: ['P'],
    act: (zk, _own, p) =>
      Promise.all([zk.sync(), zk.getData(p, { linearizable: true }), zk.exists(p), zk.getChildren(p), zk.getEphemerals()]),
    heard: {}
  }
]

const KINDS: readonly Kind[] = ['exists', 'data', 'child', 'persistent', 'recursive']
const PLACES: readonly Place[] = ['P', 'Q', 'above']

/** Sets one. A one-shot watch that its read cannot set, because nothing is there, is none. */
function set(zk: EnsembleMember, kind: Kind, path: string, watch: WatchListener): Promise<unknown> {
  switch (kind) {
    case 'exists':
      return zk.exists(path, { watch })
    case 'data':
      return zk.getData(path, { watch }).catch(() => null)
    case 'child':
      return zk.getChildren(path, { watch }).catch(() => null)
    default:
      zk.watch(path, { recursive: kind === 'recursive' }, watch)
      return Promise.resolve()
  }
}

t.test('the trigger matrix', async t => {
  const ensemble = new VirtualEnsemble({ seed: 311, size: 1 })
  await ensemble.startAll()
  const member = ensemble.member(1)
  for (const [index, row] of ROWS.entries()) {
    t.test(row.txn, async t => {
      const above = `/row${index}`
      const [q, p] = [`${above}/q`, `${above}/q/p`]
      const named = (line: string) => line.replaceAll(p, 'P').replaceAll(q, 'Q').replaceAll(above, 'above')
      const own = await ensemble.settle(member.openSession())
      for (const path of [above, q]) await ensemble.settle(member.create(path))
      for (const path of row.before ?? []) await ensemble.settle(member.create(path.replace('P', p)))
      if (row.prepare !== undefined) await ensemble.settle(row.prepare(own, p))
      const watched: { readonly place: Place; readonly kind: Kind; readonly heard: string[] }[] = []
      for (const place of PLACES) {
        for (const kind of KINDS) {
          const { heard, listener } = listening()
          watched.push({ place, kind, heard })
          await ensemble.settle(set(member, kind, { P: p, Q: q, above }[place], listener))
        }
      }
      const { watches } = member.status()
      t.equal(await ensemble.settle(outcomeOf(row.act(member, own, p))), row.outcome ?? 'OK')
      let fired = 0
      for (const { place, kind, heard } of watched) {
        const expected = row.heard[place]?.[kind] ?? []
        t.strictSame(heard.map(named), expected, `${kind} watch on ${place}`)
        if (kind !== 'persistent' && kind !== 'recursive') fired += expected.length
      }
      t.equal(member.status().watches, watches - fired, 'what has fired is gone, and nothing else')
    })
  }
  t.teardown(() => ensemble.close())
})
