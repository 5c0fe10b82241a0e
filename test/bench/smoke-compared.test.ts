import { SMOKE_RUNS } from '../../bench/smoke/benches.js'
import { testBenches } from '../fixtures/bench-smoke.js'

// With every contender that this machine can run.
testBenches(SMOKE_RUNS.filter(({ compares }) => compares === true))
