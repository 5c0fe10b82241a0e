import { SMOKE_RUNS } from '../../bench/smoke/benches.js'
import { testBenches } from '../fixtures/bench-smoke.js'

testBenches(SMOKE_RUNS.filter(({ compares }) => compares !== true))
