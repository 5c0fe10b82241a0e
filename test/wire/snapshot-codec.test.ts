import fc from 'fast-check'
import t from 'tap'
import { isZooKeeperError, LIMITS, type MemberId } from '../../lib/base/index.js'
import { SessionTable } from '../../lib/session/index.js'
import { CONTAINER, TreeRestorer, TTL_MAX, type ZnodeRecord } from '../../lib/tree/index.js'
import {
  decodeSnapshotChunk,
  encode,
  encodeSessionChunks,
  encodeSnapshotChunk,
  encodeZnodeChunks,
  type SnapshotChunk
} from '../../lib/wire/index.js'
import { mutationsOf } from '../fixtures/mutated-bytes.js'
import { aclFor, bytes, create, recordsOf, session, setAcl, setData, treeWith, zxidAt } from '../fixtures/tree.js'

function sampleTree() {
  const leader = treeWith('/a', '/a/b', '/ä')
  leader.run(create('/a/e', { ephemeral: true, data: bytes('value') }), session(zxidAt(1)))
  leader.run(create('/a/c', { lifetime: CONTAINER, acl: [aclFor('ann', 31)] }))
  leader.run(create('/a/t', { lifetime: TTL_MAX }))
  leader.run(setAcl('/a/b', [aclFor('ann', 31), aclFor('world', 1)]))
  leader.run(setAcl('/ä', null))
  leader.run(setData('/a', ''))
  leader.run(setData('/a/b', 'x'.repeat(300)))
  return leader.tree
}

function sampleSessions(): SessionTable {
  const table = new SessionTable()
  table.apply({ kind: 'enlist', member: 1 as MemberId, run: 'a' }, zxidAt(1))
  table.apply(
    { kind: 'createSession', timeout: 5000, member: 1 as MemberId, run: 'a', password: new Uint8Array(16).fill(5) },
    zxidAt(2)
  )
  table.apply(
    { kind: 'createSession', timeout: 6000, member: 1 as MemberId, run: 'a', password: new Uint8Array(16).fill(6) },
    zxidAt(3)
  )
  table.apply({ kind: 'closingSession', session: session(zxidAt(3)) }, zxidAt(4))
  return table
}

t.test('a whole state goes through chunks and comes back equal', async t => {
  const tree = sampleTree()
  const sessions = sampleSessions()
  const cut = tree.cut()
  const chunks = [...encodeSessionChunks(sessions.snapshot())]
  for (let slice = cut.next(2); slice.length > 0; slice = cut.next(2)) chunks.push(...encodeZnodeChunks(slice))

  const restorer = new TreeRestorer()
  const found: { sessions: SnapshotChunk[]; members: SnapshotChunk[] } = { sessions: [], members: [] }
  const kinds: string[] = []
  for (const bytes of chunks) {
    const chunk = decodeSnapshotChunk(bytes)
    kinds.push(chunk.kind)
    if (chunk.kind === 'znodes') restorer.add(chunk.records)
    else found[chunk.kind].push(chunk)
  }
  t.strictSame([...new Set(kinds)], ['sessions', 'members', 'znodes'], 'in this order')
  t.equal(restorer.finish(cut.zxid).digest, tree.digest)
  const restored = SessionTable.restore({
    sessions: found.sessions.flatMap(chunk => (chunk.kind === 'sessions' ? chunk.records : [])),
    members: found.members.flatMap(chunk => (chunk.kind === 'members' ? chunk.records : []))
  })
  t.equal(restored.digest, sessions.digest)
})

t.test('an empty table takes no chunk', async t => {
  t.strictSame(encodeSessionChunks(new SessionTable().snapshot()), [])
  t.strictSame(encodeZnodeChunks([]), [])
})

t.test('chunks keep to their bound, and a znode that is larger by itself has its own', async t => {
  const [model] = recordsOf(sampleTree()).filter(({ path }) => path === '/a')
  if (model === undefined) throw new Error('the sample has /a')
  const records: ZnodeRecord[] = Array.from({ length: 3000 }, (_, index) => ({
    ...model,
    path: `/n${index}`,
    data: new Uint8Array(index === 1500 ? 1_000_000 : 200)
  }))
  const chunks = encodeZnodeChunks(records)
  t.ok(chunks.length >= 4 && chunks.length <= 7, `${chunks.length} chunks`)
  const decoded = chunks.map(decodeSnapshotChunk)
  t.strictSame(
    decoded.flatMap(chunk => (chunk.kind === 'znodes' ? chunk.records.map(({ path }) => path) : [])),
    records.map(({ path }) => path)
  )
  const large = chunks.filter(chunk => chunk.length > LIMITS.snapshotChunkBytesMax)
  t.equal(large.length, 1)
  t.equal(decodeSnapshotChunk(large[0] ?? bytes('')).records.length, 1)
})

t.test('every field is checked: what is not a chunk is BAD_FRAME', async t => {
  const znode = ['/a', null, 1, 1, 1, 0, 0, 0, 0, 0]
  const marked = [...znode, 0, 0, null]
  const sessionFields = [1, 1000, 1, 'a', new Uint8Array(16), 0, false]
  const member = [1, 'a', 0]
  t.equal(decodeSnapshotChunk(encode([3, [znode]])).records.length, 1)
  t.equal(decodeSnapshotChunk(encode([3, [marked]])).records.length, 1)
  t.equal(decodeSnapshotChunk(encode([1, [sessionFields]])).records.length, 1)
  t.equal(decodeSnapshotChunk(encode([2, [member]])).records.length, 1)
  const replaced = (fields: readonly unknown[], index: number, value: unknown): readonly unknown[] => fields.with(index, value)
  const wrongZnodes = [
    [0, 'a'],
    [0, null],
    [0, '/a/'],
    [1, 'text'],
    [1, 5],
    [2, -1],
    [3, 0.5],
    [4, 2 ** 53],
    [5, -1],
    [6, 1.5],
    [7, -1],
    [7, 2 ** 31],
    [8, -1],
    [8, 2 ** 31],
    [9, -1],
    [9, null]
  ] as const
  const wrongMarks = [
    [10, -1],
    [10, 0.5],
    [11, -2],
    [11, 0.5],
    [11, TTL_MAX + 1],
    [11, null],
    [12, []],
    [12, 'world'],
    [12, [[31, 'world']]],
    [12, [[32, 'world', 'anyone']]],
    [12, [[31, 'x', 'x'.repeat(LIMITS.aclBytesMax)]]],
    [12, Array.from({ length: LIMITS.aclEntriesMax + 1 }, () => [31, 'world', 'anyone'])]
  ] as const
  const wrongSessions = [
    [0, -1],
    [1, 0],
    [2, 0],
    [3, ''],
    [4, new Uint8Array(8)],
    [5, -1],
    [6, 0],
    [6, null]
  ] as const
  const wrongMembers = [
    [0, 256],
    [1, 5],
    [2, 0.5]
  ] as const
  const wrong = [
    null,
    [],
    [3],
    [3, null],
    [0, []],
    [4, []],
    [3, [], 0],
    [3, [znode.slice(1)]],
    [3, [[...znode, 0]]],
    [3, [[...marked, 0]]],
    [1, [sessionFields.slice(0, -1)]],
    [3, [sessionFields]],
    [1, [member]],
    [2, [znode]],
    ...wrongZnodes.map(([index, value]) => [3, [replaced(znode, index, value)]]),
    ...wrongMarks.map(([index, value]) => [3, [replaced(marked, index, value)]]),
    ...wrongSessions.map(([index, value]) => [1, [replaced(sessionFields, index, value)]]),
    ...wrongMembers.map(([index, value]) => [2, [replaced(member, index, value)]])
  ]
  for (const chunk of wrong) t.throws(() => decodeSnapshotChunk(encode(chunk)), { code: 'BAD_FRAME' }, JSON.stringify(chunk))
})

t.test('damaged bytes are BAD_FRAME or another valid chunk, and nothing else', async t => {
  const originals = [...encodeSessionChunks(sampleSessions().snapshot()), ...encodeZnodeChunks(recordsOf(sampleTree()))]
  let refused = 0
  for (const damaged of mutationsOf(originals, 30_000, 3)) {
    try {
      const chunk = decodeSnapshotChunk(damaged)
      if (fc.stringify(decodeSnapshotChunk(encodeSnapshotChunk(chunk))) !== fc.stringify(chunk)) t.fail('not the same again')
      // A chunk that passes may still not fit the others: that too must come out as a code.
      if (chunk.kind === 'znodes') new TreeRestorer().add(chunk.records)
    } catch (error) {
      if (isZooKeeperError(error, 'BAD_FRAME')) refused++
      else if (!isZooKeeperError(error, 'LOG_CORRUPTED')) t.error(error)
    }
  }
  t.ok(refused > 10_000, `${refused} refused`)
})
