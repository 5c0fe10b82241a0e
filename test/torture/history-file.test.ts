import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { MemberId, SessionId } from '../../lib/base/index.js'
import type { HistoryEvent } from '../../lib/sim/history.js'
import { HistoryFile, mergeHistories, readHistoryFile } from './history-file.js'

function told(process: number, at: number, state: string): HistoryEvent {
  return { at, member: 1 as MemberId, process, session: 1 as SessionId, kind: 'state', state }
}

t.test('every event is in the file when it has been added, and a line that was never completed does not count', async t => {
  const path = join(t.testdir(), 'history.jsonl')
  const events = [told(1, 0.25, 'connected'), told(1, 3, 'expired')]
  const file = new HistoryFile(path)
  for (const event of events) file.add(event)
  t.strictSame(await readHistoryFile(path), events)
  await appendFile(path, JSON.stringify(told(1, 4, 'closed')).slice(0, 20))
  t.strictSame(await readHistoryFile(path), events)
})

t.test('histories are merged by time, and what one process saw stays in its order', async t => {
  const one = [told(1, 1, 'a'), told(1, 2, 'b'), told(1, 2, 'c'), told(1, 4, 'd')]
  const other = [told(2, 0, 'e'), told(2, 3, 'f')]
  const merged = mergeHistories([one, other])
  t.strictSame(
    merged.map(event => event.kind === 'state' && event.state),
    ['e', 'a', 'b', 'c', 'f', 'd']
  )
})
