import type { Standing, Waiting } from '../zab/index.js'

/** For people: what is missing and why that matters. */
export function describeWaiting(waiting: Waiting, standing: Standing): string {
  const missing = waiting.missing.length === 0 ? '' : `; not reachable: ${waiting.missing.join(', ')}`
  const without = waiting.withoutHistory.length === 0 ? '' : `; without history: ${waiting.withoutHistory.join(', ')}`
  switch (waiting.kind) {
    case 'founding':
      return `a new ensemble is founded once every listed member is here${missing}`
    case 'lostQuorum':
      return `too many members have lost their storage; waiting for it to come back, or for onLostQuorum: 'salvage' on all${without}${missing}`
    case 'quorum':
      return `waiting for a quorum${missing}${standing === 'member' ? '' : '; this member has no vote until it has been synchronized'}`
    case 'disk':
      return 'waiting for the disk'
    case 'election':
      return 'electing a leader'
  }
}
