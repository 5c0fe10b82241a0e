import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { DurableChange, ZabEffect, ZabMessage } from '../../lib/zab/index.js'
import {
  ackEpochOf,
  at,
  batchAt,
  ENSEMBLE,
  epoch,
  FOLLOWER_PHASES,
  followerAt,
  LEADER_PHASES,
  LonePeer as Lone,
  type LonePeer,
  leaderAt,
  member,
  notificationOf,
  pongOf
} from '../fixtures/zab-peers.js'

// After a change that is meant: ZAB_TABLE=write, then read the diff of lib/zab/README.md.
const REWRITE = process.env.ZAB_TABLE === 'write'

interface Column {
  readonly name: string
  readonly make: () => LonePeer
  /** Who says what a leader or a learner may say. */
  readonly sender: number
}

const COLUMNS: readonly Column[] = [
  { name: 'looking', make: () => new Lone(1).start(2, 3), sender: 3 },
  ...FOLLOWER_PHASES.map(phase => ({ name: `following, ${phase}`, make: () => followerAt(phase), sender: 3 })),
  ...LEADER_PHASES.map(phase => ({ name: `leading, ${phase}`, make: () => leaderAt(phase), sender: 1 }))
]

/** Every message, as its rightful sender would say it in epoch 2 to that peer. */
const MESSAGES: readonly (readonly [string, (to: LonePeer) => ZabMessage])[] = [
  ['notification: looking', () => notificationOf({ vote: { leader: member(1), epoch: epoch(1), zxid: at(1, 2) } })],
  [
    'notification: following',
    () => notificationOf({ state: 'following', epoch: epoch(2), vote: { leader: member(2), epoch: epoch(1), zxid: at(1, 2) } })
  ],
  ['notification: leading', () => notificationOf({ state: 'leading', epoch: epoch(2), acceptedEpoch: epoch(2) })],
  ['followerInfo', () => ({ kind: 'followerInfo', acceptedEpoch: epoch(1), standing: 'member' })],
  ['leaderInfo', () => ({ kind: 'leaderInfo', epoch: epoch(2), ensembleId: ENSEMBLE, founding: false })],
  ['ackEpoch', () => ackEpochOf()],
  ['truncate', () => ({ kind: 'truncate', epoch: epoch(2), zxid: at(1, 1) })],
  ['replace', () => ({ kind: 'replace', epoch: epoch(2), snapshot: null })],
  ['snapshotChunk', () => ({ kind: 'snapshotChunk', epoch: epoch(2), index: 0, bytes: new Uint8Array() })],
  ['history', () => ({ kind: 'history', epoch: epoch(2), batch: batchAt(1, 3) })],
  ['newLeader', to => ({ kind: 'newLeader', epoch: epoch(2), zxid: to.peer.zxidLogged, ensembleId: ENSEMBLE, vote: 'held' })],
  ['ackNewLeader', () => ({ kind: 'ackNewLeader', epoch: epoch(2), zxid: at(1, 2) })],
  ['upToDate', () => ({ kind: 'upToDate', epoch: epoch(2), zxidCommitted: at(1, 2) })],
  ['admit', () => ({ kind: 'admit', epoch: epoch(2) })],
  ['admitted', () => ({ kind: 'admitted', epoch: epoch(2) })],
  ['proposal', () => ({ kind: 'proposal', epoch: epoch(2), batch: batchAt(2, 1), zxidCommitted: at(1, 2) })],
  ['ack', () => ({ kind: 'ack', epoch: epoch(2), zxid: at(1, 2) })],
  ['commit', () => ({ kind: 'commit', epoch: epoch(2), zxid: at(1, 2) })],
  ['ping', () => ({ kind: 'ping', epoch: epoch(2), sequence: 1, zxidCommitted: at(1, 2) })],
  ['pong', () => pongOf(1)],
  ['abdicate', () => ({ kind: 'abdicate', epoch: epoch(2) })]
]

/** Only these mean something without an epoch, and to whoever they come from. */
const OF_ANYBODY: readonly ZabMessage['kind'][] = ['notification', 'followerInfo']

t.test('the table in lib/zab/README.md says how every role answers every message', async t => {
  const path = readmePath()
  const readme = readFileSync(path, 'utf8')
  const [before, rest] = readme.split('<!-- table: role x message -->\n')
  const [written, after] = (rest ?? '').split('<!-- end of table -->')
  if (REWRITE) writeFileSync(path, `${before}<!-- table: role x message -->\n${table()}<!-- end of table -->${after}`)
  else t.equal(written, table())
})

t.test('what belongs to an epoch is ignored when it is of another one', async t => {
  for (const { name, make, sender } of COLUMNS) {
    for (const [kind, message] of MESSAGES) {
      for (const wrong of [1, 3]) {
        const to = make()
        const sent = message(to)
        if (OF_ANYBODY.includes(sent.kind) || sent.kind === 'leaderInfo') continue
        const { role, tenure, epoch: before } = to.peer
        t.strictSame(
          to.receive(sender, { ...sent, epoch: epoch(wrong) } as ZabMessage),
          [],
          `${kind} of epoch ${wrong} while ${name}`
        )
        t.strictSame([to.peer.role, to.peer.tenure, to.peer.epoch], [role, tenure, before])
      }
    }
  }
})

t.test('what only a leader or a learner may say is ignored from anybody else', async t => {
  for (const { name, make } of COLUMNS) {
    for (const [kind, message] of MESSAGES) {
      const to = make()
      to.step({ kind: 'linkUp', peer: member(2) })
      const sent = message(to)
      if (OF_ANYBODY.includes(sent.kind)) continue
      t.strictSame(to.receive(2, sent), [], `${kind} of 2 while ${name}`)
    }
  }
})

t.test('what arrives after a link has gone down is ignored', async t => {
  for (const { name, make, sender } of COLUMNS) {
    for (const [kind, message] of MESSAGES) {
      const to = make()
      const sent = message(to)
      to.step({ kind: 'linkDown', peer: member(sender) })
      t.strictSame(to.receive(sender, sent), [], `${kind} while ${name}`)
    }
  }
})

function table(): string {
  const rows = MESSAGES.map(([kind, message]) => {
    const cells = COLUMNS.map(({ make, sender }) => {
      const to = make()
      return summary(to.receive(sender, message(to)))
    })
    return `| ${kind} | ${cells.join(' | ')} |`
  })
  const header = `| | ${COLUMNS.map(({ name }) => name).join(' | ')} |`
  return `${[header, `|---|${COLUMNS.map(() => '---|').join('')}`, ...rows].join('\n')}\n`
}

/** The effects of a step in a few words; nothing for an ignored message. */
function summary(effects: readonly ZabEffect[]): string {
  const parts = effects.map(part).filter(text => text !== null)
  return [...new Set(parts)].join(', ')
}

function part(effect: ZabEffect): string | null {
  switch (effect.kind) {
    case 'send':
      // Telling everybody about a change of role or vote goes without saying.
      return effect.message.kind === 'notification' ? 'tells' : `${effect.message.kind} →`
    case 'write':
      return `write ${nameOf(effect.change)}${effect.thenSend.map(({ message }) => `, then ${message.kind} →`).join('')}`
    case 'role':
      return `**${effect.role}**`
    case 'learnerAlive':
      return 'alive'
    default:
      return effect.kind
  }
}

function nameOf(change: DurableChange): string {
  return change.kind
}

function readmePath(): string {
  let directory = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(directory, 'lib/zab/README.md'))) {
    const parent = dirname(directory)
    if (parent === directory) throw new Error('no sources above the tests')
    directory = parent
  }
  return join(directory, 'lib/zab/README.md')
}
