import { Latencies } from '../../load/latencies.js'
import { BenchProcess } from '../../processes/bench-process.js'
import { type BenchEnsemble, type EnsembleShape, type Load, type Measurement, shares } from '../contender.js'
import type { ServerEnsemble } from '../zookeeper/server-ensemble.js'
import type { ClientOrders } from './client-load.js'

/** Servers with a load beside them: one Node process that has a client at each of them. */
export class ClientEnsemble implements BenchEnsemble {
  readonly #servers: ServerEnsemble
  readonly #load: BenchProcess<ClientOrders>

  private constructor(servers: ServerEnsemble, load: BenchProcess<ClientOrders>) {
    this.#servers = servers
    this.#load = load
  }

  /** Takes the servers over. `program` is compiled and calls `obeyAsLoad`. */
  static async start(servers: ServerEnsemble, program: URL, shape: EnsembleShape): Promise<ClientEnsemble> {
    const ensemble = new ClientEnsemble(servers, new BenchProcess<ClientOrders>(program))
    try {
      await ensemble.#load.ask('connect', servers.addresses)
      await ensemble.#load.ask('fill', shape, await servers.leader())
      return ensemble
    } catch (error) {
      await ensemble.stop()
      throw error
    }
  }

  async measure(load: Load): Promise<Measurement> {
    const parts = shares(load, this.#servers.addresses.length, await this.#servers.leader())
    const latencies = Latencies.decoded(await this.#load.ask('measure', load, parts))
    return { operations: latencies.count, milliseconds: load.measuredMilliseconds, latencies }
  }

  async stop(): Promise<void> {
    await Promise.all([this.#load.kill(), this.#servers.stop()])
  }
}
