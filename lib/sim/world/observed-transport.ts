import { isZooKeeperError } from '../../base/index.js'
import type { Address, Channel, Listener, Transport } from '../../transport/index.js'
import { decodePeerMessage, type PeerMessage } from '../../wire/index.js'

/** A frame on its way: null stands for one of the links' own, a handshake or a sign of life. */
export interface ObservedFrame {
  readonly remote: string
  readonly message: PeerMessage | null
  readonly bytes: number
}

export interface TransportObserver {
  onSent(frame: ObservedFrame): void
  onReceived(frame: ObservedFrame): void
}

/** A transport that tells of every frame before it is sent, and before it is handed over. */
export class ObservedTransport implements Transport {
  readonly provesSecret: boolean
  readonly #transport: Transport
  readonly #observer: TransportObserver

  constructor(transport: Transport, observer: TransportObserver) {
    this.provesSecret = transport.provesSecret
    this.#transport = transport
    this.#observer = observer
  }

  listen(address: Address, onChannel: (channel: Channel) => void): Promise<Listener> {
    return this.#transport.listen(address, channel => onChannel(new ObservedChannel(channel, this.#observer)))
  }

  async dial(address: Address, signal: AbortSignal): Promise<Channel> {
    return new ObservedChannel(await this.#transport.dial(address, signal), this.#observer)
  }
}

class ObservedChannel implements Channel {
  readonly #channel: Channel
  readonly #observer: TransportObserver

  constructor(channel: Channel, observer: TransportObserver) {
    this.#channel = channel
    this.#observer = observer
  }

  get remote(): string {
    return this.#channel.remote
  }

  get bufferedBytes(): number {
    return this.#channel.bufferedBytes
  }

  start(handlers: Parameters<Channel['start']>[0]): void {
    this.#channel.start({
      onFrame: frame => {
        this.#observer.onReceived({ remote: this.remote, message: messageIn(frame), bytes: frame.length })
        handlers.onFrame(frame)
      },
      onClose: reason => handlers.onClose(reason),
      onDrain: () => handlers.onDrain()
    })
  }

  send(frame: Uint8Array): void {
    this.#observer.onSent({ remote: this.remote, message: messageIn(frame), bytes: frame.length })
    this.#channel.send(frame)
  }

  limitFrames(bytesMax: number): void {
    this.#channel.limitFrames(bytesMax)
  }

  close(...args: Parameters<Channel['close']>): void {
    this.#channel.close(...args)
  }
}

/** The links mark their own frames with the one byte that msgpack never uses. */
const OF_THE_LINK = 0xc1

function messageIn(frame: Uint8Array): PeerMessage | null {
  if (frame.length === 0 || frame[0] === OF_THE_LINK) return null
  try {
    return decodePeerMessage(frame)
  } catch (error) {
    if (isZooKeeperError(error, 'BAD_FRAME')) return null
    throw error
  }
}
