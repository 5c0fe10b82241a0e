import type { Plan } from './plan.js'

export interface ShrinkOptions {
  /** Whether a plan still fails in the same way. */
  readonly fails: (plan: Plan) => Promise<boolean>
  /** Runs at most. Default: 300. */
  readonly runsMax?: number
  /** Told of every plan that is smaller and still fails. */
  readonly onSmaller?: (plan: Plan, runs: number) => void
}

/**
 * Reduces a plan that fails to one that fails with less: fewer faults (delta debugging), a shorter run, fewer clients, and no feature that it
 * does without. Every stream of chance is its own, so what is taken away does not change the rest.
 */
export async function shrink(plan: Plan, options: ShrinkOptions): Promise<Plan> {
  const { fails, runsMax = 300, onSmaller = () => {} } = options
  let runs = 0
  let smallest = plan
  const takes = async (candidate: Plan): Promise<boolean> => {
    if (runs >= runsMax) return false
    runs++
    if (!(await fails(candidate))) return false
    smallest = candidate
    onSmaller(candidate, runs)
    return true
  }
  for (let before = Number.POSITIVE_INFINITY; sizeOf(smallest) < before && runs < runsMax; ) {
    before = sizeOf(smallest)
    await shorten(() => smallest, takes)
    await withFewerFaults(() => smallest, takes)
    for (const simpler of simplifications(smallest)) await takes({ ...smallest, ...simpler(smallest) })
    for (const actor of actorsOf(plan)) {
      const { clients } = smallest
      if (!clients.without.includes(actor))
        await takes({ ...smallest, clients: { ...clients, without: [...clients.without, actor] } })
    }
  }
  return smallest
}

type Takes = (candidate: Plan) => Promise<boolean>

/** What shrinking makes smaller, in one number. */
function sizeOf(plan: Plan): number {
  const features = simplifications(plan).length
  return plan.faults.length + plan.duration / 1_000 + features - plan.clients.without.length
}

async function shorten(plan: () => Plan, takes: Takes): Promise<void> {
  for (let step = plan().duration / 2; step >= 500; step /= 2) {
    while (plan().duration - step > 0) {
      const duration = Math.round(plan().duration - step)
      if (!(await takes({ ...plan(), duration, faults: plan().faults.filter(({ at }) => at < duration) }))) break
    }
  }
}

async function withFewerFaults(plan: () => Plan, takes: Takes): Promise<void> {
  for (let chunk = Math.ceil(plan().faults.length / 2); chunk >= 1; chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2)) {
    for (let from = 0; from < plan().faults.length; ) {
      const faults = plan().faults.filter((_, index) => index < from || index >= from + chunk)
      if (!(await takes({ ...plan(), faults }))) from += chunk
    }
  }
}

function actorsOf({ size, clients }: Plan): readonly string[] {
  return Array.from({ length: size }, (_, id) =>
    Array.from({ length: clients.sessions + 1 }, (_, index) => `${id + 1}.${index}`)
  ).flat()
}

/** Features that the plan has and might do without. */
function simplifications(plan: Plan): readonly ((plan: Plan) => Partial<Plan>)[] {
  const simpler: ((plan: Plan) => Partial<Plan>)[] = []
  const { network, limits, options } = plan
  if (network.loss > 0) simpler.push(({ network }) => ({ network: { ...network, loss: 0 } }))
  if (network.segmentBytes !== null) simpler.push(({ network }) => ({ network: { ...network, segmentBytes: null } }))
  if (network.resetDelay > 0) simpler.push(({ network }) => ({ network: { ...network, resetDelay: 0 } }))
  if (plan.millisecondsPerLook > 0) simpler.push(() => ({ millisecondsPerLook: 0 }))
  if (options.snapCount < 100_000) simpler.push(({ options }) => ({ options: { ...options, snapCount: 100_000 } }))
  if (options.outstandingRequests < 1_000)
    simpler.push(({ options }) => ({ options: { ...options, outstandingRequests: 1_000 } }))
  for (const name of Object.keys(limits) as (keyof typeof limits)[]) {
    simpler.push(({ limits }) => {
      const { [name]: _, ...rest } = limits
      return { limits: rest }
    })
  }
  return simpler
}
