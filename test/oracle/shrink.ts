import type { Sequence, Step } from './step.js'

const RUNS_MAX = 400

/** The sequence with as many steps taken away as it still `fails` without. */
export async function shrink(sequence: Sequence, fails: (sequence: Sequence) => Promise<boolean>): Promise<Sequence> {
  let { steps } = sequence
  let runs = 0
  const takes = async (candidate: readonly Step[]): Promise<boolean> => {
    if (runs++ >= RUNS_MAX || !(await fails({ ...sequence, steps: candidate }))) return false
    steps = candidate
    return true
  }
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = steps.length - size; at > -size; at -= size) {
      const first = Math.max(0, at)
      await takes([...steps.slice(0, first), ...steps.slice(first + size)])
    }
  }
  for (let index = 0; index < steps.length; index++) {
    for (let op = 0; ; ) {
      const step = steps[index]
      if (step?.kind !== 'multi' || op >= step.ops.length) break
      const smaller: Step = { ...step, ops: step.ops.filter((_, each) => each !== op) }
      if (!(await takes([...steps.slice(0, index), smaller, ...steps.slice(index + 1)]))) op++
    }
  }
  return { ...sequence, steps }
}
