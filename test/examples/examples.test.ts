import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { run } from '../fixtures/program.js'

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url))

/** What each example's output says when it has shown what it is there to show. */
const EXPECTED = new Map<string, readonly RegExp[]>([
  ['one-process.js', [/^after the restart: job-0000000002 is 'close month'/m, /^did the rest at once: true$/m]],
  ['three-processes.js', [/^member [123] is process \d+ and leads$/m, /^all three have ended, with 0, 0, 0$/m]],
  ['unix-sockets.js', [/^member [123] is process \d+ and leads$/m, /^all three have ended, with 0, 0, 0$/m]],
  ['leader-election.js', [/^emma leads$/m]],
  [
    'virtual-time.js',
    [/^member [123] leads; all writes were answered \d+ virtual ms/m, /^member [123] is back .* reads 30, version 30$/m]
  ],
  ['config-watch.js', [/^one-shot watch: read version 3, .*blue/m, /^persistent watch: dataChanged at zxid \d+, now .*blue/m]]
])

for (const [name, lines] of EXPECTED) {
  t.test(`${name} shows what it promises and exits by itself`, async t => {
    const { code, signal, stdout, stderr } = await run(t, EXAMPLES + name)
    t.strictSame({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
    for (const line of lines) t.match(stdout, line)
  })
}

t.test('in leader-election, one worker leads at a time, in the order in which they stood for election', async t => {
  const { stdout } = await run(t, `${EXAMPLES}leader-election.js`)
  const stood = [...stdout.matchAll(/^(\w+) stands for election as (.*)$/gm)].map(([, name = '', path = '']) => ({ name, path }))
  const inOrder = stood.sort((a, b) => (a.path < b.path ? -1 : 1)).map(({ name }) => name)
  const terms = [...stdout.matchAll(/^(\w+) (leads|is gone)$/gm)].map(([line]) => line)
  t.equal(inOrder.length, 5)
  t.strictSame(
    terms,
    inOrder.flatMap(name => [`${name} leads`, `${name} is gone`])
  )
})

t.test('every program among the examples is tested', async t => {
  // What is only there for others to import, or is started by them.
  const parts = ['loopback-ports.js', 'three-members.js', 'demo.js', 'demo-member.js', 'demo-messages.js']
  const others = [...parts, 'demo-ensemble.js', 'demo-ledger.js', 'demo-process.js']
  const programs = readdirSync(EXAMPLES).filter(file => file.endsWith('.js') && !others.includes(file))
  t.strictSame(programs.sort(), [...EXPECTED.keys()].sort())
})
