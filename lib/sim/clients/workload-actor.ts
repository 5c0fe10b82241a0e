import { isZooKeeperError, type Random, type Scheduler, type SessionId, seededRandom } from '../../base/index.js'
import type { RecordedMember } from './recorded-member.js'
import type { RecordedSession } from './recorded-session.js'
import { ABORTED } from './recording.js'
import { AbortedByCaller, type ClientHost, WorkloadClient } from './workload-client.js'
import { WorkloadKeys } from './workload-keys.js'
import { integerWithin, WORKLOAD_KINDS, type WorkloadKind, type WorkloadOptions, within } from './workload-options.js'
import { sharedPlace, sharedSessionIn } from './workload-sessions.js'

export interface ActorParts {
  /** Names it among all actors of a run. */
  readonly name: string
  /** What its chance comes from. */
  readonly seed: number
  /** Whether it uses the session that the member has, or opens sessions of its own. */
  readonly owned: boolean
  readonly member: RecordedMember
  readonly scheduler: Scheduler
  readonly options: WorkloadOptions
  readonly count: (kind: string, outcome: string) => void
}

/**
 * Thinks, does an operation, and thinks again, for as long as its process lives. What it does at operation n depends on its seed, on n and on
 * what it has seen, but never on the chance of another operation: any of them can be left out.
 */
export class WorkloadActor implements ClientHost {
  readonly name: string
  readonly scheduler: Scheduler
  readonly options: WorkloadOptions
  readonly #parts: ActorParts
  readonly #keys: WorkloadKeys
  #client: WorkloadClient | null = null
  #opening = false
  /** The operation from which on its session is old. */
  #sessionEnd = 0
  #operation = 0
  #outstanding = 0
  #stopped = false

  constructor(parts: ActorParts) {
    const { name, scheduler, options, owned, member } = parts
    this.#parts = parts
    this.name = name
    this.scheduler = scheduler
    this.options = options
    this.#keys = new WorkloadKeys(options.registers, options.depth)
    if (owned) this.#client = new WorkloadClient(member, this.#keys, this)
  }

  /** Nothing that it has asked for is without an answer. */
  get idle(): boolean {
    return this.#outstanding === 0
  }

  get room(): number {
    return this.#stopped ? 0 : Math.max(0, this.options.outstandingMax - this.#outstanding)
  }

  start(): void {
    this.#think()
  }

  /** Does nothing more. What is under way goes on. */
  stop(): void {
    this.#stopped = true
  }

  track<T>(kind: string, promise: Promise<T>, onAnswer: (value: T) => void, onRefused: (code: string) => void): void {
    this.#outstanding++
    promise.then(
      value => {
        this.#outstanding--
        this.count(kind, 'ok')
        onAnswer(value)
      },
      (error: unknown) => {
        this.#outstanding--
        const code = codeOf(error)
        this.count(kind, code)
        onRefused(code)
      }
    )
  }

  count(kind: string, outcome: string): void {
    this.#parts.count(kind, outcome)
  }

  terminate(session: SessionId): Promise<void> {
    return this.#parts.member.closeSession(session)
  }

  #think(): void {
    if (this.#stopped || this.#operation >= this.options.operationsMax) return
    const operation = this.#operation++
    const random = seededRandom(mixed(this.#parts.seed, operation))
    this.scheduler.after(within(random, this.options.thinkMilliseconds), () => {
      if (this.#stopped) return
      if (this.room > 0 && this.options.enabled(this.name, operation)) this.#act(operation, random)
      this.#think()
    })
  }

  #act(operation: number, random: Random): void {
    if (!this.#parts.owned && (this.#client === null || this.#client.over)) return this.#open(operation, random)
    if (!this.#parts.owned && operation >= this.#sessionEnd) return this.#close()
    this.#client?.act(operation, this.#kind(random), random)
  }

  #open(operation: number, random: Random): void {
    if (this.#opening) return
    this.#opening = true
    const { member } = this.#parts
    const timeout = integerWithin(random, this.options.sessionTimeoutMilliseconds)
    const sessionEnd = operation + integerWithin(random, this.options.sessionOperations)
    const { takeOverShare } = this.options
    const takesOver = random.float() < takeOverShare
    const isShared = random.float() < takeOverShare
    const onOpened = (session: RecordedSession) => {
      this.#opening = false
      this.#sessionEnd = sessionEnd
      this.#client = new WorkloadClient(session, this.#keys, this)
      if (isShared) this.#client.act(operation, 'shareSession', random)
    }
    const onRefused = () => {
      this.#opening = false
    }
    if (!takesOver) return this.track('openSession', member.openSession({ timeout }), onOpened, onRefused)
    const onFound = ({ data }: { readonly data: Buffer | null }) => {
      const shared = sharedSessionIn(data)
      if (shared === null) return onRefused()
      const { session: sessionId, password: sessionPassword } = shared
      this.track('take over session', member.openSession({ timeout, sessionId, sessionPassword }), onOpened, onRefused)
    }
    this.track('find shared session', member.getData(sharedPlace(random)), onFound, onRefused)
  }

  #close(): void {
    const client = this.#client
    if (client === null) return
    this.#client = null
    this.track(
      'closeSession',
      client.session.close(),
      () => {},
      () => {}
    )
  }

  #kind(random: Random): WorkloadKind {
    const { weights } = this.options
    const sum = WORKLOAD_KINDS.reduce((total, kind) => total + (weights[kind] ?? 0), 0)
    let dice = random.float() * sum
    for (const kind of WORKLOAD_KINDS) {
      dice -= weights[kind] ?? 0
      if (dice < 0) return kind
    }
    return 'create'
  }
}

/** One seed from several numbers: neighbours have nothing in common. */
export function mixed(...numbers: readonly number[]): number {
  let hash = 0x811c9dc5
  for (const number of numbers) {
    hash = Math.imul(hash ^ (number | 0), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    hash ^= hash >>> 16
  }
  return hash >>> 0
}

function codeOf(error: unknown): string {
  if (isZooKeeperError(error)) return error.code
  if (error instanceof AbortedByCaller) return ABORTED
  return error instanceof Error ? error.name : typeof error
}
