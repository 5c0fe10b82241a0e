import t from 'tap'
import { encodePeerMessage, encodeRequests, encodeTxn } from '../../lib/wire/index.js'
import { GOLDEN_MESSAGES, GOLDEN_REQUESTS, GOLDEN_TXNS } from '../fixtures/golden-bytes.js'
import { AUTH, BODIES, CHANGES, MESSAGES, requestOf, txnOf } from '../fixtures/wire-examples.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

t.test('every kind of txn has the bytes that it always had', async t => {
  t.strictSame(
    CHANGES.map(change => hex(encodeTxn(txnOf(change)))),
    GOLDEN_TXNS
  )
})

t.test('every kind of request has the bytes that it always had, with and without identities', async t => {
  t.strictSame(
    BODIES.map((body, index) => hex(encodeRequests([requestOf(body, index % 2 === 0 ? {} : { auth: AUTH })]))),
    GOLDEN_REQUESTS
  )
})

t.test('every message between peers has the bytes that it always had', async t => {
  t.strictSame(
    MESSAGES.map(message => hex(encodePeerMessage(message))),
    GOLDEN_MESSAGES
  )
})
