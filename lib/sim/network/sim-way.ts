/** Whether bytes pass: `cut` breaks connections and refuses new ones, `swallowed` loses what is sent and tells nobody. */
export type WayState = 'open' | 'cut' | 'swallowed'

/** The way from one member to another. All connections between the two share it. */
export class SimWay {
  readonly from: string
  readonly to: string
  state: WayState = 'open'
  /** Stands still: nothing is lost, and nothing arrives. */
  clogged = false
  /** Of its own; null leaves it to the network's. */
  bytesPerMillisecond: number | null = null
  /** Segments that will have a bit changed. */
  flips = 0

  constructor(from: string, to: string) {
    this.from = from
    this.to = to
  }

  get passes(): boolean {
    return this.state === 'open' && !this.clogged
  }

  /** As if nothing had ever been wrong with it. */
  calm(): void {
    this.state = 'open'
    this.clogged = false
    this.bytesPerMillisecond = null
    this.flips = 0
  }
}
