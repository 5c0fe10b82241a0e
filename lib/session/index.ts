export type { CloseSessionChange, CreateSessionChange, EnlistChange, SessionChange } from './session-change.js'
export type { MemberRecord, SessionRecord, SessionSnapshot } from './session-table.js'
export { SessionTable } from './session-table.js'
export { SessionTracker } from './session-tracker.js'
