import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { run } from '../fixtures/program.js'

const DEMO = fileURLToPath(new URL('../../examples/demo.js', import.meta.url))

t.test('the demo kills ten leaders, loses nothing, says so and leaves nothing behind', async t => {
  const temporary = t.testdir()
  const { code, signal, stdout, stderr } = await run(t, DEMO, { env: { TMPDIR: temporary } })
  t.strictSame({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
  t.equal([...stdout.matchAll(/^ +\d+ +member [123] +member [123] +\d+ ms +\d+ ms +\d+ writes$/gm)].length, 10)
  t.match(stdout, /No writes for \d+ ms in the median, \d+ ms at most/)
  t.match(stdout, /256 outstanding +[\d,]+ writes a second, [\d.]+ times as many/)
  t.match(stdout, /carried \d+ txns on average/)
  t.match(stdout, /[\d,]+ writes were acknowledged while leaders died. All of them are there/)
  t.match(stdout, /The three are equal: digest [0-9a-f]+ at zxid 0x[0-9a-f]+/)
  t.strictSame(readdirSync(temporary), [])
})

t.test('a demo that is interrupted says so, fails, and takes its processes and data with it', async t => {
  const temporary = t.testdir()
  let isInterrupted = false
  const { code, stdout, stderr } = await run(t, DEMO, {
    env: { TMPDIR: temporary },
    onOutput: (output, kill) => {
      if (isInterrupted || !output.includes('follows')) return
      isInterrupted = true
      kill('SIGINT')
    }
  })
  t.equal(code, 1)
  t.match(stderr, /The demo has failed: ended by SIGINT/)
  t.strictSame(readdirSync(temporary), [])
  for (const [, pid] of stdout.matchAll(/process (\d+)/g)) t.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' })
})

t.test('a demo that finds no place for its data fails with the reason', async t => {
  const { code, stdout, stderr } = await run(t, DEMO, { env: { TMPDIR: `${t.testdir()}/missing` } })
  t.equal(code, 1)
  t.equal(stdout, '')
  t.match(stderr, /ENOENT/)
})
