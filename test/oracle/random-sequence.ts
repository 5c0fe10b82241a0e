import { digestId } from '../../lib/member/index.js'
import { Chance } from '../../lib/sim/faults/chance.js'
import type { AclEntry } from '../../lib/tree/index.js'
import { type CreateOp, type DeleteOp, MODES, type Mode, type Sequence, type Step, type WriteOp } from './step.js'
import {
  addAuth,
  addWatch,
  by,
  close,
  create,
  getAcl,
  getChildren,
  getData,
  OPEN,
  open,
  removeAllWatches,
  world
} from './steps.js'

/** What a sequence is about. Never all of it at once: what 3.8 does otherwise than 3.9 must not be met by chance. */
type Topic = 'znodes' | 'access' | 'watches' | 'quota'

const TOPICS: readonly Topic[] = ['znodes', 'access', 'watches', 'quota']
const NAMES = ['a', 'b', 'c']
const DEPTH_MAX = 3
const STEPS_MIN = 15
const STEPS_MAX = 60
const SUPER = 8
const USERS = ['ann:pw', 'bob:pw']

/** The sequence with this number of a run with this seed: always the same. */
export function randomSequence(seed: number, number: number): Sequence {
  const chance = Chance.of(seed, `sequence ${number}`)
  const topic = chance.pick(TOPICS)
  const writer = new RandomSteps(chance, topic)
  const steps: Step[] = [open(1), open(2), ...writer.beginning()]
  const count = chance.integer(STEPS_MIN, STEPS_MAX)
  while (steps.length < count) steps.push(...writer.next())
  return { name: `${topic}, seed ${seed}, number ${number}`, steps: [...steps, ...ending()] }
}

/** All that is left, seen by somebody who may see everything. */
function ending(): readonly Step[] {
  const paths = ['~', ...NAMES.flatMap(name => [`~/${name}`, ...NAMES.map(below => `~/${name}/${below}`)])]
  return [
    open(SUPER),
    ...by(SUPER, addAuth('super:secret'), ...paths.flatMap(path => [getData(path), getChildren(path), getAcl(path)]))
  ]
}

class RandomSteps {
  readonly #chance: Chance
  readonly #topic: Topic
  /** What is there if all went as it was asked for: so that not everything is refused. */
  readonly #there = new Set<string>()

  constructor(chance: Chance, topic: Topic) {
    this.#chance = chance
    this.#topic = topic
  }

  beginning(): readonly Step[] {
    if (this.#topic !== 'quota') return []
    const limit = () => (this.#chance.is(0.5) ? -1 : this.#chance.integer(2, 12))
    const at = '/zookeeper/quota~'
    return [
      create(at),
      create(`${at}/zookeeper_limits`, {
        data: `count=${limit()},bytes=${limit()}=;byteHardLimit=${limit()};countHardLimit=${limit()}`
      }),
      create(`${at}/zookeeper_stats`, { data: 'count=1,bytes=0' })
    ]
  }

  next(): readonly Step[] {
    const chance = this.#chance
    const session = chance.integer(0, 2)
    if (chance.is(0.03)) return [close(session), open(session)]
    if (this.#topic === 'watches' && chance.is(0.4)) return by(session, this.#watch(session))
    if (this.#topic === 'access' && chance.is(0.2)) return by(session, this.#access())
    if (this.#topic === 'quota' && chance.is(0.2)) return by(session, getData('/zookeeper/quota~/zookeeper_stats'))
    return by(session, this.#operation())
  }

  #operation(): Step {
    const chance = this.#chance
    const path = this.#path()
    const kind = chance.integer(0, 19)
    if (kind < 7) return { ...this.#create(), session: 0 }
    if (kind < 10) return { ...this.#delete(path), session: 0 }
    if (kind < 13) return { kind: 'setData', path, data: this.#data(), version: this.#version(), session: 0 }
    if (kind < 15 && this.#topic !== 'quota') {
      return { kind: 'multi', ops: Array.from({ length: chance.integer(0, 5) }, () => this.#write()), session: 0 }
    }
    if (kind < 16) return { kind: 'exists', path, watcher: null, session: 0 }
    if (kind < 17) return getData(path)
    if (kind < 18) return getChildren(path)
    if (kind < 19) return chance.is(0.5) ? { kind: 'getEphemerals', prefix: path, session: 0 } : getAcl(path)
    if (chance.is(0.5)) return { kind: 'getAllChildrenNumber', path, session: 0 }
    const reads = Array.from({ length: chance.integer(1, 4) }, () => ({
      kind: chance.pick(['getData', 'getChildren'] as const),
      path: this.#path()
    }))
    return { kind: 'multiRead', ops: reads, session: 0 }
  }

  #write(): WriteOp {
    const path = this.#path()
    switch (this.#chance.integer(0, 6)) {
      case 0:
        return { kind: 'check', path, version: this.#version() }
      case 1:
      case 2:
        return { kind: 'setData', path, data: this.#data(), version: this.#version() }
      case 3:
        return this.#delete(path)
      default:
        return this.#create()
    }
  }

  #delete(path: string): DeleteOp {
    this.#there.delete(path)
    return { kind: 'delete', path, version: this.#version() }
  }

  #create(): CreateOp {
    const mode = this.#mode()
    const isTtl = mode === MODES.PERSISTENT_WITH_TTL || mode === MODES.PERSISTENT_SEQUENTIAL_WITH_TTL
    const isPrefix = (mode === MODES.PERSISTENT_SEQUENTIAL || mode === MODES.EPHEMERAL_SEQUENTIAL) && this.#chance.is(0.3)
    const path = this.#pathToCreate()
    const isParent = mode === MODES.PERSISTENT || mode === MODES.CONTAINER || mode === MODES.PERSISTENT_WITH_TTL
    if (isParent || mode === MODES.EPHEMERAL) this.#there.add(path)
    return {
      kind: 'create',
      path: isPrefix ? `${path}/` : path,
      data: this.#data(),
      mode,
      ttl: isTtl ? 1_000_000 : -1,
      acl: this.#topic === 'access' && this.#chance.is(0.6) ? this.#acl() : OPEN
    }
  }

  #mode(): Mode {
    const chance = this.#chance
    return chance.is(0.5) ? MODES.PERSISTENT : (chance.integer(0, 6) as Mode)
  }

  /** A session has one kind of watch: 3.8 mixes up several. */
  #watch(session: number): Step {
    const chance = this.#chance
    const path = chance.is(0.2) ? '~' : this.#path()
    const watcher = chance.integer(0, 3)
    if (session === 1) return addWatch(path, watcher)
    if (session === 2) return addWatch(path, watcher, true)
    if (chance.is(0.1)) return removeAllWatches(path, chance.pick(['Data', 'Children', 'Any'] as const))
    return { kind: chance.pick(['exists', 'getData', 'getChildren'] as const), path, watcher, session: 0 }
  }

  #access(): Step {
    const chance = this.#chance
    switch (chance.integer(0, 3)) {
      case 0:
        return addAuth(chance.pick(USERS))
      case 1:
        return getAcl(this.#path())
      default:
        return { kind: 'setACL', path: this.#path(), acl: this.#acl(), version: this.#version(), session: 0 }
    }
  }

  #acl(): readonly AclEntry[] {
    const chance = this.#chance
    return Array.from({ length: chance.integer(chance.is(0.1) ? 0 : 1, 2) }, () => {
      const perms = chance.is(0.5) ? 31 : chance.integer(0, 31)
      if (chance.is(0.6)) return world(perms)
      if (chance.is(0.3)) return { perms, scheme: 'auth', id: '' }
      const [user = '', password = ''] = chance.pick(USERS).split(':')
      return { perms, scheme: 'digest', id: digestId(user, password) }
    })
  }

  #pathToCreate(): string {
    const chance = this.#chance
    if (chance.is(0.2)) return this.#path()
    const parents = ['~', ...this.#there].filter(path => path.split('/').length <= DEPTH_MAX)
    return `${chance.pick(parents)}/${chance.pick(NAMES)}`
  }

  #path(): string {
    const chance = this.#chance
    if (chance.is(0.03)) return chance.pick(['~', '~/a/', '~//a', '~/.', '~/a/..', '/', '', 'a', '~/a\u0000'])
    if (this.#there.size > 0 && chance.is(0.75)) return chance.pick([...this.#there])
    return `~${Array.from({ length: chance.integer(1, DEPTH_MAX) }, () => `/${chance.pick(NAMES)}`).join('')}`
  }

  #data(): string | null {
    const chance = this.#chance
    return chance.is(0.15) ? null : 'x'.repeat(chance.integer(0, 4))
  }

  #version(): number {
    return this.#chance.is(0.7) ? -1 : this.#chance.integer(0, 2)
  }
}
