import { createEnsembleMember, type EnsembleMember, type MemberStatus } from '../../lib/index.js'
import type { Orders } from '../processes/orders.js'

/** What every process answers that hosts a member. */
export interface HostOrders extends Orders {
  /** Nothing but an answer: the process runs and has imported everything. */
  ready(): Promise<void>
  /** Resolves when the member serves. */
  start(peers: readonly string[], id: number, dataDir: string): Promise<void>
  status(): Promise<MemberStatus>
  close(): Promise<void>
}

/** The member of this process, with the options that everybody gets who gives none. */
export class HostedMember {
  readonly orders: HostOrders
  #member: EnsembleMember | undefined

  /** `onStarted` is called with the member before anybody hears that it serves. */
  constructor(onStarted: (member: EnsembleMember) => void = () => {}) {
    this.orders = {
      ready: async () => {},
      start: async (peers, id, dataDir) => {
        this.#member = await createEnsembleMember(peers, { id, dataDir, ensemble: 'bench' })
        onStarted(this.#member)
      },
      status: async () => this.zk.status(),
      close: () => this.zk.close()
    }
  }

  get zk(): EnsembleMember {
    if (this.#member === undefined) throw new Error('the member has not been started')
    return this.#member
  }
}
