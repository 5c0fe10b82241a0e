import type { EnsembleShape, Load } from '../contenders/contender.js'
import type { Orders } from '../processes/orders.js'

/** What every process answers that carries a part of a load. */
export interface LoadOrders extends Orders {
  /** Brings about the znodes that the shape asks for. Asked of one process. */
  fill(shape: EnsembleShape): Promise<void>
  /** Carries `outstanding` of the load, or nothing when that is 0. Resolves to encoded latencies. */
  measure(load: Load, outstanding: number): Promise<string>
}
