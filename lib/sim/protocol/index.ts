export type { CanonicalLog, CanonicalTxn } from './canonical-log.js'
export type { ProtocolCheckers } from './protocol.js'
export { protocolCheckers } from './protocol.js'
