import t from 'tap'
import { assert, type Epoch, type MemberId, makeZxid, type SessionId, type Zxid } from '../../lib/base/index.js'
import { encodeTxn } from '../../lib/wire/index.js'
import { commonLog, type StoredLog } from './stored-logs.js'

const TXNS = 6

/** The zxid of the txn with that number, from 1. */
function zxid(number: number): Zxid {
  return makeZxid(1 as Epoch, number)
}

/** A log that holds the txns from one number to another. `altered` is different in it. */
function storedLog(
  member: number,
  from: number,
  to: number,
  how: { wiped?: boolean; altered?: number; without?: number } = {}
): StoredLog {
  const txns = new Map<Zxid, Uint8Array>()
  for (let number = from; number <= to; number++) {
    if (number === how.without) continue
    const data = Buffer.from(number === how.altered ? 'altered' : 'as it was')
    const change = { kind: 'setData', path: '/a', data, version: number } as const
    txns.set(zxid(number), encodeTxn({ session: 1 as SessionId, member: 1 as MemberId, cxid: number, time: 0, change }))
  }
  const zxidBase = from === 1 ? (0 as Zxid) : zxid(from - 1)
  return { store: { member, directory: '', wiped: how.wiped ?? false }, zxidBase, txns }
}

t.test('logs that agree are one log, as far as a quorum holds it', async t => {
  const logs = [storedLog(1, 1, TXNS), storedLog(2, 1, TXNS - 1), storedLog(3, 3, TXNS - 2), storedLog(3, 1, 2, { wiped: true })]
  const log = commonLog(logs, zxid(TXNS - 2))
  t.strictSame(
    log.map(entry => entry.zxid),
    [1, 2, 3, 4, 5].map(zxid)
  )
  const [first] = log
  assert(first?.txn.change.kind === 'setData', 'it is what was written')
  t.equal(first.txn.change.version, 1)
})

t.test('a txn that differs in one log is found', async t => {
  const logs = [storedLog(1, 1, TXNS), storedLog(2, 1, TXNS, { altered: 3 }), storedLog(3, 1, TXNS)]
  t.throws(() => commonLog(logs, zxid(TXNS)), /the log of member 2 and the log of member 1 differ at 0x100000003/)
})

t.test('a hole in one log is found', async t => {
  const logs = [storedLog(1, 1, TXNS), storedLog(2, 1, TXNS, { without: 4 }), storedLog(3, 1, TXNS)]
  t.throws(() => commonLog(logs, zxid(TXNS)), /the log of member 2 lacks 0x100000004/)
})

t.test('a log that ends before what its member had applied is found', async t => {
  const logs = [storedLog(1, 1, TXNS), storedLog(2, 1, TXNS), storedLog(3, 1, TXNS - 1)]
  t.throws(() => commonLog(logs, zxid(TXNS)), /the log of member 3 lacks 0x100000006/)
})

t.test('a hole that all logs share is found', async t => {
  const logs = [1, 2, 3].map(member => storedLog(member, 1, TXNS, { without: 4 }))
  t.throws(() => commonLog(logs, zxid(TXNS)), /no log holds what is between 0x100000003 and 0x100000005/)
})

t.test('what a wiped store knew to be committed has to be in the others', async t => {
  const logs = [storedLog(1, 1, 3), storedLog(2, 1, 3), storedLog(3, 1, 3), storedLog(3, 1, 4, { wiped: true })]
  t.throws(() => commonLog(logs, zxid(3)), /the log of member 1 lacks 0x100000004/)
})

t.test('without the beginning there is nothing to go by', async t => {
  const logs = [1, 2, 3].map(member => storedLog(member, 2, TXNS))
  t.throws(() => commonLog(logs, zxid(TXNS)), /no log reaches back to the beginning/)
})
