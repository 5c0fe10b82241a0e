import type { MemberId, Scheduler } from '../../base/index.js'
import type { EnsembleMember } from '../../member/index.js'
import type { Recorder } from './recorder.js'
import { mixed, WorkloadActor } from './workload-actor.js'
import { DEFAULT_WORKLOAD_OPTIONS, type WorkloadOptions } from './workload-options.js'

/** What the actors of one process need. */
export interface WorkloadProcess {
  /** Which life of the member it is. */
  readonly process: number
  /** The process's own: actors stand still and die with it. */
  readonly scheduler: Scheduler
}

/**
 * What clients do in a run: in every process some actors, each with chance of its own, all on the same few znodes. It checks nothing; what
 * came of it is in the recorder's history.
 */
export class Workload {
  /** How often each kind of operation ended in which way, by `kind: outcome`. */
  readonly counts = new Map<string, number>()
  readonly #options: WorkloadOptions
  readonly #recorder: Recorder
  readonly #actors = new Map<MemberId, { readonly process: number; readonly actors: readonly WorkloadActor[] }>()
  #stopped = false

  constructor(recorder: Recorder, options: Partial<WorkloadOptions> = {}) {
    this.#recorder = recorder
    this.#options = { ...DEFAULT_WORKLOAD_OPTIONS, ...options }
  }

  /** No actor that is alive waits for anything. */
  get idle(): boolean {
    return [...this.#actors.values()].every(({ actors }) => actors.every(actor => actor.idle))
  }

  /** The process of a member is up: its actors begin. */
  start(member: EnsembleMember, { process, scheduler }: WorkloadProcess): void {
    if (this.#stopped) return
    const client = this.#recorder.client(member, process)
    const { seed, sessions } = this.#options
    const actors = Array.from({ length: sessions + 1 }, (_, index) => {
      const name = `${member.id}.${process}.${index}`
      return new WorkloadActor({
        name,
        seed: mixed(seed, member.id, process, index),
        owned: index === 0,
        member: client,
        scheduler,
        options: this.#options,
        count: (kind, outcome) => this.#count(kind, outcome)
      })
    })
    this.#actors.set(member.id, { process, actors })
    for (const actor of actors) actor.start()
  }

  /** The process is gone, killed or closed: nothing is expected of its actors any more. */
  ended(member: MemberId, process: number): void {
    this.#recorder.ended(member, process)
    const known = this.#actors.get(member)
    if (known?.process !== process) return
    for (const actor of known.actors) actor.stop()
    this.#actors.delete(member)
  }

  /** Nobody does anything more. What is under way goes on until all are `idle`; sessions stay as they are. */
  stop(): void {
    this.#stopped = true
    for (const { actors } of this.#actors.values()) for (const actor of actors) actor.stop()
  }

  #count(kind: string, outcome: string): void {
    const name = `${kind}: ${outcome}`
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
  }
}
