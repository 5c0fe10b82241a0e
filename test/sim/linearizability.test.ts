import t from 'tap'
import { type Random, randomInt, seededRandom } from '../../lib/base/index.js'
import { checkLinearizable, type Model, type Operation } from '../../lib/sim/search/linearizability.js'

/** A register that is written, read, and compared and set: as plain as a model can be. */
type Input = { readonly kind: 'write'; readonly value: number } | { readonly kind: 'read' } | Cas
interface Cas {
  readonly kind: 'cas'
  readonly from: number
  readonly to: number
}
/** What a read read, whether a cas was done, and nothing for a write. */
type Output = number | boolean | 'done'
type RegisterOperation = Operation<Input, Output>

const register: Model<number, Input, Output> = {
  init: () => 0,
  step: (state, input, output) => {
    if (input.kind === 'write') return input.value
    if (input.kind === 'read') return output === null || output === state ? state : null
    const possible = state === input.from
    if (output !== null && output !== possible) return null
    return possible ? input.to : state
  },
  key: String
}

const write = (calledAt: number, returnedAt: number | null, value: number, process = 1): RegisterOperation => ({
  process,
  calledAt,
  returnedAt,
  input: { kind: 'write', value },
  output: returnedAt === null ? null : 'done'
})
const read = (calledAt: number, returnedAt: number, value: number, process = 2): RegisterOperation => ({
  process,
  calledAt,
  returnedAt,
  input: { kind: 'read' },
  output: value
})

const verdictOn = (operations: readonly RegisterOperation[]) => checkLinearizable(operations, register).kind

t.test('one after the other', async t => {
  t.equal(verdictOn([]), 'linearizable')
  t.equal(verdictOn([write(0, 1, 5), read(2, 3, 5)]), 'linearizable')
  t.equal(verdictOn([write(0, 1, 5), read(2, 3, 0)]), 'not linearizable', 'a write that was acknowledged is seen')
  t.equal(verdictOn([write(0, 1, 5), write(2, 3, 6), read(4, 5, 5)]), 'not linearizable', 'and the last one')
  t.equal(verdictOn([write(0, 1, 5), read(2, 3, 7)]), 'not linearizable', 'and nothing that nobody wrote')
})

t.test('what overlaps may have happened in either order, and in one only', async t => {
  t.equal(verdictOn([write(0, 10, 5), read(1, 2, 0), read(3, 4, 5)]), 'linearizable')
  t.equal(verdictOn([write(0, 10, 5), read(1, 2, 5), read(3, 4, 0)]), 'not linearizable')
  t.equal(verdictOn([write(0, 10, 5), write(0, 10, 6), read(11, 12, 5), read(13, 14, 5)]), 'linearizable')
  t.equal(verdictOn([write(0, 10, 5), write(0, 10, 6), read(11, 12, 5), read(13, 14, 6)]), 'not linearizable')
})

t.test('at the same moment a call comes before a return: they may have overlapped', async t => {
  t.equal(verdictOn([write(0, 5, 1), read(5, 6, 0)]), 'linearizable')
  t.equal(verdictOn([write(0, 5, 1), read(5, 6, 1)]), 'linearizable')
  t.equal(verdictOn([read(5, 6, 0), write(0, 5, 1)]), 'linearizable', 'in whatever order they are given')
  t.equal(verdictOn([write(0, 5, 1), read(6, 7, 0)]), 'not linearizable')
})

t.test('what nothing was heard of may happen at any time or never, and once only', async t => {
  t.equal(verdictOn([write(0, null, 5), read(1, 2, 0)]), 'linearizable', 'never')
  t.equal(verdictOn([write(0, null, 5), read(1, 2, 0), read(3, 4, 5)]), 'linearizable', 'late')
  t.equal(verdictOn([write(0, null, 5), read(1, 2, 5), read(3, 4, 0)]), 'not linearizable', 'seen and then not')
  t.equal(verdictOn([read(1, 2, 5), write(3, null, 5)]), 'not linearizable', 'not before it was asked for')
  t.equal(verdictOn([write(0, null, 5), read(1, 2, 5), write(3, 4, 6), read(5, 6, 5)]), 'not linearizable', 'twice')
})

t.test('a model may leave open which of several states it is in', async t => {
  const coin: Model<string, 'toss' | 'look', string> = {
    init: () => 'none',
    step: (state, input, output) => (input === 'toss' ? ['heads', 'tails'] : state === output ? state : null),
    key: state => state
  }
  const at = (time: number, input: 'toss' | 'look', output: string) => ({
    process: 1,
    calledAt: time,
    returnedAt: time + 0.5,
    input,
    output
  })
  t.equal(checkLinearizable([at(0, 'toss', ''), at(1, 'look', 'tails'), at(2, 'look', 'tails')], coin).kind, 'linearizable')
  t.equal(checkLinearizable([at(0, 'toss', ''), at(1, 'look', 'tails'), at(2, 'look', 'heads')], coin).kind, 'not linearizable')
})

t.test('a verdict says how far it goes, and what does not fit behind that', async t => {
  const stale = read(4, 5, 1)
  const verdict = checkLinearizable([write(0, 1, 1), write(2, 3, 2), stale], register)
  t.match(verdict, { kind: 'not linearizable', stuck: stale, state: '2' })
  t.strictSame(verdict.kind === 'not linearizable' && verdict.longest.map(({ calledAt }) => calledAt), [0, 2])
  const fine = checkLinearizable([write(0, 10, 1), read(1, 2, 0)], register)
  t.strictSame(fine.kind === 'linearizable' && fine.order.map(({ calledAt }) => calledAt), [1, 0])
})

/** Calls on a real register, each of which happens at a moment between its call and its return. */
function randomHistory(random: Random, count: number, clients: number, unheard: number): RegisterOperation[] {
  const begun = Array.from({ length: clients }, () => 0)
  const drafts = Array.from({ length: count }, () => {
    const process = randomInt(random, clients)
    const calledAt = (begun[process] ?? 0) + random.float()
    const returnedAt = calledAt + random.float() * 3
    begun[process] = returnedAt
    const happensAt = calledAt + random.float() * (returnedAt - calledAt)
    return { process, calledAt, returnedAt, happensAt, kind: randomInt(random, 3) }
  })
  let value = 0
  let fresh = 0
  const operations: RegisterOperation[] = []
  for (const { process, calledAt, returnedAt, kind } of drafts.sort((a, b) => a.happensAt - b.happensAt)) {
    const lost = random.float() < unheard
    const happens = !lost || random.float() < 0.5
    const done = (input: Input, output: Output) =>
      operations.push({ process, calledAt, returnedAt: lost ? null : returnedAt, input, output: lost ? null : output })
    if (kind === 0) {
      done({ kind: 'write', value: ++fresh }, 'done')
      if (happens) value = fresh
    } else if (kind === 1) {
      if (!lost) done({ kind: 'read' }, value)
    } else {
      const from = random.float() < 0.7 ? value : fresh + 1_000
      done({ kind: 'cas', from, to: ++fresh }, from === value)
      if (happens && from === value) value = fresh
    }
  }
  return operations
}

t.test('whatever a real register does is linearizable, however it overlaps', async t => {
  for (let seed = 1; seed <= 300; seed++) {
    const operations = randomHistory(seededRandom(seed), 60, 2 + (seed % 9), seed % 2 === 0 ? 0.05 : 0)
    t.equal(verdictOn(operations), 'linearizable', `seed ${seed}`)
  }
})

/** One answer is changed. */
const MUTATIONS: Record<string, (operations: RegisterOperation[], random: Random) => boolean> = {
  'a read of an older value': (operations, random) =>
    changed(operations, random, ({ input, output }) => (input.kind === 'read' && Number(output) > 3 ? Number(output) - 3 : null)),
  'a read of a value never written': (operations, random) =>
    changed(operations, random, ({ input }) => (input.kind === 'read' ? 99_999 : null)),
  'a cas that says it was done and was not': (operations, random) =>
    changed(operations, random, ({ input, output }) => (input.kind === 'cas' && output === false ? true : null)),
  'a cas that was seen, and says that it was not done': (operations, random) => {
    const seen = valuesRead(operations)
    return changed(operations, random, ({ input, output }) =>
      input.kind === 'cas' && output && seen.has(input.to) ? false : null
    )
  },
  'a write that was lost': (operations, random) => {
    const seen = valuesRead(operations)
    const places = operations.map(({ input }, index) => (input.kind === 'write' && seen.has(input.value) ? index : -1))
    const [place] = shuffled(
      places.filter(index => index >= 0),
      random
    )
    if (place !== undefined) operations.splice(place, 1)
    return place !== undefined
  }
}

function valuesRead(operations: readonly RegisterOperation[]): ReadonlySet<Output | null> {
  return new Set(operations.filter(({ input }) => input.kind === 'read').map(({ output }) => output))
}

function changed(
  operations: RegisterOperation[],
  random: Random,
  change: (operation: RegisterOperation) => Output | null
): boolean {
  for (const index of shuffled([...operations.keys()], random)) {
    const operation = operations[index]
    const output = operation === undefined || operation.returnedAt === null ? null : change(operation)
    if (operation === undefined || output === null) continue
    operations[index] = { ...operation, output }
    return true
  }
  return false
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  return list
    .map(each => ({ each, place: random.float() }))
    .sort((a, b) => a.place - b.place)
    .map(({ each }) => each)
}

for (const [name, mutate] of Object.entries(MUTATIONS)) {
  t.test(`${name} is found nearly always`, async t => {
    let made = 0
    let found = 0
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed)
      const operations = randomHistory(random, 60, 4, 0)
      if (!mutate(operations, random)) continue
      made++
      const verdict = verdictOn(operations)
      if (verdict === 'not linearizable') found++
      t.not(verdict, 'unknown')
    }
    t.comment(`${found} of ${made}`)
    t.ok(made > 150 && found > 0.75 * made, `${found} of ${made}`)
  })
}

/** What the search finds, found without any of its cleverness: all orders are tried. */
function isLinearizable(operations: readonly RegisterOperation[], state = 0): boolean {
  if (operations.every(({ returnedAt }) => returnedAt === null)) return true
  const firstReturn = Math.min(...operations.map(({ returnedAt }) => returnedAt ?? Number.POSITIVE_INFINITY))
  return operations.some(operation => {
    if (operation.calledAt > firstReturn) return false
    const behind = register.step(state, operation.input, operation.output)
    return (
      typeof behind === 'number' &&
      isLinearizable(
        operations.filter(other => other !== operation),
        behind
      )
    )
  })
}

t.test('the search says what trying all orders says', async t => {
  const counts = { linearizable: 0, 'not linearizable': 0, unknown: 0 }
  for (let seed = 1; seed <= 600; seed++) {
    const random = seededRandom(seed)
    const operations = randomHistory(random, 7, 4, 0.2)
    if (seed % 3 > 0) changed(operations, random, ({ input }) => (input.kind === 'read' ? randomInt(random, 5) : null))
    const verdict = verdictOn(operations)
    counts[verdict]++
    t.equal(verdict, isLinearizable(operations) ? 'linearizable' : 'not linearizable', `seed ${seed}`)
  }
  t.ok(counts.linearizable > 100 && counts['not linearizable'] > 100, JSON.stringify(counts))
})

t.test('a thousand operations of ten clients take a moment, and a small budget ends in an honest unknown', async t => {
  const operations = randomHistory(seededRandom(7), 1_000, 10, 0)
  const began = process.hrtime.bigint()
  const verdict = checkLinearizable(operations, register)
  const took = Number(process.hrtime.bigint() - began) / 1e6
  t.comment(`${verdict.steps} steps in ${took.toFixed(0)} ms`)
  t.equal(verdict.kind, 'linearizable')
  t.ok(verdict.steps < 200_000, `${verdict.steps} steps`)
  t.strictSame(checkLinearizable(operations, register, { stepsMax: 500 }), { kind: 'unknown', steps: 500 })
})
