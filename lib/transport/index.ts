export { assertListenable, fingerprintOf, formatAddress, parseAddress } from './address.js'
export { IpcTransport } from './ipc-transport.js'
export type { MemoryNetworkOptions } from './memory-network.js'
export { MemoryNetwork, MemoryTransport, processNetwork } from './memory-network.js'
export type { PeerLinksOptions } from './peer-links.js'
export { createPeerLinks } from './peer-links.js'
export type { TcpTransportOptions } from './tcp-transport.js'
export { TcpTransport } from './tcp-transport.js'
export type {
  Address,
  Channel,
  ChannelHandlers,
  CloseReason,
  LinkGeneration,
  Listener,
  PeerIntroduction,
  PeerLinks,
  PeerLinksHandlers,
  Refusal,
  Transport
} from './transport.js'
export type { TransportFactory, TransportFixture, TransportSuiteOptions } from './transport-suite.js'
export { transportSuite } from './transport-suite.js'
export type { Transports, TransportsOptions } from './transports.js'
export { createTransports } from './transports.js'
