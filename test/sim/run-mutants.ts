import { parseArgs } from 'node:util'
import { type Catch, hunt, isCaught } from './mutants/hunt.js'
import { MUTANTS } from './mutants/index.js'

const HELP = `npm run sim:mutants -- [options]

  --only TEXT    mutants whose names contain it (default: all)
  --from N       the first seed (default 1)
  --seeds N      so many seeds at most, one after another, until a mutant is caught (default 500)
  --jobs N       processes that share the work (default: one per core, at most 4)
`

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '500' },
    jobs: { type: 'string' },
    help: { type: 'boolean', default: false }
  }
})

const print = (line: string) => process.stdout.write(`${line}\n`)

if (values.help) print(HELP)
else {
  const mutants = MUTANTS.filter(({ name }) => name.includes(values.only))
  if (mutants.length === 0) throw new Error(`there is no mutant of the name ${values.only}`)
  const from = number('from', values.from)
  const catches = await hunt(
    {
      mutants,
      from: () => from,
      seeds: number('seeds', values.seeds),
      ...(values.jobs === undefined ? {} : { jobs: number('jobs', values.jobs) })
    },
    { onCatch: found => print(told(found)) }
  )
  const caught = catches.filter(isCaught).length
  print(`${caught} of ${mutants.length} caught`)
  if (caught < mutants.length) process.exitCode = 1
}

function told({ name, seeds, caught, unbroken }: Catch): string {
  if (caught === null) return `GOT AWAY  ${name}\n          ${seeds} seeds and nothing found`
  const { seed, checker, message } = caught
  const [first = ''] = message.split('\n')
  const line = `caught    ${name}\n          seed ${seed}, after ${seeds}, by ${first.startsWith(checker) ? first : `${checker}: ${first}`}`
  return unbroken === null ? line : `${line}\n          NOT COUNTED: without it the same plan shows ${unbroken.message}`
}

function number(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is a whole number of at least 1`)
  return value
}
