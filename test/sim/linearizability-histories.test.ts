import t from 'tap'
import { type MemberId, type Random, randomInt, type SessionId, seededRandom, type Zxid } from '../../lib/base/index.js'
import type { Answer, Call, HistoryEvent, Result, SingleReadAnswer } from '../../lib/sim/history.js'
import { checkLinearizable } from '../../lib/sim/search/linearizability.js'
import { type LinearizableOptions, linearizableHistories } from '../../lib/sim/search/linearizable-histories.js'
import { familyModel, registerModel } from '../../lib/sim/search/linearizable-models.js'
import type { Stat } from '../../lib/tree/index.js'

/** Zxids that are nonsense: nobody may look at them. */
const statOf = (of: Partial<Stat> = {}): Stat => ({
  czxid: 9e9 as Zxid,
  mzxid: 1 as Zxid,
  pzxid: 0 as Zxid,
  ctime: 0,
  mtime: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0 as SessionId,
  dataLength: 0,
  numChildren: 0,
  ...of
})

class Script {
  readonly history: HistoryEvent[] = []
  #calls = 0

  call(what: Call, session = 1): number {
    const call = ++this.#calls
    this.history.push({ ...this.#at(session), kind: 'call', call, what })
    return call
  }

  return(call: number, result: Result, session = 1): void {
    this.history.push({ ...this.#at(session), kind: 'return', call, result, zxidApplied: 0 as Zxid })
  }

  /** A call and its return, with nothing between them. */
  done(what: Call, answer: Answer, session = 1): this {
    this.return(this.call(what, session), answered(answer), session)
    return this
  }

  refused(what: Call, code: Extract<Result, { kind: 'refused' }>['code'], session = 1): this {
    this.return(this.call(what, session), { kind: 'refused', code, path: null, zxid: null, results: null }, session)
    return this
  }

  #at(session: number) {
    return { at: this.history.length, member: session as MemberId, process: 1, session: session as SessionId }
  }
}

type SingleAnswer = Exclude<Answer, { kind: 'multi' }>

const answered = (answer: Answer): Result => ({ kind: 'answered', answer })
const broken: Result = { kind: 'failed', code: 'CONNECTION_LOSS', outcome: 'unknown' }

type Create = Extract<Call, { kind: 'create' }>

const create = (path: string, data: string | null = null, more: Partial<Create> = {}): Create => ({
  kind: 'create',
  path,
  data,
  sequential: false,
  ephemeral: false,
  lifetime: 0,
  acl: null,
  parents: false,
  ifAbsent: false,
  ...more
})
const created = (path: string, of: Partial<Stat> = {}): SingleAnswer => ({
  kind: 'create',
  path,
  stat: statOf(of),
  created: true
})
const found = (path: string, of: Partial<Stat> = {}): SingleAnswer => ({ kind: 'create', path, stat: statOf(of), created: false })
const setData = (data: string, version = -1, path = '/a') => ({ kind: 'setData', path, data, version }) as const satisfies Call
const set = (version: number, dataLength = 1): SingleAnswer => ({ kind: 'setData', stat: statOf({ version, dataLength }) })
const remove = (path = '/a', version = -1, more: { recursive?: boolean; ifExists?: boolean } = {}) =>
  ({ kind: 'delete', path, version, recursive: false, ifExists: false, ...more }) as const satisfies Call
const removed: Answer = { kind: 'delete' }
const getData = (linearizable = true, path = '/a') =>
  ({ kind: 'getData', path, linearizable, watch: null }) as const satisfies Call
const data = (text: string, version: number): Answer => ({
  kind: 'getData',
  data: text,
  stat: statOf({ version, dataLength: text.length })
})
const exists = (path = '/a') => ({ kind: 'exists', path, linearizable: true, watch: null }) as const satisfies Call
const absent: Answer = { kind: 'exists', stat: null }
const list = (path = '/p', after: string | null = null, limit: number | null = null) =>
  ({ kind: 'getChildren', path, after, limit, linearizable: true, watch: null }) as const satisfies Call
const listed = (children: readonly string[], cversion: number): Answer => ({
  kind: 'getChildren',
  children,
  stat: statOf({ cversion, numChildren: children.length })
})

function registerVerdict(
  { history }: Script,
  path = '/a',
  tookEffect?: (call: number) => boolean | null,
  known: LinearizableOptions = {}
): string {
  const { registers } = linearizableHistories(history, tookEffect === undefined ? known : { ...known, tookEffect })
  return checkLinearizable(registers.get(path) ?? [], registerModel(path)).kind
}

function familyVerdict({ history }: Script, path = '/p', known: LinearizableOptions = {}): string {
  return checkLinearizable(linearizableHistories(history, known).families.get(path) ?? [], familyModel(path)).kind
}

const fresh = () => new Script().done(create('/a', 'x'), created('/a', { dataLength: 1 }))

t.test('what a znode says when it is asked by one client after the other', async t => {
  const good = fresh()
    .done(getData(), data('x', 0))
    .refused(create('/a'), 'NODE_EXISTS')
    .done(setData('y', 0), set(1))
    .refused(setData('z', 0), 'BAD_VERSION')
    .done(getData(), data('y', 1))
    .refused(remove('/a', 7), 'BAD_VERSION')
    .done(remove(), removed)
    .done(exists(), absent)
    .refused(getData(), 'NO_NODE')
    .refused(remove(), 'NO_NODE')
    .refused(setData('z'), 'NO_NODE')
    .done(create('/a'), created('/a'))
    .done(setData('y', 0), set(1))
  t.equal(registerVerdict(good), 'linearizable')
  t.equal(linearizableHistories(good.history).registers.get('/a')?.length, 14)
})

const BAD: Record<string, () => Script> = {
  'a stale read': () => fresh().done(setData('y'), set(1)).done(getData(), data('x', 0), 2),
  'a value that was never written': () => fresh().done(getData(), data('q', 0)),
  'a version that is none of its value': () => fresh().done(setData('y'), set(1)).done(getData(), data('x', 1)),
  'a lost update: two that both saw version 0': () => fresh().done(setData('y', 0), set(1)).done(setData('z', 0), set(1), 2),
  'a version that is used again': () => fresh().done(setData('y'), set(1)).done(setData('z'), set(1), 2),
  'a version that is skipped': () => fresh().done(setData('y'), set(2)),
  'a write that was acknowledged and is not visible': () => fresh().done(setData('y'), set(1)).done(getData(), data('x', 0)),
  'a create that was acknowledged and is not visible': () => fresh().done(exists(), absent),
  'one znode created twice': () => fresh().done(create('/a'), created('/a'), 2),
  'a delete that was acknowledged, and a znode that is there': () =>
    fresh().done(remove(), removed).done(getData(), data('x', 0), 2),
  'one znode deleted twice': () => fresh().done(remove(), removed).done(remove(), removed, 2),
  'a znode that lives on when it was created anew': () =>
    fresh().done(setData('y'), set(1)).done(remove(), removed).done(create('/a'), created('/a')).done(setData('z'), set(2)),
  'a refusal for a znode that is there': () => fresh().refused(getData(), 'NO_NODE'),
  'a refusal of the right version': () => fresh().refused(setData('y', 0), 'BAD_VERSION'),
  'a refusal of a znode that is not there': () => fresh().done(remove(), removed).refused(create('/a'), 'NODE_EXISTS'),
  'bytes that are not counted': () => fresh().done(setData('y'), set(1, 9)),
  'a multi whose parts did not all happen': () =>
    fresh()
      .done({ kind: 'multi', operations: [setData('y'), setData('z')] }, { kind: 'multi', results: [set(1), set(2)] })
      .done(getData(), data('y', 1), 2),
  'a check in a multi that cannot have held': () =>
    fresh().done(
      { kind: 'multi', operations: [{ kind: 'check', path: '/a', version: 3 }, setData('z')] },
      { kind: 'multi', results: [{ kind: 'check' }, set(1)] }
    ),
  'an ephemeral that outlives the end of its session': () =>
    new Script()
      .done(create('/a', null, { ephemeral: true }), created('/a', { ephemeralOwner: 1 as SessionId }))
      .done({ kind: 'closeSession' }, { kind: 'closeSession' })
      .done(exists(), { kind: 'exists', stat: statOf({ ephemeralOwner: 1 as SessionId }) }, 2),
  'an ephemeral of somebody else': () =>
    new Script().done(create('/a', null, { ephemeral: true }), created('/a', { ephemeralOwner: 2 as SessionId }))
}
for (const [name, script] of Object.entries(BAD)) {
  t.test(`not linearizable: ${name}`, async t => {
    t.equal(registerVerdict(script()), 'not linearizable')
  })
}

t.test('a plain read may be stale, unless a sync of its session was asked for before', async t => {
  const stale = (before: (script: Script) => unknown) => {
    const script = fresh()
    script.done(setData('y'), set(1))
    before(script)
    return registerVerdict(script.done(getData(false), data('x', 0), 2))
  }
  const sync = { kind: 'sync' } as const
  t.equal(
    stale(() => {}),
    'linearizable'
  )
  t.equal(
    stale(script => script.done(sync, { kind: 'sync', zxid: 1 }, 3)),
    'linearizable',
    'of another session'
  )
  t.equal(
    stale(script => script.done(sync, { kind: 'sync', zxid: 1 }, 2)),
    'not linearizable'
  )
  t.equal(
    stale(script => script.return(script.call(sync, 2), broken, 2)),
    'linearizable',
    'and was answered'
  )
  const early = fresh()
  early.done(sync, { kind: 'sync', zxid: 1 }, 2)
  early.done(setData('y'), set(1))
  t.equal(registerVerdict(early.done(getData(false), data('x', 0), 2)), 'linearizable', 'it promises no more than there was then')
})

t.test('a write that was broken off may have happened or not, and not both', async t => {
  const half = (...reads: readonly Answer[]) => {
    const script = fresh()
    script.return(script.call(setData('y')), broken)
    for (const read of reads) script.done(getData(), read, 2)
    return script
  }
  t.equal(registerVerdict(half(data('x', 0), data('x', 0))), 'linearizable')
  t.equal(registerVerdict(half(data('x', 0), data('y', 1))), 'linearizable')
  t.equal(registerVerdict(half(data('y', 1), data('x', 0))), 'not linearizable', 'seen and then unseen')
  const known = half(data('x', 0), data('y', 1))
  t.equal(
    registerVerdict(known, '/a', () => true),
    'linearizable'
  )
  t.equal(
    registerVerdict(known, '/a', () => false),
    'not linearizable',
    'what is known not to have happened was not seen'
  )
  t.equal(
    registerVerdict(half(), '/a', () => true),
    'linearizable',
    'what is known to have happened may not have been seen yet'
  )
  const impossible = fresh()
  impossible.call(setData('y', 5))
  t.equal(registerVerdict(impossible), 'linearizable')
  t.equal(
    registerVerdict(impossible, '/a', () => true),
    'not linearizable',
    'what is known to have happened was possible'
  )
  const never = fresh()
  never.return(never.call(setData('y')), { kind: 'failed', code: 'CLOSED', outcome: 'not-applied' })
  t.equal(registerVerdict(never.done(getData(), data('y', 1), 2)), 'not linearizable')
})

t.test('the ephemeral of a session may go at any time, and its znode with it', async t => {
  const owned = () =>
    new Script().done(create('/a', null, { ephemeral: true }), created('/a', { ephemeralOwner: 1 as SessionId }))
  t.equal(registerVerdict(owned().done(exists(), absent, 2)), 'linearizable')
  t.equal(
    registerVerdict(owned().done(exists(), absent, 2).done(setData('y'), set(1), 2)),
    'not linearizable',
    'and does not come back'
  )
})

const family = () => new Script().done(create('/p'), created('/p'))
const sequential = create('/p/n-', null, { sequential: true })

t.test('a parent and its children', async t => {
  const good = family()
    .done(list(), listed([], 0))
    .done(sequential, created('/p/n-0000000000'))
    .done(create('/p/b'), created('/p/b'))
    .refused(create('/p/b'), 'NODE_EXISTS')
    .done(sequential, created('/p/n-0000000002'), 2)
    .done(list(), listed(['n-0000000002', 'b', 'n-0000000000'], 3), 2)
    .refused(remove('/p'), 'NOT_EMPTY')
    .done(remove('/p/b'), removed)
    .refused(remove('/p/b'), 'NO_NODE')
    .done(list(), listed(['n-0000000000', 'n-0000000002'], 4))
    .done(remove('/p/n-0000000000'), removed)
    .done(remove('/p/n-0000000002'), removed)
    .done(remove('/p'), removed)
    .refused(create('/p/x'), 'NO_NODE')
    .refused(list(), 'NO_NODE')
  t.equal(familyVerdict(good), 'linearizable')
  t.equal(registerVerdict(good, '/p/b'), 'linearizable', 'and of a child alone')
  t.equal(registerVerdict(good, '/p'), 'linearizable')
})

const BAD_FAMILIES: Record<string, () => Script> = {
  'a sequential name that is given twice': () =>
    family().done(sequential, created('/p/n-0000000000')).done(sequential, created('/p/n-0000000000'), 2),
  'a number that goes back': () => family().done(create('/p/b'), created('/p/b')).done(sequential, created('/p/n-0000000000')),
  'a child that is created twice': () => family().done(create('/p/b'), created('/p/b')).done(create('/p/b'), created('/p/b'), 2),
  'a child that is not listed': () => family().done(create('/p/b'), created('/p/b')).done(list(), listed([], 1)),
  'a child that nobody created': () => family().done(list(), listed(['b'], 1)),
  'a child that was deleted and is listed': () =>
    family()
      .done(create('/p/b'), created('/p/b'))
      .done(remove('/p/b'), removed)
      .done(list(), listed(['b'], 1)),
  'a cversion that counts a change too few': () =>
    family().done(create('/p/b'), created('/p/b')).done(remove('/p/b'), removed).done(list(), listed([], 1)),
  'a parent that is deleted under its children': () => family().done(create('/p/b'), created('/p/b')).done(remove('/p'), removed),
  'a parent that is empty and is not deleted': () => family().done(list(), listed([], 0)).refused(remove('/p'), 'NOT_EMPTY'),
  'a child without a parent': () => new Script().done(create('/p/b'), created('/p/b')),
  'half a multi': () =>
    family()
      .done(
        { kind: 'multi', operations: [create('/p/b'), create('/p/c')] },
        { kind: 'multi', results: [created('/p/b'), created('/p/c')] }
      )
      .done(list(), listed(['b'], 1))
}
for (const [name, script] of Object.entries(BAD_FAMILIES)) {
  t.test(`not linearizable: ${name}`, async t => {
    t.equal(familyVerdict(script()), 'not linearizable')
  })
}

t.test('a sequential create that was broken off has taken a number or not', async t => {
  const half = (name: string) => {
    const script = family()
    script.return(script.call(sequential), broken)
    return familyVerdict(script.done(sequential, created(name), 2))
  }
  t.equal(half('/p/n-0000000000'), 'linearizable')
  t.equal(half('/p/n-0000000001'), 'linearizable')
  t.equal(half('/p/n-0000000002'), 'not linearizable')
  const seen = family()
  seen.return(seen.call(create('/p/n-', 'x', { sequential: true })), broken)
  seen.done(getData(true, '/p/n-0000000000'), data('x', 0), 2)
  seen.done(remove('/p/n-0000000000'), removed, 2)
  t.equal(registerVerdict(seen, '/p/n-0000000000'), 'linearizable', 'it may be that znode')
})

t.test(
  'a sequential create that has taken effect, and was not heard of, is one znode and not every one that it may be',
  async t => {
    const script = family()
    const lost = script.call(create('/p/n-', 'x', { sequential: true }), 3)
    script.done(sequential, created('/p/n-0000000000')).done(sequential, created('/p/n-0000000002'), 2)
    const histories = linearizableHistories(script.history, { tookEffect: call => call === lost })
    for (const [path, operations] of histories.registers) {
      t.equal(checkLinearizable(operations, registerModel(path)).kind, 'linearizable', path)
    }
    const verdictOn = (happened: boolean) => {
      const { families } = linearizableHistories(script.history, { tookEffect: () => happened })
      return checkLinearizable(families.get('/p') ?? [], familyModel('/p')).kind
    }
    t.equal(verdictOn(true), 'linearizable')
    t.equal(verdictOn(false), 'not linearizable', 'somebody has taken the number 1')
  }
)

t.test('the root is there from the beginning', async t => {
  const stat = statOf()
  const good = new Script().done(getData(true, '/'), { kind: 'getData', data: '', stat }).done(setData('y', 0, '/'), set(1))
  t.equal(registerVerdict(good, '/'), 'linearizable')
  t.equal(registerVerdict(good.refused(getData(true, '/'), 'NO_NODE'), '/'), 'not linearizable')
})

t.test('what would change nothing at first may be needed later', async t => {
  const script = new Script()
  const deleting = script.call(remove('/a', -1, { ifExists: true }))
  script.done(create('/a', 'x'), created('/a', { dataLength: 1 }), 2)
  script.return(deleting, answered(removed))
  t.equal(registerVerdict(script), 'linearizable')
  script.done(create('/a', 'y'), created('/a', { dataLength: 1 }), 2)
  t.equal(registerVerdict(script), 'linearizable', 'so the znode was deleted between the two')
})

t.test('a session that is known to live on takes nothing away', async t => {
  const script = new Script().done(create('/a', null, { ephemeral: true }), created('/a', { ephemeralOwner: 1 as SessionId }))
  script.done(exists(), absent, 2)
  const verdictOn = (ended: boolean | null) => {
    const { registers } = linearizableHistories(script.history, { hasEnded: () => ended })
    return checkLinearizable(registers.get('/a') ?? [], registerModel('/a')).kind
  }
  t.equal(verdictOn(null), 'linearizable')
  t.equal(verdictOn(true), 'linearizable')
  t.equal(verdictOn(false), 'not linearizable')
})

const touched = (version: number): Answer => ({ kind: 'touch', stat: statOf({ version }) })

t.test('what is created if it is not there, and deleted if it is, is done once or not at all', async t => {
  const good = new Script()
    .done(create('/a', 'x', { ifAbsent: true }), created('/a', { dataLength: 1 }))
    .done(create('/a', 'other', { ifAbsent: true }), found('/a', { dataLength: 1 }), 2)
    .done(setData('yy'), set(1, 2))
    .done(create('/a', null, { ifAbsent: true }), found('/a', { version: 1, dataLength: 2 }))
    .done(remove('/a', -1, { ifExists: true }), removed)
    .done(remove('/a', 7, { ifExists: true }), removed, 2)
    .done(exists(), absent)
  t.equal(registerVerdict(good), 'linearizable')
  const bad = {
    'created over another': fresh().done(create('/a', 'x', { ifAbsent: true }), created('/a', { dataLength: 1 })),
    'found where nothing is': new Script().done(create('/a', null, { ifAbsent: true }), found('/a')),
    'found as it never was': fresh().done(create('/a', 'x', { ifAbsent: true }), found('/a', { version: 3, dataLength: 1 })),
    'found, by one who has not asked for that': fresh().done(create('/a', 'x'), found('/a', { dataLength: 1 })),
    'deleted in another version': fresh().done(remove('/a', 7, { ifExists: true }), removed),
    'deleted, and there': fresh()
      .done(remove('/a', -1, { ifExists: true }), removed)
      .done(getData(), data('x', 0))
  }
  for (const [what, script] of Object.entries(bad)) t.equal(registerVerdict(script), 'not linearizable', what)
  const half = family()
  half.return(half.call(create('/p/b', null, { ifAbsent: true })), broken)
  half.done(list(), listed(['b'], 1), 2)
  t.equal(familyVerdict(half), 'linearizable')
  t.equal(familyVerdict(half.done(create('/p/b', null, { ifAbsent: true }), found('/p/b'))), 'linearizable')
  t.equal(familyVerdict(half.done(create('/p/b', null, { ifAbsent: true }), created('/p/b'))), 'not linearizable')
})

t.test('what a create makes on its way is made at the same moment, where it was missing', async t => {
  const asked = create('/a/b/c', 'x', { parents: true })
  const good = new Script()
    .done(asked, created('/a/b/c', { dataLength: 1 }))
    .done(exists('/a'), { kind: 'exists', stat: statOf({ numChildren: 1, cversion: 1 }) }, 2)
    .done(list('/a'), listed(['b'], 1))
    .done(setData('y', 0), set(1))
    .done(list('/a/b'), listed(['c'], 1))
    .done(remove('/a/b/c'), removed)
    .done(asked, created('/a/b/c', { dataLength: 1 }))
    .done(list('/a/b'), listed(['c'], 3), 2)
  for (const path of ['/a', '/a/b', '/a/b/c']) t.equal(registerVerdict(good, path), 'linearizable', path)
  for (const path of ['/a', '/a/b']) t.equal(familyVerdict(good, path), 'linearizable', path)
  t.equal(registerVerdict(good.done(getData(), data('y', 1), 2)), 'linearizable', 'it is not made anew')
  const blind = (what: Call, answer: Answer) =>
    new Script().done(asked, created('/a/b/c', { dataLength: 1 })).done(what, answer, 2)
  t.equal(registerVerdict(blind(exists('/a'), absent)), 'not linearizable')
  t.equal(registerVerdict(blind(getData(true, '/a'), data('x', 0))), 'not linearizable', 'it has no data')
  t.equal(familyVerdict(blind(list('/a'), listed([], 0)), '/a'), 'not linearizable')
  t.equal(familyVerdict(blind(list('/a/b'), listed(['b'], 1)), '/a/b'), 'not linearizable')
  t.equal(
    registerVerdict(new Script().done(create('/a/b/c'), created('/a/b/c')).done(exists('/a'), absent)),
    'linearizable',
    'no parents'
  )
  // Where the name is not known, what it stands under is.
  const unnamed = new Script()
  unnamed.return(unnamed.call(create('/a/b/n-', null, { parents: true, sequential: true })), broken)
  unnamed.done(exists('/a'), { kind: 'exists', stat: statOf() }, 2)
  t.equal(registerVerdict(unnamed), 'linearizable')
  t.equal(
    registerVerdict(unnamed, '/a', () => false),
    'linearizable',
    'nobody has written to it then'
  )
  t.equal(familyVerdict(unnamed.done(list('/a/b'), listed(['n-0000000000'], 1)), '/a/b'), 'linearizable')
})

t.test('a subtree goes with its root at one moment', async t => {
  const tree = () =>
    new Script()
      .done(create('/p'), created('/p'))
      .done(create('/p/a', 'x'), created('/p/a', { dataLength: 1 }))
      .done(create('/p/a/b'), created('/p/a/b'))
      .done(create('/p/c'), created('/p/c'))
  const all = remove('/p', 0, { recursive: true })
  const good = tree()
    .done(all, removed)
    .done(exists('/p/a'), absent, 2)
    .done(create('/p'), created('/p'))
    .done(list(), listed([], 0))
  for (const path of ['/p', '/p/a', '/p/a/b', '/p/c']) t.equal(registerVerdict(good, path), 'linearizable', path)
  t.equal(familyVerdict(good), 'linearizable')
  const branch = tree()
    .done(remove('/p/a', -1, { recursive: true }), removed)
    .done(list(), listed(['c'], 3))
  t.equal(familyVerdict(branch), 'linearizable')
  t.equal(registerVerdict(branch.done(exists('/p/a/b'), absent), '/p/a/b'), 'linearizable')
  const left = tree().done(all, removed).done(getData(true, '/p/a'), data('x', 0), 2)
  t.equal(registerVerdict(left, '/p/a'), 'not linearizable', 'below it something is left')
  const other = tree().done(remove('/p', 4, { recursive: true }), removed)
  t.equal(registerVerdict(other, '/p'), 'not linearizable', 'it had another version')
  t.equal(familyVerdict(tree().refused(all, 'NOT_EMPTY')), 'linearizable', 'what the leader never says is not looked at here')
  t.equal(
    registerVerdict(
      tree()
        .done(remove('/p/a', -1, { recursive: true }), removed)
        .done(exists('/p/c'), absent),
      '/p/c'
    ),
    'not linearizable'
  )
  t.equal(
    familyVerdict(
      tree()
        .done(create('/p/b/d', null, { parents: true }), created('/p/b/d'))
        .done(list(), listed(['a', 'b', 'c'], 3))
    ),
    'linearizable'
  )
})

t.test('what changes nothing where it could come first may still have to come later', async t => {
  const overlapping = (what: Call, answer: Answer, between: (script: Script) => unknown, then: (script: Script) => unknown) => {
    const script = family()
    const call = script.call(what, 7)
    between(script)
    script.return(call, answered(answer), 7)
    then(script)
    return script
  }
  const gone = overlapping(
    remove('/p', -1, { recursive: true }),
    removed,
    script => script.done(create('/p/b'), created('/p/b')),
    script => script.done(exists('/p/b'), absent)
  )
  t.equal(registerVerdict(gone, '/p/b'), 'linearizable')
  const left = overlapping(
    remove('/p/b', -1, { ifExists: true }),
    removed,
    script => script.done(create('/p/b'), created('/p/b')),
    script => script.done(exists('/p/b'), absent).done(list(), listed([], 2))
  )
  t.equal(registerVerdict(left, '/p/b'), 'linearizable')
  t.equal(familyVerdict(left), 'linearizable')
  const made = overlapping(
    create('/p/b/c', null, { parents: true }),
    created('/p/b/c'),
    script => script.done(create('/p/b'), created('/p/b')).done(remove('/p/b'), removed),
    script => script.done(exists('/p/b'), { kind: 'exists', stat: statOf() })
  )
  t.equal(registerVerdict(made, '/p/b'), 'linearizable')
  const twice = overlapping(
    create('/p/b', null, { ifAbsent: true }),
    found('/p/b'),
    script => script.done(create('/p/b'), created('/p/b')).done(remove('/p/b'), removed),
    script => script.done(exists('/p/b'), absent)
  )
  t.equal(registerVerdict(twice, '/p/b'), 'linearizable')
})

t.test('what does not last by itself may go at any time, unless it is known that nothing has', async t => {
  for (const lifetime of [-1, 50]) {
    const script = new Script().done(create('/a', null, { lifetime }), created('/a')).done(exists(), absent, 2)
    t.equal(registerVerdict(script), 'linearizable')
    t.equal(registerVerdict(script, '/a', undefined, { wasRemoved: () => true }), 'linearizable')
    t.equal(registerVerdict(script, '/a', undefined, { wasRemoved: () => false }), 'not linearizable')
    t.equal(registerVerdict(script.done(setData('y'), set(1))), 'not linearizable', 'and does not come back')
    const child = family().done(create('/p/n-', null, { lifetime, sequential: true }), created('/p/n-0000000000'))
    t.equal(familyVerdict(child.done(list(), listed([], 2), 2)), 'linearizable')
    t.equal(familyVerdict(child, '/p', { wasRemoved: () => false }), 'linearizable', 'its name was not known before')
  }
  const lasting = new Script().done(create('/a'), created('/a')).done(exists(), absent, 2)
  t.equal(registerVerdict(lasting), 'not linearizable')
  const parent = new Script().done(create('/p', null, { lifetime: -1 }), created('/p')).done(create('/p/b'), created('/p/b'))
  t.equal(familyVerdict(parent.refused(list(), 'NO_NODE')), 'not linearizable', 'what has a child stays')
})

t.test('the ephemerals of a session that ends in parts may go one after the other', async t => {
  const owner = { ephemeralOwner: 1 as SessionId }
  const script = family()
    .done(create('/p/a', null, { ephemeral: true }), created('/p/a', owner))
    .done(create('/p/b', null, { ephemeral: true }), created('/p/b', owner))
    .done(list(), listed(['b'], 3), 2)
    .done(list(), listed([], 4), 2)
  t.equal(familyVerdict(script), 'linearizable')
  t.equal(familyVerdict(script, '/p', { hasEndedInParts: () => true }), 'linearizable')
  t.equal(familyVerdict(script, '/p', { hasEndedInParts: () => false }), 'not linearizable', 'then both go at once')
  t.equal(familyVerdict(script.done(list(), listed(['a'], 5), 2)), 'not linearizable')
})

t.test('a touch or a setACL says that the znode is there, and changes nothing that is looked at', async t => {
  const acl: Answer = { kind: 'setACL', stat: statOf({ aversion: 1 }) }
  const setAcl = (version = -1): Call => ({ kind: 'setACL', path: '/a', acl: null, version })
  const touch: Call = { kind: 'touch', path: '/a' }
  t.equal(registerVerdict(fresh().done(touch, touched(0)).done(setAcl(), acl).done(getData(), data('x', 0))), 'linearizable')
  t.equal(registerVerdict(fresh().done(remove(), removed).done(touch, touched(0))), 'not linearizable')
  t.equal(registerVerdict(fresh().done(remove(), removed).done(setAcl(), acl, 2)), 'not linearizable')
  t.equal(registerVerdict(fresh().refused(touch, 'NO_NODE')), 'not linearizable')
  t.equal(registerVerdict(fresh().refused(setAcl(0), 'BAD_VERSION')), 'linearizable', 'of the ACL')
  t.equal(registerVerdict(fresh().refused(setData('y'), 'NO_AUTH').refused(setData('y'), 'QUOTA_EXCEEDED')), 'linearizable')
})

t.test('reads of other kinds, and several at once, are looked at as well', async t => {
  const acl = (version: number): Answer => ({ kind: 'getACL', acl: [], stat: statOf({ version, dataLength: 1 }) })
  const getAcl: Call = { kind: 'getACL', path: '/a', linearizable: true, watch: null }
  const count: Call = { kind: 'getAllChildrenNumber', path: '/a', linearizable: true, watch: null }
  t.equal(registerVerdict(fresh().done(getAcl, acl(0)).done(count, { kind: 'getAllChildrenNumber', count: 3 })), 'linearizable')
  t.equal(registerVerdict(fresh().done(getAcl, acl(1))), 'not linearizable')
  t.equal(registerVerdict(fresh().refused(count, 'NO_NODE')), 'not linearizable')
  t.equal(registerVerdict(fresh().refused(getAcl, 'NO_AUTH')), 'linearizable')
  const multiRead = {
    kind: 'multiRead',
    reads: [
      { kind: 'getData', path: '/a' },
      { kind: 'exists', path: '/b' }
    ],
    linearizable: true
  } as const
  const answers = (text: string, version: number): Answer => ({
    kind: 'multiRead',
    results: [data(text, version) as SingleReadAnswer, { kind: 'exists', stat: null }]
  })
  const script = () => fresh().done(setData('y'), set(1))
  t.equal(registerVerdict(script().done(multiRead, answers('y', 1))), 'linearizable')
  t.equal(registerVerdict(script().done(multiRead, answers('x', 0))), 'not linearizable')
  const none: Answer = {
    kind: 'multiRead',
    results: [
      { kind: 'error', code: 'NO_NODE' },
      { kind: 'exists', stat: null }
    ]
  }
  t.equal(registerVerdict(script().done(multiRead, none)), 'not linearizable')
  const forbidden: Answer = {
    kind: 'multiRead',
    results: [
      { kind: 'error', code: 'NO_AUTH' },
      { kind: 'exists', stat: null }
    ]
  }
  t.equal(registerVerdict(script().done(multiRead, forbidden)), 'linearizable')
  const counted = (below: number) =>
    family()
      .done(create('/p/b'), created('/p/b'))
      .done({ ...count, path: '/p' }, { kind: 'getAllChildrenNumber', count: below })
  t.equal(familyVerdict(counted(1)), 'linearizable')
  t.equal(familyVerdict(counted(0)), 'not linearizable')
})

t.test('a page of children is that part of them', async t => {
  const script = () => ['c', 'a', 'b'].reduce((all, name) => all.done(create(`/p/${name}`), created(`/p/${name}`)), family())
  const page = (children: readonly string[], after: string | null, limit: number | null) =>
    familyVerdict(
      script().done(list('/p', after, limit), { kind: 'getChildren', children, stat: statOf({ cversion: 3, numChildren: 3 }) })
    )
  t.equal(page(['a', 'b'], null, 2), 'linearizable')
  t.equal(page(['b', 'c'], 'a', null), 'linearizable')
  t.equal(page(['c'], 'bb', 1), 'linearizable')
  t.equal(page(['a', 'c'], null, 2), 'not linearizable')
  t.equal(page(['a'], null, 2), 'not linearizable')
  t.equal(page(['a', 'b', 'c'], 'a', null), 'not linearizable')
})

t.test('what is ZooKeeper`s own is left to others', async t => {
  const path = '/zookeeper/quota/a/zookeeper_stats'
  const { registers, families } = linearizableHistories(
    new Script().done(create(path, null, { parents: true }), created(path, { dataLength: 15 })).history
  )
  t.strictSame([...registers.keys(), ...families.keys()], [])
})

/** A tree of one parent that is real, asked by clients whose calls overlap. */
function randomFamily(random: Random, count: number): Script {
  const script = family()
  const pending = new Map<number, { call: number; what: Call; result: Result | null }>()
  let creates = 0
  const children = new Set<string>()
  const act = (what: Call): Result => {
    const refuse = (code: 'NO_NODE' | 'NODE_EXISTS'): Result => ({ kind: 'refused', code, path: null, zxid: null, results: null })
    if (what.kind === 'create') {
      const path = what.sequential ? `${what.path}${String(creates).padStart(10, '0')}` : what.path
      if (children.has(path)) return refuse('NODE_EXISTS')
      children.add(path)
      creates++
      return answered(created(path))
    }
    if (what.kind === 'delete') return children.delete(what.path) ? answered(removed) : refuse('NO_NODE')
    const names = [...children].map(path => path.slice(3))
    return answered(listed(names, 2 * creates - names.length))
  }
  const asked = (): Call => {
    const [some] = children
    const calls: readonly Call[] = [
      sequential,
      create('/p/b'),
      remove('/p/b'),
      list(),
      ...(some === undefined ? [] : [remove(some)])
    ]
    return calls[randomInt(random, calls.length)] ?? sequential
  }
  for (let step = 0; step < count || pending.size > 0; step++) {
    const session = 1 + randomInt(random, 5)
    const own = pending.get(session)
    if (own === undefined) {
      if (step >= count) continue
      const what = asked()
      pending.set(session, { call: script.call(what, session), what, result: null })
    } else if (own.result === null) own.result = act(own.what)
    else {
      script.return(own.call, own.result, session)
      pending.delete(session)
    }
  }
  return script
}

t.test('whatever a real parent does is linearizable, and one child more or less in a list is found', async t => {
  let caught = 0
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed)
    const script = randomFamily(random, 120)
    t.equal(familyVerdict(script), 'linearizable', `seed ${seed}`)
    const lists = [...script.history.keys()].filter(index => {
      const event = script.history[index]
      return event?.kind === 'return' && event.result.kind === 'answered' && event.result.answer.kind === 'getChildren'
    })
    const place = lists[randomInt(random, lists.length)] ?? -1
    const event = script.history[place]
    if (event?.kind !== 'return' || event.result.kind !== 'answered' || event.result.answer.kind !== 'getChildren') continue
    const { children } = event.result.answer
    const { cversion } = event.result.answer.stat
    const other = children.length > 0 && seed % 2 === 0 ? children.slice(1) : [...children, 'ghost']
    script.history[place] = { ...event, result: answered(listed(other, cversion)) }
    if (familyVerdict(script) === 'not linearizable') caught++
  }
  t.ok(caught >= 58, `${caught} of 60`)
})
