import { type Random, randomInt } from '../../base/index.js'
import type { MultiOp } from '../../member/index.js'
import { pick, type WorkloadKeys } from './workload-keys.js'

const OPERATIONS_MAX = 5

/** The operations of one multi: some that belong together, some that are refused half way, some that have nothing to do with each other. */
export function workloadMulti(random: Random, keys: WorkloadKeys, value: () => string): readonly MultiOp[] {
  const dice = random.float()
  if (dice < 0.02) return []
  if (dice < 0.25) return [setAny(random, keys, value), setAny(random, keys, value)]
  if (dice < 0.45) return [check(random, keys), setAny(random, keys, value), createSequential(random, keys, value)]
  if (dice < 0.55) return comingAndGoing(keys.register(random), value)
  if (dice < 0.7) return refusedHalfWay(random, keys, value)
  return Array.from({ length: 1 + randomInt(random, OPERATIONS_MAX) }, () => anything(random, keys, value))
}

/** A znode that is there only while the multi is judged. */
function comingAndGoing(above: string, value: () => string): readonly MultiOp[] {
  const path = `${above}/within`
  return [
    { type: 'create', path, data: value() },
    { type: 'setData', path, data: value(), version: 0 },
    { type: 'check', path, version: 1 },
    { type: 'delete', path, version: 1 }
  ]
}

function refusedHalfWay(random: Random, keys: WorkloadKeys, value: () => string): readonly MultiOp[] {
  const refused: readonly [MultiOp, ...MultiOp[]] = [
    { type: 'check', path: keys.register(random), version: 1_000_000 },
    { type: 'delete', path: '/never' },
    { type: 'create', path: '/', data: value() },
    { type: 'delete', path: '/seq', version: 1_000_000 }
  ]
  return [setAny(random, keys, value), createSequential(random, keys, value), pick(random, refused), setAny(random, keys, value)]
}

function anything(random: Random, keys: WorkloadKeys, value: () => string): MultiOp {
  const path = keys.toWrite(random)
  const dice = random.float()
  if (dice < 0.15) return { type: 'create', path: keys.toCreate(random), data: value() }
  if (dice < 0.25) return { type: 'create', path: keys.own(random), data: value(), ephemeral: true }
  if (dice < 0.4) return createSequential(random, keys, value)
  if (dice < 0.55) return { type: 'delete', path: keys.toDelete(random) }
  if (dice < 0.7) return check(random, keys)
  if (dice < 0.85) return { type: 'setData', path, data: value(), version: keys.version(random, path) }
  return { type: 'setData', path, data: value() }
}

function setAny(random: Random, keys: WorkloadKeys, value: () => string): MultiOp {
  return { type: 'setData', path: keys.register(random), data: value() }
}

function check(random: Random, keys: WorkloadKeys): MultiOp {
  const path = keys.register(random)
  return { type: 'check', path, version: keys.version(random, path) }
}

function createSequential(random: Random, keys: WorkloadKeys, value: () => string): MultiOp {
  return { type: 'create', path: keys.sequentialPrefix(random), data: value(), sequential: true, ephemeral: random.float() < 0.4 }
}
