/** A bench as it is run to see that it works: tiny, so that its figures mean nothing. */
export interface SmokeRun {
  /** Of the compiled program, and of the script `bench:<name>`. */
  readonly name: string
  readonly words: readonly string[]
  readonly nodeArguments?: readonly string[]
  /** It compares, and so takes `--contenders`. */
  readonly compares?: boolean
  /** Figures that may be 0. All others are above it. */
  readonly mayBeZero?: readonly string[]
}

const SHORT = ['--rounds', '1', '--seconds', '0.3', '--warm-up', '0.3']

export const SMOKE_RUNS: readonly SmokeRun[] = [
  { name: 'write', words: [...SHORT, '--outstanding', '1,16', '--znodes', '50'], compares: true },
  { name: 'read', words: [...SHORT, '--outstanding', '1,16', '--znodes', '50'], compares: true },
  { name: 'scale', words: [...SHORT, '--members', '1,3', '--outstanding', '16', '--values', '10,10240'] },
  { name: 'endurance', words: ['--minutes', '0.02', '--seconds-per-step', '0.4', '--outstanding', '32'] },
  { name: 'watch', words: ['--listeners', '200', '--rounds', '2', '--warm-up', '1'] },
  { name: 'failover', words: ['--kills', '1', '--steady', '50', '--contenders', 'ours'], mayBeZero: ['failures'] },
  { name: 'start', words: ['--imports', '1', '--fixtures', '1', '--ensembles', '1'] },
  {
    name: 'idle',
    words: ['--seconds', '1', '--settle', '0.1', '--contenders', 'ours'],
    mayBeZero: ['cpuPercent', 'sleepsPerSecond', 'sentBytesPerSecond', 'loopbackBytesPerSecond']
  },
  {
    name: 'tree',
    words: ['--znodes', '5000'],
    nodeArguments: ['--expose-gc'],
    mayBeZero: ['gap', 'ownGap', 'ownGapsOver20', 'delay', 'slice', 'gc', 'gcTotal']
  }
]
