import { type Load, type Measurement, shares } from '../contenders/contender.js'
import type { BenchProcess } from '../processes/bench-process.js'
import { Latencies } from './latencies.js'
import type { LoadOrders } from './load-orders.js'

/** Has every process of an ensemble carry its part of a load. `leader` is an index into `processes`. */
export async function measureShared(
  processes: readonly BenchProcess<LoadOrders>[],
  leader: number,
  load: Load
): Promise<Measurement> {
  const parts = shares(load, processes.length, leader)
  const latencies = Latencies.empty()
  const measured = await Promise.all(processes.map((process, index) => process.ask('measure', load, parts[index] ?? 0)))
  for (const encoded of measured) latencies.add(Latencies.decoded(encoded))
  return { operations: latencies.count, milliseconds: load.measuredMilliseconds, latencies }
}
