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
