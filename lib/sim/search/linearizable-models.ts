import type { SessionId } from '../../base/index.js'
import type { Answer, ReadCall, Result, SingleCall, SingleReadAnswer } from '../history.js'
import type { Model } from './linearizability.js'

/** What reaches a znode or its children, at one moment. */
export type ZnodeInput =
  /** One operation, or the part of a multi that concerns the model. Paths of creates that were answered are those of the answer. */
  | { readonly kind: 'write'; readonly session: SessionId; readonly calls: readonly SingleCall[] }
  | ZnodeRead
  /** The session's ephemerals go. */
  | { readonly kind: 'endSession'; readonly session: SessionId }
  /** One of a session's ephemerals goes, as a part of its end; or, where no session is named, one that does not last by itself. */
  | { readonly kind: 'lose'; readonly session: SessionId | null }

export interface ZnodeRead {
  readonly kind: 'read'
  readonly what: ReadCall['kind']
  readonly path: string
  /** Which names are asked for. */
  readonly after: string | null
  readonly limit: number | null
}

type ReadAnswer = Answer | Exclude<SingleReadAnswer, { kind: 'error' }>

/** What was said: as many answers as there were calls, or a refusal. */
export type ZnodeOutput =
  | { readonly kind: 'answered'; readonly answers: readonly ReadAnswer[] }
  | { readonly kind: 'refused'; readonly code: Extract<Result, { kind: 'refused' }>['code'] }

interface Znode {
  readonly version: number
  readonly data: string | null
  /** The session that it lives and dies with, 0 without one. */
  readonly owner: number
  /** A container, or with a time to live. */
  readonly mortal: boolean
}

interface Child {
  readonly name: string
  readonly owner: number
  readonly mortal: boolean
}

/** A znode, and in the model of a family its children by name. */
export interface ZnodeState {
  readonly node: Znode | null
  /** Children that were ever created: the next sequential one has this number. */
  readonly creates: number
  readonly children: readonly Child[]
}

export type ZnodeModel = Model<ZnodeState, ZnodeInput, ZnodeOutput>

const ABSENT: ZnodeState = { node: null, creates: 0, children: [] }
const VERSION_ANY = -1
const SUFFIX_DIGITS = 10
const ENCODER = new TextEncoder()

/** What is made on the way to something else. */
const PLAIN: Znode = { version: 0, data: null, owner: 0, mortal: false }

/** The root is there from the beginning, with data of no bytes. */
const ROOT: ZnodeState = { ...ABSENT, node: { ...PLAIN, data: '' } }

/** One znode with its data and version. Whether it may be created or deleted for its parent's or children's sake is not its business. */
export function registerModel(path: string, initial: ZnodeState = path === '/' ? ROOT : ABSENT): ZnodeModel {
  return modelOf(new ZnodeRules(path, false), initial)
}

/** One znode with its data, version and children; of the children only that they are there. Not for the root. */
export function familyModel(path: string, initial: ZnodeState = ABSENT): ZnodeModel {
  return modelOf(new ZnodeRules(path, true), initial)
}

/** Whether a path lies below another one, at any depth. */
export function isBelow(path: string, ancestor: string): boolean {
  return path.startsWith(ancestor === '/' ? '/' : `${ancestor}/`) && path !== ancestor
}

export function isChildOf(path: string, parent: string): boolean {
  return path.startsWith(`${parent}/`) && !path.slice(parent.length + 1).includes('/')
}

function modelOf(rules: ZnodeRules, initial: ZnodeState): ZnodeModel {
  return {
    init: () => initial,
    step: (state, input, output) => {
      switch (input.kind) {
        case 'write':
          return rules.write(state, input, output)
        case 'read':
          return output !== null && rules.saysOf(state, input, output) ? state : null
        case 'endSession':
          return ended(state, input.session)
        case 'lose':
          return lost(state, input.session)
      }
    },
    mayChange: (input, output) => input.kind === 'write' && output?.kind !== 'refused' && input.calls.some(dependsOnTheState),
    key: ({ node, creates, children }) => {
      const self = node === null ? '-' : `${node.version}/${ownerKey(node)}/${JSON.stringify(node.data)}`
      return children.length + creates === 0
        ? self
        : `${self} ${creates} ${children.map(child => `${child.name}/${ownerKey(child)}`)}`
    }
  }
}

/** Done if it is there or is not, or on the way to something else, or to all that lies below: with one and the same answer, or almost. */
function dependsOnTheState(call: SingleCall): boolean {
  if (call.kind === 'create') return call.parents || call.ifAbsent
  return call.kind === 'delete' && (call.recursive || call.ifExists)
}

class ZnodeRules {
  readonly #path: string
  readonly #family: boolean

  constructor(path: string, family: boolean) {
    this.#path = path
    this.#family = family
  }

  write(state: ZnodeState, input: Extract<ZnodeInput, { kind: 'write' }>, output: ZnodeOutput | null): ZnodeState | null {
    if (output?.kind === 'refused') {
      const [call] = input.calls
      return call !== undefined && this.#isRefused(state, call, output.code) ? state : null
    }
    let behind: ZnodeState | null = state
    for (const [index, call] of input.calls.entries()) {
      behind = this.#done(behind, call, input.session, output?.answers[index] ?? null)
      if (behind === null) return null
    }
    return behind
  }

  saysOf(state: ZnodeState, { what, path, after, limit }: ZnodeRead, output: ZnodeOutput): boolean {
    const { node, creates, children } = state
    const isChild = path !== this.#path
    const isThere = isChild ? this.#hasChild(state, path) : node !== null
    if (output.kind === 'refused') return output.code === 'NO_NODE' && !isThere
    const [answer] = output.answers
    if (answer === undefined || answer.kind !== what) return false
    if (answer.kind === 'exists' && answer.stat === null) return !isThere
    if (isChild) return isThere
    if (answer.kind === 'getAllChildrenNumber') return isThere && answer.count >= children.length
    if (node === null || !('stat' in answer) || answer.stat === null) return false
    const { stat } = answer
    if (stat.version !== node.version || stat.ephemeralOwner !== node.owner || stat.dataLength !== lengthOf(node.data))
      return false
    if (answer.kind === 'getData' && answer.data !== node.data) return false
    if (!this.#family) return true
    if (stat.numChildren !== children.length || stat.cversion !== 2 * creates - children.length) return false
    if (answer.kind !== 'getChildren') return true
    const names = children.map(({ name }) => name).filter(name => after === null || name > after)
    return [...answer.children].sort().join('/') === (limit === null ? names : names.slice(0, limit)).join('/')
  }

  /** Whether a refusal says something of the state, and something true. */
  #isRefused(state: ZnodeState, call: SingleCall, code: string): boolean {
    const place = call.kind === 'create' && call.sequential ? null : call.path
    const isThere = place === this.#path ? state.node !== null : place !== null && this.#hasChild(state, place)
    switch (code) {
      case 'NO_NODE':
        // Of a create it is the parent that is missing; then there is no child either.
        if (call.kind === 'create' && call.path !== this.#path) return state.node === null
        return !isThere
      case 'NODE_EXISTS':
        return place === null ? this.#hasChild(state, this.#numbered(call.path, state.creates)) : isThere
      case 'BAD_VERSION':
        if (call.kind === 'create' || !isThere) return false
        return place !== this.#path || !isVersion(state, call.version)
      case 'NOT_EMPTY':
        return isThere && (!this.#family || place !== this.#path || state.children.length > 0)
      default:
        return false
    }
  }

  /** The state behind a call that succeeds; `answer` null when what it said is not known. */
  #done(before: ZnodeState, call: SingleCall, session: number, answer: ReadAnswer | null): ZnodeState | null {
    if (answer !== null && answer.kind !== call.kind) return null
    const state = call.kind === 'create' && call.parents ? this.#onTheWay(before, call.path) : before
    if (call.path === this.#path) return this.#doneToItself(state, call, session, answer)
    if (call.kind === 'delete' && call.recursive && isBelow(this.#path, call.path)) return ABSENT
    if (this.#family && isChildOf(call.path, this.#path)) return this.#doneToChild(state, call, session, answer)
    return state
  }

  /** What a create makes above itself where that is missing. */
  #onTheWay(state: ZnodeState, path: string): ZnodeState {
    const parent = path.slice(0, path.lastIndexOf('/'))
    if (parent !== this.#path && !isBelow(parent, this.#path)) return state
    const made = state.node === null ? { ...ABSENT, node: PLAIN } : state
    if (!this.#family || parent === this.#path) return made
    const [name = ''] = parent.slice(this.#path.length + 1).split('/')
    return made.children.some(child => child.name === name) ? made : withChild(made, { name, owner: 0, mortal: false })
  }

  #doneToItself(state: ZnodeState, call: SingleCall, session: number, answer: ReadAnswer | null): ZnodeState | null {
    const { node } = state
    switch (call.kind) {
      case 'create': {
        if (node !== null) return call.ifAbsent && (answer?.kind !== 'create' || isFound(answer, node)) ? state : null
        const owner = call.ephemeral ? session : 0
        if (answer?.kind === 'create' && !isNew(answer, call.data, owner)) return null
        return { node: { version: 0, data: call.data, owner, mortal: call.lifetime !== 0 }, creates: 0, children: [] }
      }
      case 'delete':
        if (node === null) return call.ifExists ? state : null
        return isVersion(state, call.version) && (call.recursive || state.children.length === 0) ? ABSENT : null
      case 'check':
        return node !== null && isVersion(state, call.version) ? state : null
      case 'setData': {
        if (node === null || !isVersion(state, call.version)) return null
        const version = versionBehind(node.version)
        if (answer?.kind === 'setData' && (answer.stat.version !== version || answer.stat.dataLength !== lengthOf(call.data)))
          return null
        return { ...state, node: { ...node, version, data: call.data } }
      }
    }
  }

  #doneToChild(state: ZnodeState, call: SingleCall, session: number, answer: ReadAnswer | null): ZnodeState | null {
    switch (call.kind) {
      case 'create': {
        if (state.node === null) return null
        const path = call.sequential ? this.#numbered(call.path, state.creates) : call.path
        const owner = call.ephemeral ? session : 0
        if (this.#hasChild(state, path)) return call.ifAbsent && (answer?.kind !== 'create' || !answer.created) ? state : null
        if (answer?.kind === 'create' && (answer.path !== path || !isNew(answer, call.data, owner))) return null
        return withChild(state, { name: path.slice(this.#path.length + 1), owner, mortal: call.lifetime !== 0 })
      }
      case 'delete': {
        if (!this.#hasChild(state, call.path)) return call.ifExists ? state : null
        const name = call.path.slice(this.#path.length + 1)
        return { ...state, children: state.children.filter(child => child.name !== name) }
      }
      case 'check':
      case 'setData':
        return this.#hasChild(state, call.path) ? state : null
    }
  }

  #hasChild({ children }: ZnodeState, path: string): boolean {
    const name = path.slice(this.#path.length + 1)
    return children.some(child => child.name === name)
  }

  #numbered(prefix: string, creates: number): string {
    return prefix + String(creates).padStart(SUFFIX_DIGITS, '0')
  }
}

function ended(state: ZnodeState, session: number): ZnodeState {
  if (state.node?.owner === session) return ABSENT
  const children = state.children.filter(({ owner }) => owner !== session)
  return children.length === state.children.length ? state : { ...state, children }
}

/** Without one of the session's ephemerals, or one of what does not last: whichever it is. */
function lost(state: ZnodeState, session: number | null): readonly ZnodeState[] {
  const mayGo = ({ owner, mortal }: Znode | Child) => (session === null ? mortal : owner === session)
  const states: ZnodeState[] = []
  if (state.node !== null && mayGo(state.node) && state.children.length === 0) states.push(ABSENT)
  for (const child of state.children.filter(mayGo)) {
    states.push({ ...state, children: state.children.filter(each => each !== child) })
  }
  return states
}

function withChild(state: ZnodeState, child: Child): ZnodeState {
  const children = [...state.children, child].sort((a, b) => (a.name < b.name ? -1 : 1))
  return { ...state, creates: state.creates + 1, children }
}

function ownerKey({ owner, mortal }: Znode | Child): string {
  return mortal ? 'mortal' : String(owner)
}

function isVersion({ node }: ZnodeState, version: number): boolean {
  return version === VERSION_ANY || node?.version === version
}

function isNew({ stat, created }: Extract<Answer, { kind: 'create' }>, data: string | null, owner: number): boolean {
  return (
    created && stat.version === 0 && stat.numChildren === 0 && stat.dataLength === lengthOf(data) && stat.ephemeralOwner === owner
  )
}

/** That it was there already, as it is. */
function isFound({ stat, created }: Extract<Answer, { kind: 'create' }>, { version, owner, data }: Znode): boolean {
  return !created && stat.version === version && stat.ephemeralOwner === owner && stat.dataLength === lengthOf(data)
}

/** 32 bits, without the one that stands for any. */
function versionBehind(version: number): number {
  return version + 1 === VERSION_ANY ? 0 : (version + 1) | 0
}

function lengthOf(data: string | null): number {
  return data === null ? 0 : ENCODER.encode(data).length
}
