import type { Zxid } from '../../../lib/base/index.js'
import type { Surroundings } from '../../../lib/member/index.js'
import type { PlanOptions, RunOptions } from '../../../lib/sim/index.js'
import type { Storage, StorageChange } from '../../../lib/storage/index.js'
import type { Channel, Transport } from '../../../lib/transport/index.js'
import { DataTree, PendingTree } from '../../../lib/tree/index.js'
import { PendingRecords } from '../../../lib/tree/pending-records.js'
import { decodePeerMessage, encodePeerMessage, type PeerMessage } from '../../../lib/wire/index.js'
import { Peer, type ZabEffect, type ZabEvent } from '../../../lib/zab/index.js'

/** A bug that the simulator must find. */
export interface Mutant {
  readonly name: string
  /** What a plan must have for the bug to matter at all; plans as they come otherwise. */
  readonly plan?: PlanOptions
  /** A seed that catches it, where the first ones do not: for tests, which have little time. */
  readonly from?: number
  /** Puts the bug in; called anew for each run. */
  readonly breakIt: () => Broken
}

/** What is broken, until it is mended. */
export interface Broken {
  readonly mend: () => void
  readonly surround?: NonNullable<RunOptions['surround']>
}

type MethodOf<T, Name extends keyof T> = T[Name] extends (...args: infer Args) => infer Result
  ? (this: T, ...args: Args) => Result
  : never

/** Replaces a method of all objects of a class until the bug is mended. */
export function patch<T extends object, Name extends keyof T & string>(
  prototype: T,
  name: Name,
  by: (original: MethodOf<T, Name>) => MethodOf<T, Name>
): Broken {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name)
  if (descriptor === undefined) throw new Error(`there is no ${name}`)
  Object.defineProperty(prototype, name, { ...descriptor, value: by(descriptor.value) })
  return { mend: () => Object.defineProperty(prototype, name, descriptor) }
}

/** Replaces a getter in the same way. */
export function patchGetter<T extends object, Name extends keyof T & string>(
  prototype: T,
  name: Name,
  by: (original: () => T[Name], self: T) => T[Name]
): Broken {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name)
  const get = descriptor?.get
  if (descriptor === undefined || get === undefined) throw new Error(`there is no ${name} to get`)
  Object.defineProperty(prototype, name, {
    ...descriptor,
    get(this: T) {
      return by(() => get.call(this), this)
    }
  })
  return { mend: () => Object.defineProperty(prototype, name, descriptor) }
}

export function together(...broken: readonly Broken[]): Broken {
  return {
    mend: () => {
      for (const each of [...broken].reverse()) each.mend()
    },
    surround: (id, surroundings) => broken.reduce((around, { surround }) => surround?.(id, around) ?? around, surroundings)
  }
}

export type WriteEffect = Extract<ZabEffect, { kind: 'write' }>
type Step = (event: ZabEvent) => readonly ZabEffect[]

/** Changes what a peer wants done. `step` steps the same peer, unchanged. */
export function onEffects(
  change: (peer: Peer, event: ZabEvent, effects: readonly ZabEffect[], step: Step) => readonly ZabEffect[]
): Broken {
  return patch(
    Peer.prototype,
    'step',
    original =>
      function (this: Peer, event: ZabEvent) {
        const step: Step = other => original.call(this, other)
        return change(this, event, step(event), step)
      }
  )
}

/** Changes what a peer wants written. */
export function onWrites(change: (write: WriteEffect, peer: Peer) => readonly ZabEffect[]): Broken {
  return onEffects((peer, _, effects) => effects.flatMap(effect => (effect.kind === 'write' ? change(effect, peer) : [effect])))
}

type Write = (change: StorageChange) => Promise<void>

/** What is different about a store; what is not named is as it was. */
interface BrokenStore {
  /** Given each change, and the real writing. */
  readonly write?: (change: StorageChange, write: Write) => Promise<void>
  readonly state?: () => Storage['state']
  readonly beginSnapshot?: Storage['beginSnapshot']
}

/** Stands between members and their stores. Each opening has a state of its own. */
export function onStore(around: (storage: Storage) => BrokenStore): Broken {
  const surround = (_id: number, surroundings: Surroundings): Surroundings => ({
    ...surroundings,
    storage: async (options, storageOptions) => {
      const storage = await surroundings.storage(options, storageOptions)
      const { write, state, beginSnapshot } = around(storage)
      const real: Write = change => storage.write(change)
      return new Proxy(storage, {
        get: (target, name) => {
          if (name === 'write' && write !== undefined) return (change: StorageChange) => write(change, real)
          if (name === 'state' && state !== undefined) return state()
          if (name === 'beginSnapshot' && beginSnapshot !== undefined) return beginSnapshot
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        }
      })
    }
  })
  return { mend: () => {}, surround }
}

/** Changes the messages that leave a member over one channel: none, the same, or others in its place. */
export function onMessages(alterFor: (from: number) => (message: PeerMessage) => readonly PeerMessage[]): Broken {
  const channelOf = (id: number, channel: Channel): Channel => {
    const alter = alterFor(id)
    return new Proxy(channel, {
      get: (target, name) => {
        if (name === 'send') {
          return (frame: Uint8Array) => {
            const message = messageIn(frame)
            if (message === null) return target.send(frame)
            for (const each of alter(message)) target.send(each === message ? frame : encodePeerMessage(each))
          }
        }
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      }
    })
  }
  const transportOf = (id: number, transport: Transport): Transport => ({
    provesSecret: transport.provesSecret,
    listen: (address, onChannel) => transport.listen(address, channel => onChannel(channelOf(id, channel))),
    dial: async (address, signal) => channelOf(id, await transport.dial(address, signal))
  })
  const surround = (id: number, surroundings: Surroundings): Surroundings => ({
    ...surroundings,
    transports: (options, runtime) =>
      Object.fromEntries(
        Object.entries(surroundings.transports(options, runtime)).map(([scheme, transport]) => [
          scheme,
          transportOf(id, transport)
        ])
      )
  })
  return { mend: () => {}, surround }
}

function messageIn(frame: Uint8Array): PeerMessage | null {
  try {
    return decodePeerMessage(frame)
  } catch {
    // A frame of the links' own.
    return null
  }
}

/** Finds out which applied tree each leader's view of what is pending stands on: the one that it asks for what nobody touches. */
export function committedBehind(trees: WeakMap<PendingTree, DataTree> | WeakMap<PendingRecords, DataTree>): Broken {
  let asked: DataTree | null = null
  const learn = (view: object, ask: () => unknown) => {
    asked = null
    ask()
    if (asked !== null) (trees as WeakMap<object, DataTree>).set(view, asked)
  }
  return together(
    patch(
      DataTree.prototype,
      'countersOf',
      original =>
        function (this: DataTree, path: string) {
          asked = this
          return original.call(this, path)
        }
    ),
    patch(
      PendingRecords.prototype,
      'settle',
      original =>
        function (this: PendingRecords) {
          original.call(this)
          learn(this, () => this.find('/nobody/touches/this'))
        }
    ),
    patch(
      PendingTree.prototype,
      'forget',
      original =>
        function (this: PendingTree, zxidApplied: Zxid) {
          original.call(this, zxidApplied)
          learn(this, () => this.isRemovable('/nobody/touches/this', 0))
        }
    )
  )
}
