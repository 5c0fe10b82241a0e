export type {
  CloseSessionChange,
  ClosingSessionChange,
  CreateSessionChange,
  EnlistChange,
  MoveSessionChange,
  SessionChange
} from './session-change.js'
export type { MemberRecord, SessionRecord, SessionSnapshot } from './session-table.js'
export { SessionTable } from './session-table.js'
export { SessionTracker } from './session-tracker.js'
