import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { freePorts } from '../fixtures/integration-ports.js'
import { run } from '../fixtures/program.js'
import { sourceRoot } from '../fixtures/source-root.js'

// The TypeScript of README.md and of docs/ is compiled as a user of the built package would, and README.md's is run.

const ROOT = sourceRoot()
const COMPILER = join(ROOT, 'node_modules/typescript/bin/tsc')
const COMPILER_OPTIONS = {
  target: 'es2023',
  lib: ['es2023', 'esnext.disposable'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  outDir: 'out'
}

function codeBlocks(file: string): readonly string[] {
  return [...readFileSync(join(ROOT, file), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
}

/** A user's project with the package installed, one file for each block of code. */
function projectOf(directory: string, blocks: ReadonlyMap<string, string>): void {
  mkdirSync(join(directory, 'node_modules/@types'), { recursive: true })
  symlinkSync(ROOT, join(directory, 'node_modules/embedded-zookeeper'), 'dir')
  symlinkSync(join(ROOT, 'node_modules/@types/node'), join(directory, 'node_modules/@types/node'), 'dir')
  symlinkSync(join(ROOT, 'node_modules/undici-types'), join(directory, 'node_modules/undici-types'), 'dir')
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER_OPTIONS, include: ['*.ts'] }))
  for (const [name, code] of blocks) writeFileSync(join(directory, name), code)
}

t.test('the TypeScript of README.md and docs/ compiles against the package, and README.md’s runs', async t => {
  const directory = t.testdir()
  const [tenLines = '', three = '', shop = '', testing = '', ...further] = codeBlocks('README.md')
  t.strictSame(further, [], 'every block of README.md is run below')
  const ports = await freePorts(3)
  const onFreePorts = three.replace(/127\.0\.0\.1:28(\d\d)/g, (_, port) => `127.0.0.1:${ports[Number(port) - 88]}`)
  t.not(onFreePorts, three)
  const documents = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.md'))
  const inDocuments = documents.flatMap(name => codeBlocks(join('docs', name)))
  const others = inDocuments.map((code, index) => [`docs-${index}.ts`, code] as const)
  const own = [
    ['ten-lines.ts', tenLines],
    ['three.ts', onFreePorts],
    ['shop.ts', shop],
    ['testing.ts', testing]
  ] as const
  projectOf(directory, new Map([...own, ...others]))
  const compiled = promisify(execFile)(process.execPath, [COMPILER, '-p', directory], {
    env: { ...process.env, NODE_OPTIONS: '' }
  })
  const problems = await compiled.then(
    () => '',
    (error: { readonly stdout: string }) => error.stdout
  )
  t.equal(problems, '', 'it compiles')

  await t.test('ten lines', async t => {
    const { code, stdout, stderr } = await run(t, join(directory, 'out/ten-lines.js'))
    const lines = ['blue, version 0', '/config: dataChanged', 'green, read without a promise', '']
    t.strictSame({ code, stderr, lines: stdout.split('\n') }, { code: 0, stderr: '', lines })
    for (const line of lines) t.ok(readFileSync(join(ROOT, 'README.md'), 'utf8').includes(`\`${line}\``) || line === '', line)
  })

  await t.test('three members, run three times and terminated', async t => {
    const registered = new Set<string>()
    const kills: ((signal: NodeJS.Signals) => void)[] = []
    const runs = ['1', '2', '3'].map(ID =>
      run(t, join(directory, 'out/three.js'), {
        cwd: directory,
        env: { ID },
        onOutput: (stdout, kill) => {
          if (registered.has(ID) || !stdout.includes('registered as')) return
          registered.add(ID)
          kills.push(kill)
          if (kills.length === 3) for (const each of kills) each('SIGTERM')
        }
      })
    )
    for (const { code, signal, stdout, stderr } of await Promise.all(runs)) {
      t.strictSame({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
      t.match(stdout, /^member [123] serves, member [123] leads$/m)
      t.match(stdout, /^registered as \/worker-000000000[012]: gone when this process is$/m)
    }
  })

  await t.test('what a session can do', async t => {
    const { code, stdout, stderr } = await run(t, join(directory, 'out/shop.js'))
    t.strictSame({ code, stderr }, { code: 0, stderr: '' })
    t.match(stdout, "path: '/orders/new/o-0000000000'")
    t.match(stdout, /^NO_AUTH$/m)
    t.match(stdout, /^\{ count: 3, bytes: 9 \} \[ 'offer', 'orders' \]$/m)
  })

  await t.test('testing with it', async t => {
    const { code, stdout, stderr } = await run(t, join(directory, 'out/testing.js'))
    t.strictSame({ code, stdout, stderr }, { code: 0, stdout: '', stderr: '' })
  })
})

t.test('README.md leads to files that are there', async t => {
  const links = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(
    ([, path = '']) => path
  )
  t.ok(links.length > 5)
  const missing = links.filter(path => !existsSync(join(ROOT, path)))
  t.strictSame(missing, [])
})

t.test('README.md’s table of options has every option', async t => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const source = readFileSync(join(ROOT, 'lib/member/options.ts'), 'utf8')
  const [, members = ''] = /export interface MemberOptions \{(.*?)^\}/ms.exec(source) ?? []
  const names = [...members.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, name = '']) => name)
  t.ok(names.length > 10)
  for (const name of names) t.ok(readme.includes(`\`${name}\``), name)
})
