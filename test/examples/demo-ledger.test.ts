import t from 'tap'
import { Ledger } from '../../examples/demo-ledger.js'

// What the demo's last words rest on: the ledger must notice what it is there to notice.

const CREATED = { path: '/writes/m1/4', data: 'value 4', version: 0 }
const COUNTED = { path: '/writes/m1', data: '7', version: 7 }

function ledgerOf(...writes: (typeof CREATED)[]): Ledger {
  const ledger = new Ledger()
  for (const write of writes) ledger.acknowledged(write)
  return ledger
}

t.test('what is there as it was acknowledged, or has been written since, is in order', async t => {
  const ledger = ledgerOf({ ...COUNTED, data: '6', version: 6 }, COUNTED, CREATED)
  t.equal(ledger.count, 3)
  const unacknowledged = { path: '/writes/m1/5', data: 'value 5', version: 0 }
  t.strictSame(ledger.compare([CREATED, { ...COUNTED, data: '9', version: 9 }, unacknowledged]), [])
})

t.test('a lost write is noticed', async t => {
  t.equal(ledgerOf(CREATED).compare([]).length, 1)
  t.equal(ledgerOf(COUNTED).compare([{ ...COUNTED, data: '6', version: 6 }]).length, 1)
})

t.test('a write that was done twice is noticed', async t => {
  t.equal(ledgerOf(COUNTED).compare([{ ...COUNTED, version: 8 }]).length, 1)
  t.equal(ledgerOf(CREATED).compare([{ ...CREATED, version: 1 }]).length, 1)
  t.equal(ledgerOf({ ...COUNTED, version: 8 }).compare([{ ...COUNTED, data: '8', version: 8 }]).length, 1)
})

t.test('a wrong value is noticed', async t => {
  t.equal(ledgerOf(CREATED).compare([{ ...CREATED, data: 'value 5' }]).length, 1)
  t.equal(ledgerOf().compare([{ ...COUNTED, data: 'what is this' }]).length, 1)
})

t.test('a write that was refused is noticed', async t => {
  const ledger = new Ledger()
  ledger.refused('NODE_EXISTS: node exists')
  t.equal(ledger.compare([]).length, 1)
})
