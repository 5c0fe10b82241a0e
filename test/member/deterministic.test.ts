import { execFile } from 'node:child_process'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { deterministicRun, fingerprintOf } from '../fixtures/deterministic-run.js'

const SEED = 2_888

t.test('the same seed gives the same run, twice in one process and once in another', async t => {
  const first = await deterministicRun(SEED)
  t.ok(first.length > 200)
  const second = await deterministicRun(SEED)
  const difference = first.findIndex((line, index) => line !== second[index])
  t.equal(difference, -1, `${first[difference]} | ${second[difference]}`)
  t.equal(first.length, second.length)
  const program = fileURLToPath(new URL('../fixtures/deterministic-run.js', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [program, String(SEED)])
  t.equal(stdout, fingerprintOf(first))
})

t.test('another seed gives another run', async t => {
  t.not(fingerprintOf(await deterministicRun(SEED + 1)), fingerprintOf(await deterministicRun(SEED)))
})

t.test('no clock, timer or chance of the process is ever asked', async t => {
  const expected = fingerprintOf(await deterministicRun(SEED))
  const found = fingerprintOf(await withoutTheProcess(() => deterministicRun(SEED)))
  t.equal(found, expected)
  t.throws(() => forbidden('this')(), 'and the stubs do throw')
})

function forbidden(name: string): () => never {
  return () => {
    throw new Error(`${name} was asked`)
  }
}

/** Replaces everything that a run could take from outside by something that throws, and puts it back. */
async function withoutTheProcess<T>(act: () => Promise<T>): Promise<T> {
  const undo: (() => void)[] = []
  const replace = (owner: object, names: readonly string[], by: (name: string, original: unknown) => unknown = forbidden) => {
    for (const name of names) {
      const original: unknown = Reflect.get(owner, name)
      const descriptor = Object.getOwnPropertyDescriptor(owner, name)
      Object.defineProperty(owner, name, { value: by(name, original), configurable: true, writable: true })
      undo.push(() => {
        if (descriptor === undefined) Reflect.deleteProperty(owner, name)
        else Object.defineProperty(owner, name, descriptor)
      })
    }
  }
  // Virtual time itself needs to know when promises have settled.
  const onlyForVirtualTime = (name: string, original: unknown) => (callback: () => void) => {
    if (new Error().stack?.includes('virtual-runtime') !== true) return forbidden(name)()
    return (original as typeof setImmediate)(callback)
  }
  const RealDate = Date
  const dateOfTheRun = () =>
    class extends RealDate {
      constructor(...args: ConstructorParameters<typeof Date>) {
        if ((args as readonly unknown[]).length === 0) forbidden('new Date')()
        super(...args)
      }
      static override now = forbidden('Date.now')
    }
  replace(globalThis, ['Date'], dateOfTheRun)
  replace(performance, ['now'])
  replace(process, ['hrtime', 'uptime'])
  replace(Math, ['random'])
  replace(crypto, ['randomBytes', 'randomInt', 'randomUUID', 'randomFillSync'])
  replace(globalThis, ['setTimeout', 'setInterval'])
  replace(globalThis, ['setImmediate'], onlyForVirtualTime)
  syncBuiltinESMExports()
  try {
    return await act()
  } finally {
    for (const restore of undo.reverse()) restore()
    syncBuiltinESMExports()
  }
}
