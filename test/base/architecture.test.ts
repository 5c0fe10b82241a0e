import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import { sourceRoot } from '../fixtures/source-root.js'

/** Each folder and what it may import: only what stands to its left. */
const ORDER: readonly (readonly string[])[] = [
  ['base'],
  ['tree', 'zab', 'session'],
  ['wire'],
  ['storage', 'transport'],
  ['member'],
  ['sim']
]

const PURE = ['base', 'zab', 'tree', 'session']

const IMPURE = [
  /\bfrom 'node:/,
  /\bimport\(/,
  /\basync\b/,
  /(?<!#)\bawait\b/,
  /\bPromise\b/,
  /\bDate\b/,
  /\bMath\.random\b/,
  /\bset(Timeout|Interval|Immediate)\b/,
  /\bqueueMicrotask\b/,
  /\bprocess\./,
  /\bperformance\b/,
  /\bdebug\b/,
  /\bconsole\b/
]

const lib = join(sourceRoot(), 'lib')

function sources(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => join(entry.parentPath, entry.name))
}

function codeOf(file: string): string {
  return readFileSync(file, 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|\s)\/\/.*$/gm, '')
}

function importsOf(file: string): readonly { readonly from: string; readonly typeOnly: boolean }[] {
  const pattern = /^(?:import|export)\s+(type\s+)?[^'"]*?from\s+'([^']+)'/gms
  return [...codeOf(file).matchAll(pattern)].map(match => ({ from: match[2] ?? '', typeOnly: match[1] !== undefined }))
}

function folderOf(file: string): string {
  return relative(lib, file).split('/')[0] ?? ''
}

t.test('every folder of lib has its place in the order', async t => {
  const folders = readdirSync(lib, { withFileTypes: true }).filter(entry => entry.isDirectory())
  const known = ORDER.flat()
  t.strictSame(
    folders.map(entry => entry.name).filter(name => !known.includes(name)),
    []
  )
})

t.test('a folder imports only from folders to its left, and only through their index', async t => {
  for (const file of sources(lib)) {
    const own = folderOf(file)
    const place = ORDER.findIndex(level => level.includes(own))
    if (place < 0) continue
    for (const { from } of importsOf(file)) {
      if (!from.startsWith('.')) continue
      const target = relative(lib, join(dirname(file), from))
      const folder = target.split('/')[0] ?? ''
      if (folder === own) continue
      const left = ORDER.slice(0, place).flat()
      const name = `${relative(lib, file)} -> ${target}`
      if (!left.includes(folder)) t.fail(`${name} points to the right`)
      else if (!target.endsWith('/index.js')) t.fail(`${name} goes past the index`)
    }
  }
  t.ok(sources(lib).length > 50, 'the sources were found')
})

t.test('the pure core does no input or output, and knows no clock, chance or promise', async t => {
  for (const file of sources(lib).filter(file => PURE.includes(folderOf(file)))) {
    const code = codeOf(file)
    for (const pattern of IMPURE) {
      const found = pattern.exec(code)
      if (found !== null) t.fail(`${relative(lib, file)} has ${found[0]}`)
    }
  }
  t.pass('looked at them all')
})

t.test('the checks see what they look for', async t => {
  t.ok(IMPURE.some(pattern => pattern.test("import { readFile } from 'node:fs'")))
  t.ok(IMPURE.some(pattern => pattern.test('await store.write()')))
  t.equal(
    importsOf(join(lib, 'zab', 'peer.ts')).some(({ from }) => from === '../base/index.js'),
    true
  )
})

t.test('nothing in the library ends the process, prints, or installs a handler for all of it', async t => {
  const forbidden = [/\bprocess\.exit\b/, /\bprocess\.on\b/, /\bprocess\.once\b/, /\bconsole\./, /\bprocess\.std(out|err)\b/]
  for (const file of sources(lib)) {
    const code = codeOf(file)
    for (const pattern of forbidden) if (pattern.test(code)) t.fail(`${relative(lib, file)} matches ${pattern}`)
  }
  t.pass('looked at them all')
})
