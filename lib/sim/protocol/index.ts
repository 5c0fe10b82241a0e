export type { CanonicalLog, CanonicalTxn } from './canonical-log.js'
export type { ProtocolCheckers } from './protocol-checkers.js'
export { protocolCheckers } from './protocol-checkers.js'
