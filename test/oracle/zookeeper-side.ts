import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { SessionId, Zxid } from '../../lib/base/index.js'
import type { AclEntry, Stat } from '../../lib/tree/index.js'
import { sourceRoot } from '../fixtures/source-root.js'
import { type Given, type Heard, type OpOutcome, type Outcome, ownerOf, type Side } from './outcome.js'
import type { ReadOp, Step, WriteOp } from './step.js'

const NO_NODE = -101
const GONE_MILLISECONDS = 20_000

/** The real ZooKeeper, through `OracleBridge.java`. */
export class ZooKeeperSide implements Side {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #folder: string
  readonly #lines: AsyncIterator<string>
  /** By its id, which has more bits than a number. */
  readonly #sessions = new Map<string, number>()

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>, folder: string) {
    this.#child = child
    this.#folder = folder
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }

  static async start(classPath: string, address: string): Promise<ZooKeeperSide> {
    const folder = await mkdtemp(join(tmpdir(), 'oracle-bridge-'))
    const source = join(sourceRoot(), 'test', 'oracle', 'OracleBridge.java')
    const compiled = spawnSync('javac', ['-cp', classPath, '-d', folder, source], { encoding: 'utf8' })
    if (compiled.status !== 0) throw new Error(compiled.stderr)
    const args = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', `${classPath}:${folder}`, 'OracleBridge', address]
    return new ZooKeeperSide(spawn('java', args, { stdio: ['pipe', 'pipe', 'inherit'] }), folder)
  }

  async perform(step: Step): Promise<Outcome> {
    if (step.kind === 'awaitGone') return this.#awaitGone(step)
    if (step.kind === 'pause') {
      await new Promise(resolve => setTimeout(resolve, step.milliseconds))
      return this.#ask({ kind: 'whoAmI', session: step.session }, () => ({}))
    }
    return this.#ask(step, fields => this.#givenBy(step, fields))
  }

  async close(): Promise<void> {
    this.#child.stdin.end()
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #awaitGone({ path, first, session }: Step & { readonly kind: 'awaitGone' }): Promise<Outcome> {
    const deadline = performance.now() + GONE_MILLISECONDS
    const events: Heard[] = first === null ? [] : [...(await this.perform(first)).events]
    for (;;) {
      const step: Step = { kind: 'exists', path, watcher: null, session }
      const outcome = await this.#ask(step, fields => this.#givenBy(step, fields))
      events.push(...outcome.events)
      if (outcome.code === NO_NODE || outcome.given.stat === null) return { ...outcome, code: 0, given: {}, events }
      if (performance.now() > deadline) return { ...outcome, given: {}, events }
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }

  async #ask(step: Step, read: (fields: Fields) => Given): Promise<Outcome> {
    this.#child.stdin.write(`${[step.session, ...fieldsOf(step)].join('\t')}\n`)
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('the bridge has ended')
    const fields = new Fields(value, this.#sessions)
    const code = fields.number()
    const zxid = fields.number()
    const events: Heard[] = fields.list(() => ({
      session: fields.number(),
      watcher: fields.number(),
      type: fields.next(),
      path: fields.text() ?? ''
    }))
    const isRead = code === 0 || !fields.isAtEnd
    return { code, zxid, given: isRead ? read(fields) : {}, events }
  }

  #givenBy(step: Step, fields: Fields): Given {
    switch (step.kind) {
      case 'open':
        this.#sessions.set(fields.next(), step.session)
        return {}
      case 'create':
        return { path: fields.text() ?? '', stat: fields.stat() }
      case 'setData':
      case 'setACL':
        return { stat: fields.stat() }
      case 'exists':
        return { stat: fields.number() === 0 ? null : fields.stat() }
      case 'getData':
        return { data: fields.text(), stat: fields.stat() }
      case 'getChildren':
        return { children: fields.texts(), stat: fields.stat() }
      case 'getACL': {
        const acl = fields.list(() => ({ perms: fields.number(), scheme: fields.text() ?? '', id: fields.text() ?? '' }))
        return { acl, stat: fields.stat() }
      }
      case 'multi':
      case 'multiRead':
        return { results: fields.list(() => fields.result()) }
      case 'getEphemerals':
        return { paths: fields.texts() }
      case 'getAllChildrenNumber':
        return { count: fields.number() }
      case 'whoAmI':
        return { auth: fields.list(() => ({ scheme: fields.text() ?? '', id: fields.text() ?? '' })) }
      default:
        return {}
    }
  }
}

function fieldsOf(step: Step): readonly (string | number)[] {
  switch (step.kind) {
    case 'addAuth':
      return [step.kind, textField(step.scheme), textField(step.credential)]
    case 'create':
    case 'delete':
    case 'setData':
      return opFields(step)
    case 'exists':
    case 'getData':
    case 'getChildren':
      return [step.kind, textField(step.path), step.watcher ?? -1]
    case 'getACL':
    case 'getAllChildrenNumber':
      return [step.kind, textField(step.path)]
    case 'setACL':
      return [step.kind, textField(step.path), ...aclFields(step.acl), step.version]
    case 'multi':
    case 'multiRead':
      return [step.kind, step.ops.length, ...step.ops.flatMap(opFields)]
    case 'getEphemerals':
      return [step.kind, textField(step.prefix)]
    case 'addWatch':
      return [step.kind, textField(step.path), step.recursive ? 1 : 0, step.watcher]
    case 'removeAllWatches':
      return [step.kind, textField(step.path), step.type]
    default:
      return [step.kind]
  }
}

function opFields(op: WriteOp | ReadOp): readonly (string | number)[] {
  switch (op.kind) {
    case 'create':
      return [op.kind, textField(op.path), textField(op.data), op.mode, op.ttl, ...aclFields(op.acl)]
    case 'setData':
      return [op.kind, textField(op.path), textField(op.data), op.version]
    case 'delete':
    case 'check':
      return [op.kind, textField(op.path), op.version]
    default:
      return [op.kind, textField(op.path)]
  }
}

function aclFields(acl: readonly AclEntry[]): readonly (string | number)[] {
  return [acl.length, ...acl.flatMap(({ perms, scheme, id }) => [perms, textField(scheme), textField(id)])]
}

function textField(text: string | null): string {
  return text === null ? '-' : `=${Buffer.from(text, 'utf8').toString('base64')}`
}

/** An answer of the bridge, field by field. */
class Fields {
  readonly #fields: readonly string[]
  readonly #sessions: ReadonlyMap<string, number>
  #at = 0

  constructor(line: string, sessions: ReadonlyMap<string, number>) {
    this.#fields = line.split('\t')
    this.#sessions = sessions
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#fields.length
  }

  next(): string {
    const field = this.#fields[this.#at++]
    if (field === undefined) throw new Error('the answer of the bridge is too short')
    return field
  }

  number(): number {
    return Number(this.next())
  }

  text(): string | null {
    const field = this.next()
    return field === '-' ? null : Buffer.from(field.slice(1), 'base64').toString('utf8')
  }

  list<T>(item: () => T): T[] {
    return Array.from({ length: this.number() }, item)
  }

  texts(): string[] {
    return this.list(() => this.text() ?? '')
  }

  stat(): Stat {
    const zxid = () => this.number() as Zxid
    return {
      czxid: zxid(),
      mzxid: zxid(),
      pzxid: zxid(),
      ctime: this.number(),
      mtime: this.number(),
      version: this.number(),
      cversion: this.number(),
      aversion: this.number(),
      ephemeralOwner: this.#owner() as SessionId,
      dataLength: this.number(),
      numChildren: this.number()
    }
  }

  #owner(): number {
    const id = this.next()
    return id === '0' ? 0 : ownerOf(this.#sessions.get(id) ?? null)
  }

  result(): OpOutcome {
    const kind = this.next()
    switch (kind) {
      case 'create': {
        const path = this.text() ?? ''
        return this.number() === 0 ? { kind, path } : { kind, path, stat: this.stat() }
      }
      case 'setData':
        return { kind, stat: this.stat() }
      case 'getData':
        return { kind, data: this.text(), stat: this.stat() }
      case 'getChildren':
        return { kind, children: this.texts() }
      case 'error':
        return { kind, code: this.number() }
      default:
        return { kind }
    }
  }
}
