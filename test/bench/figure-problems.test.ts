import t from 'tap'
import { figureProblems } from '../../bench/smoke/figure-problems.js'

t.test('figures are finite and above zero, however deep they lie', async t => {
  t.strictSame(figureProblems({ name: 'a', rows: [{ median: 1 }, { median: 2.5 }] }, []), [])
  t.strictSame(figureProblems({ rows: [{ median: 1 }, { median: 0 }] }, []), ['figures.rows[1].median is 0'])
  t.strictSame(figureProblems({ low: -1 }, ['low']), ['figures.low is -1'])
})

t.test('a figure that JSON could not carry was no finite number', async t => {
  const figures = JSON.parse(JSON.stringify({ good: 1, ratio: Number.NaN }))
  t.strictSame(figureProblems(figures, []), ['figures.ratio is no finite number'])
})

t.test('only what is named may be 0', async t => {
  t.strictSame(figureProblems({ gap: 0, took: 3 }, ['gap']), [])
})

t.test('a result without any number has no figures', async t => {
  t.strictSame(figureProblems({ rows: [] }, []), ['no figures'])
  t.strictSame(figureProblems(undefined, []), ['no figures'])
})
