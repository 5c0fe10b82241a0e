import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { sourceRoot } from '../fixtures/source-root.js'

interface Row {
  readonly feature: string
  readonly verdict: string
  readonly here: string
  readonly test: string
}

function rows(): readonly Row[] {
  const text = readFileSync(join(sourceRoot(), 'docs/zookeeper-compatibility.md'), 'utf8')
  const lines = text.split('\n').filter(line => line.startsWith('| ') && !line.startsWith('|---'))
  const cells = lines.map(line => line.split(' | ').map(cell => cell.replace(/^\| ?| ?\|$/g, '').trim()))
  return cells
    .filter(([, verdict]) => verdict !== 'verdict')
    .map(([feature = '', verdict = '', here = '', test = '']) => ({ feature, verdict, here, test }))
}

t.test('every row of docs/zookeeper-compatibility.md has a verdict, and says how it differs where it does', async t => {
  t.ok(rows().length > 100)
  for (const { feature, verdict, here } of rows()) {
    t.match(verdict, /^(same|differs|not yet)$/, feature)
    if (verdict === 'differs') t.not(here, '', feature)
  }
})

t.test('every row that is same or differs names a test, and that test is there', async t => {
  for (const { feature, verdict, test } of rows()) {
    if (verdict === 'not yet') {
      t.equal(test, '', feature)
      continue
    }
    const [, file = '', title = ''] = /^`(test\/[\w/-]+\.test\.ts)`: (.+)$/.exec(test) ?? []
    const path = join(sourceRoot(), file)
    if (!t.ok(file !== '' && existsSync(path), `${feature}: ${file}`)) continue
    const source = readFileSync(path, 'utf8')
    const isThere = ["'", '"', '`'].some(quote => source.includes(`${quote}${title}${quote}`))
    t.ok(isThere, `${feature}: ${title}`)
  }
})
