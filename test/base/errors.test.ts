import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ERROR_CODES, type ErrorCode, isZooKeeperError, ZooKeeperError } from '../../lib/base/index.js'
import { sourceRoot } from '../fixtures/source-root.js'

interface Paragraph {
  readonly code: string
  readonly facts: string
  readonly text: string
}

function paragraphs(): readonly Paragraph[] {
  const [, ...parts] = readFileSync(join(sourceRoot(), 'docs/errors.md'), 'utf8').split(/^### /m)
  return parts.map(part => {
    const [code = '', facts = '', text = ''] = part.split('\n\n')
    return { code, facts, text }
  })
}

t.test('docs/errors.md has one paragraph for every code and none for any other', async t => {
  const documented = paragraphs().map(({ code }) => code)
  t.strictSame([...documented].sort(), Object.keys(ERROR_CODES).sort())
})

t.test('docs/errors.md says of every code what the code table says', async t => {
  for (const { code, facts } of paragraphs()) {
    const { wireCode, retryable, outcome } = ERROR_CODES[code as ErrorCode]
    t.equal(facts, `\`wireCode\` ${wireCode}, \`retryable\` ${retryable}, \`outcome\` ${outcome}`, code)
  }
})

t.test('docs/errors.md says of every code what happened and what to do', async t => {
  for (const { code, text } of paragraphs()) t.ok(text.trim().split(/\s+/).length >= 20, `${code} is explained`)
})

t.test('no two codes share a number of ZooKeeper’s', async t => {
  const numbers = Object.values(ERROR_CODES).flatMap(({ wireCode }) => (wireCode === null ? [] : [wireCode]))
  t.equal(new Set<number>(numbers).size, numbers.length)
})

t.test('an error has what its code says, and what is known besides', async t => {
  const cause = new Error('why')
  const error = new ZooKeeperError('OPERATION_TIMEOUT', { path: '/a', cause, outcome: 'not-applied' })
  t.match(error, { name: 'ZooKeeperError', wireCode: -7, retryable: true, outcome: 'not-applied', path: '/a' })
  t.equal(error.cause, cause)
  t.equal(new ZooKeeperError('OPERATION_TIMEOUT').outcome, 'unknown')
  t.notOk('path' in new ZooKeeperError('NO_NODE'), 'what is not known is not there')
})

t.test('an unknown thrown value is told from our errors, and by code', async t => {
  const error: unknown = new ZooKeeperError('NO_NODE')
  t.ok(isZooKeeperError(error))
  t.ok(isZooKeeperError(error, 'NO_NODE'))
  t.notOk(isZooKeeperError(error, 'NODE_EXISTS'))
  t.notOk(isZooKeeperError({ code: 'NO_NODE' }))
})

/** Section 1.6 of the reference: ZooKeeper's numbers, with those of its C client. */
const ZOOKEEPERS_NUMBERS: readonly (readonly [number, ErrorCode])[] = [
  [-1, 'SYSTEM_ERROR'],
  [-2, 'RUNTIME_INCONSISTENCY'],
  [-3, 'DATA_INCONSISTENCY'],
  [-4, 'CONNECTION_LOSS'],
  [-5, 'MARSHALLING_ERROR'],
  [-6, 'UNIMPLEMENTED'],
  [-7, 'OPERATION_TIMEOUT'],
  [-8, 'BAD_ARGUMENTS'],
  [-9, 'INVALID_STATE'],
  [-12, 'UNKNOWN_SESSION'],
  [-13, 'NEW_CONFIG_NO_QUORUM'],
  [-14, 'RECONFIG_IN_PROGRESS'],
  [-15, 'SSL_CONNECTION_ERROR'],
  [-100, 'API_ERROR'],
  [-101, 'NO_NODE'],
  [-102, 'NO_AUTH'],
  [-103, 'BAD_VERSION'],
  [-108, 'NO_CHILDREN_FOR_EPHEMERALS'],
  [-110, 'NODE_EXISTS'],
  [-111, 'NOT_EMPTY'],
  [-112, 'SESSION_EXPIRED'],
  [-113, 'INVALID_CALLBACK'],
  [-114, 'INVALID_ACL'],
  [-115, 'AUTH_FAILED'],
  [-116, 'CLOSED'],
  [-117, 'NOTHING'],
  [-118, 'SESSION_MOVED'],
  [-119, 'NOT_READ_ONLY'],
  [-120, 'EPHEMERAL_ON_LOCAL_SESSION'],
  [-121, 'NO_WATCHER'],
  [-122, 'REQUEST_TIMEOUT'],
  [-123, 'RECONFIG_DISABLED'],
  [-124, 'SESSION_CLOSED_REQUIRE_AUTH'],
  [-125, 'QUOTA_EXCEEDED'],
  [-127, 'THROTTLED']
]

t.test('the table of codes has every number of ZooKeeper’s under its name', async t => {
  const numbered = Object.entries(ERROR_CODES).flatMap(([code, { wireCode }]) => (wireCode === null ? [] : [[wireCode, code]]))
  t.strictSame(
    [...numbered].sort(([a], [b]) => Number(b) - Number(a)),
    ZOOKEEPERS_NUMBERS
  )
})
