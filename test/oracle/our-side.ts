import { ERROR_CODES, isZooKeeperError, type SessionId, ZooKeeperError } from '../../lib/base/index.js'
import {
  type CreateFlags,
  createEnsembleMember,
  type EnsembleMember,
  type MultiOp,
  type MultiResult,
  type ReadResult,
  type WatchEvent,
  type WatcherKind,
  type WatchListener,
  type ZooKeeper
} from '../../lib/member/index.js'
import type { Stat } from '../../lib/tree/index.js'
import { type Given, type Heard, type OpOutcome, type Outcome, ownerOf, type Side } from './outcome.js'
import { type CreateOp, MODES, type Step, type WatcherType, type WriteOp } from './step.js'
import { SUPER_DIGEST } from './zookeeper-server.js'

const NO_CODE = -1_000
const GONE_MILLISECONDS = 20_000
const NO_SUCH_EVENT = 'no event of ZooKeeper'

const EVENT_NAMES: { readonly [type in WatchEvent['type']]: string } = {
  created: 'NodeCreated',
  deleted: 'NodeDeleted',
  dataChanged: 'NodeDataChanged',
  childrenChanged: 'NodeChildrenChanged',
  dataWatchRemoved: 'DataWatchRemoved',
  childWatchRemoved: 'ChildWatchRemoved',
  persistentWatchRemoved: 'PersistentWatchRemoved',
  reset: NO_SUCH_EVENT,
  overflow: NO_SUCH_EVENT
}

const KINDS: { readonly [type in WatcherType]: WatcherKind } = { Data: 'data', Children: 'child', Any: 'any' }

let members = 0

/** Ours: one member in memory, through its public interface. */
export class OurSide implements Side {
  readonly #member: EnsembleMember
  readonly #sessions = new Map<number, ZooKeeper>()
  /** By id. */
  readonly #numbers = new Map<number, number>()
  /** One function for each listener of a session, which is told of an event once however often it is handed in. */
  readonly #listeners = new Map<string, WatchListener>()
  #heard: Heard[] = []

  private constructor(member: EnsembleMember) {
    this.#member = member
  }

  /** `containerCheckMilliseconds`: from one look at containers and TTL znodes to the next. */
  static async start(containerCheckMilliseconds: number): Promise<OurSide> {
    const member = await createEnsembleMember([`memory:oracle-${++members}`], {
      id: 1,
      tickTime: 50,
      sessionTimeout: 600_000,
      maxSessionTimeout: 600_000,
      containerCheckInterval: containerCheckMilliseconds,
      containerMaxNeverUsed: 2 ** 31 - 1,
      superDigest: SUPER_DIGEST
    })
    return new OurSide(member)
  }

  async close(): Promise<void> {
    await this.#member.close()
  }

  async perform(step: Step): Promise<Outcome> {
    this.#heard = []
    try {
      const given = await this.#do(step)
      return this.#outcome(0, given)
    } catch (error) {
      if (!isZooKeeperError(error)) throw error
      const results = error.results?.map(code => ({ kind: 'error', code: codeOf(String(code)) }))
      return this.#outcome(error.wireCode ?? NO_CODE, results === undefined ? {} : { results })
    }
  }

  #outcome(code: number, given: Given): Outcome {
    return { code, zxid: this.#member.local.zxid, given, events: this.#heard }
  }

  async #do(step: Step): Promise<Given> {
    if (step.kind === 'open') return this.#open(step.session)
    if (step.kind === 'awaitGone') return this.#awaitGone(step)
    const session = this.#sessionOf(step)
    const watch = (): { readonly watch?: WatchListener } =>
      'watcher' in step && step.watcher !== null ? { watch: this.#listener(step.session, step.watcher) } : {}
    switch (step.kind) {
      case 'close':
        await session.close()
        this.#sessions.delete(step.session)
        return {}
      case 'pause':
        await sleep(step.milliseconds)
        return {}
      case 'addAuth':
        await session.addAuth(step.scheme, step.credential)
        return {}
      case 'whoAmI':
        return { auth: await session.whoAmI() }
      case 'create': {
        const { path, stat } = await session.create(step.path, step.data, flagsOf(step))
        return { path, stat: this.#stat(stat) }
      }
      case 'delete':
        await session.delete(step.path, { version: step.version })
        return {}
      case 'setData':
        return { stat: this.#stat(await session.setData(step.path, step.data, { version: step.version })) }
      case 'setACL':
        return { stat: this.#stat(await session.setACL(step.path, step.acl, { version: step.version })) }
      case 'multi':
        return { results: (await session.multi(step.ops.map(multiOp))).map(result => this.#result(result)) }
      case 'exists': {
        const stat = await session.exists(step.path, watch())
        return { stat: stat === null ? null : this.#stat(stat) }
      }
      case 'getData': {
        const { data, stat } = await session.getData(step.path, watch())
        return { data: textOf(data), stat: this.#stat(stat) }
      }
      case 'getChildren': {
        const { children, stat } = await session.getChildren(step.path, watch())
        return { children, stat: this.#stat(stat) }
      }
      case 'getACL': {
        const { acl, stat } = await session.getACL(step.path)
        return { acl, stat: this.#stat(stat) }
      }
      case 'multiRead':
        return {
          results: (await session.multiRead(step.ops.map(({ kind, path }) => ({ type: kind, path })))).map(read =>
            this.#read(read)
          )
        }
      case 'getEphemerals':
        return { paths: await session.getEphemerals(step.prefix) }
      case 'getAllChildrenNumber':
        return { count: await session.getAllChildrenNumber(step.path) }
      case 'addWatch':
        session.watch(step.path, { recursive: step.recursive }, this.#listener(step.session, step.watcher))
        return {}
      case 'removeAllWatches':
        await session.removeWatches(step.path, KINDS[step.type])
        return {}
    }
  }

  async #open(number: number): Promise<Given> {
    const session = await this.#member.openSession()
    this.#sessions.set(number, session)
    this.#numbers.set(session.sessionId, number)
    return {}
  }

  async #awaitGone(step: Step & { readonly kind: 'awaitGone' }): Promise<Given> {
    if (step.first !== null) await this.#do(step.first)
    const session = this.#sessionOf(step)
    const deadline = performance.now() + GONE_MILLISECONDS
    while ((await session.exists(step.path)) !== null) {
      if (performance.now() > deadline) throw new ZooKeeperError('OPERATION_TIMEOUT')
      await sleep(20)
    }
    return {}
  }

  #sessionOf({ session }: Step): ZooKeeper {
    const found = this.#sessions.get(session)
    if (found === undefined) throw new Error(`session ${session} is not open`)
    return found
  }

  #listener(session: number, watcher: number): WatchListener {
    const key = `${session} ${watcher}`
    const known = this.#listeners.get(key)
    if (known !== undefined) return known
    const listener: WatchListener = ({ type, path }) => this.#heard.push({ session, watcher, type: EVENT_NAMES[type], path })
    this.#listeners.set(key, listener)
    return listener
  }

  #result(result: MultiResult): OpOutcome {
    switch (result.type) {
      case 'create':
        return { kind: result.type, path: result.path, stat: this.#stat(result.stat) }
      case 'setData':
        return { kind: result.type, stat: this.#stat(result.stat) }
      default:
        return { kind: result.type }
    }
  }

  #read(result: ReadResult): OpOutcome {
    switch (result.type) {
      case 'getData':
        return { kind: result.type, data: textOf(result.data), stat: this.#stat(result.stat) }
      case 'getChildren':
        return { kind: result.type, children: result.children }
      case 'error':
        return { kind: result.type, code: codeOf(result.code) }
      default:
        return { kind: result.type }
    }
  }

  #stat(stat: Stat): Stat {
    const owner = stat.ephemeralOwner
    return { ...stat, ephemeralOwner: (owner === 0 ? 0 : ownerOf(this.#numbers.get(owner) ?? null)) as SessionId }
  }
}

function multiOp(op: WriteOp): MultiOp {
  switch (op.kind) {
    case 'create':
      return { type: op.kind, path: op.path, data: op.data, ...flagsOf(op) }
    case 'setData':
      return { type: op.kind, path: op.path, data: op.data, version: op.version }
    default:
      return { type: op.kind, path: op.path, version: op.version }
  }
}

/** ZooKeeper's modes in our words. */
function flagsOf({ mode, ttl, acl }: CreateOp): CreateFlags {
  switch (mode) {
    case MODES.PERSISTENT:
      return { acl }
    case MODES.EPHEMERAL:
      return { acl, ephemeral: true }
    case MODES.PERSISTENT_SEQUENTIAL:
      return { acl, sequential: true }
    case MODES.EPHEMERAL_SEQUENTIAL:
      return { acl, ephemeral: true, sequential: true }
    case MODES.CONTAINER:
      return { acl, container: true }
    case MODES.PERSISTENT_WITH_TTL:
      return { acl, ttl }
    case MODES.PERSISTENT_SEQUENTIAL_WITH_TTL:
      return { acl, ttl, sequential: true }
  }
}

function codeOf(code: string): number {
  if (code === 'OK') return 0
  return (ERROR_CODES as { readonly [code: string]: { readonly wireCode: number | null } })[code]?.wireCode ?? NO_CODE
}

function textOf(data: Buffer | null): string | null {
  return data === null ? null : data.toString('utf8')
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
