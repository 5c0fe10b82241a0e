import { setTimeout as sleep } from 'node:timers/promises'
import { wallNow } from './clock.js'
import type { FailoverOrders } from './failover-program.js'
import { type Kill, killOf } from './kills.js'
import { MemberProcesses } from './member-processes.js'

const PROGRAM = new URL('./failover-program.js', import.meta.url)
const MEMBERS = 3
const PATH = '/failover'

/** Kills the process of the leader so many times, and has it come back every time. */
export async function killOurLeaders(
  kills: number,
  { steadyMilliseconds, valueBytes }: { readonly steadyMilliseconds: number; readonly valueBytes: number },
  onKill: (kill: Kill) => void
): Promise<readonly Kill[]> {
  const members = await MemberProcesses.start<FailoverOrders>(PROGRAM, MEMBERS)
  const results: Kill[] = []
  try {
    await members.all[0]?.ask('fill', PATH, valueBytes)
    while (results.length < kills) {
      const leader = await members.leader()
      const survivors = members.all.map((process, index) => ({ process, id: index + 1 })).filter(({ id }) => id !== leader + 1)
      await Promise.all(survivors.map(({ process }) => process.ask('beginWrites', PATH, valueBytes)))
      await sleep(steadyMilliseconds)
      const killed = wallNow()
      await members.all[leader]?.kill()
      const told = await Promise.all(
        survivors.map(async ({ process, id }) => ({ id, ...(await process.ask('recovered', killed)) }))
      )
      const events = told
        .flatMap(({ id, events }) =>
          events.map(({ at, what, waited }) => ({ at: at - killed, text: `member ${id} ${what}${waitedText(waited)}` }))
        )
        .toSorted((a, b) => a.at - b.at)
        .map(({ at, text }) => `${at.toFixed(1)} ms: ${text}`)
      const kill = killOf(
        killed,
        told.map(({ recovery }) => recovery),
        events
      )
      results.push(kill)
      onKill(kill)
      await members.restart(leader)
    }
    return results
  } finally {
    await members.stop()
  }
}

function waitedText(milliseconds: number): string {
  return milliseconds < 1 ? '' : ` (since its line before, ${milliseconds.toFixed(0)} ms without a processor)`
}
