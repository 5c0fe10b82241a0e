import { type Epoch, epochOf, type MemberId, NO_EPOCH, type Zxid } from '../../../lib/base/index.js'
import { Applier } from '../../../lib/member/applier.js'
import { Engine } from '../../../lib/member/engine.js'
import type { StorageChange } from '../../../lib/storage/index.js'
import type { PeerMessage } from '../../../lib/wire/index.js'
import { type DurableChange, Peer, type ZabEffect, type ZabEvent, zxidLastOf } from '../../../lib/zab/index.js'
import { Journal } from '../../../lib/zab/journal.js'
import {
  type Broken,
  type Mutant,
  onEffects,
  onMessages,
  onStore,
  onWrites,
  patch,
  patchGetter,
  together,
  type WriteEffect
} from './mutant.js'

const isOf = (write: WriteEffect, kind: WriteEffect['change']['kind']) => write.change.kind === kind
const sendsOf = (write: WriteEffect): readonly ZabEffect[] =>
  write.thenSend.map(outgoing => ({ kind: 'send', ...outgoing }) as const)
const early = (write: WriteEffect): readonly ZabEffect[] => [...sendsOf(write), { ...write, thenSend: [] }]

/** What is on disk, and who says so. */
export const DURABILITY: readonly Mutant[] = [
  {
    name: 'a proposal is acknowledged before its sync completes',
    breakIt: () => onWrites(write => (isOf(write, 'append') ? early(write) : [write]))
  },
  {
    name: 'an acknowledgement names what was received, not what was written',
    breakIt: () => {
      const received = new WeakMap<Peer, Zxid>()
      return onWrites((write, peer) => {
        if (write.change.kind !== 'append') return [write]
        received.set(peer, zxidLastOf(write.change.batch))
        const thenSend = write.thenSend.map(({ to, message }) => ({
          to,
          // Read when it leaves.
          get message() {
            return message.kind === 'ack' ? { ...message, zxid: received.get(peer) ?? message.zxid } : message
          }
        }))
        return [{ ...write, thenSend }]
      })
    }
  },
  {
    name: 'NEWLEADER is acknowledged before its history is durable (ZOOKEEPER-3911)',
    breakIt: () => onWrites(write => (isOf(write, 'adoptEpoch') ? early(write) : [write]))
  },
  {
    name: 'the current epoch is stored before the history that it vouches for (ZOOKEEPER-4643)',
    from: 160,
    breakIt: () => together(adoptingEarlyOnDisk(), adoptingEarlyInMemory())
  },
  {
    name: 'a promise is not on disk when it is given',
    breakIt: () =>
      onStore(() => {
        let promised: StorageChange | null = null
        return {
          write: async (change, write) => {
            if (change.kind === 'acceptEpoch') {
              promised = change
              return
            }
            if (promised !== null && change.kind === 'adoptEpoch') {
              const first = promised
              promised = null
              void write(first)
            }
            return write(change)
          }
        }
      })
  },
  {
    // A leader proposes an epoch behind all that anybody is known to have promised; that it must not do either.
    name: 'two leaders are accepted in one epoch: a promise is given again to whoever else asks for it',
    from: 16,
    breakIt: () => {
      const promisedTo = new WeakMap<Peer, MemberId>()
      return together(
        onEffects((peer, _event, effects) =>
          effects.map(effect => {
            if (effect.kind === 'write' && effect.change.kind === 'acceptEpoch') {
              const [promise] = effect.thenSend
              if (promise !== undefined) promisedTo.set(peer, promise.to)
            }
            if (effect.kind !== 'send' || effect.message.kind !== 'ackEpoch') return effect
            const before = promisedTo.get(peer)
            if (before === undefined || before === effect.to) return effect
            promisedTo.set(peer, effect.to)
            return { ...effect, message: { ...effect.message, promised: true } }
          })
        ),
        patch(
          Peer.prototype,
          'step',
          original =>
            function (this: Peer, event: ZabEvent) {
              if (event.kind !== 'received' || !('acceptedEpoch' in event.message)) return original.call(this, event)
              return original.call(this, { ...event, message: { ...event.message, acceptedEpoch: NO_EPOCH } })
            }
        )
      )
    }
  },
  {
    name: 'one acknowledgement commits, whatever the quorum',
    plan: { size: 5 },
    breakIt: () =>
      onEffects((peer, event, effects) => {
        if (event.kind !== 'received' || event.message.kind !== 'ack' || peer.role !== 'leading' || !peer.serving) return effects
        const { epoch, zxid } = event.message
        const learners = peer.learners.map(({ id }) => id as MemberId)
        return [...effects, ...learners.map(to => ({ kind: 'send', to, message: { kind: 'commit', epoch, zxid } }) as const)]
      })
  },
  {
    name: 'a leader counts itself before its own sync',
    breakIt: () =>
      onEffects((_peer, event, effects, step) => {
        if (event.kind !== 'propose') return effects
        const counted = effects.flatMap(effect => (effect.kind === 'write' ? step({ kind: 'written', write: effect.write }) : []))
        return [...effects, ...counted.filter(effect => effect.kind !== 'deliver')]
      })
  },
  {
    name: 'votes speak of what is in memory, not of what is on disk (ZOOKEEPER-4541)',
    breakIt: () => patchGetter(Journal.prototype, 'idle', () => true)
  },
  {
    name: 'a failed write is taken for done (ZOOKEEPER-4882)',
    plan: { kinds: ['failWrite', 'crash', 'fullDisk'] },
    breakIt: () => onStore(() => ({ write: (change, write) => write(change).catch(() => {}) }))
  },
  {
    name: 'TRUNC is not carried out (ZOOKEEPER-3701)',
    breakIt: () => onStore(() => ({ write: async (change, write) => (change.kind === 'truncate' ? undefined : write(change)) }))
  },
  {
    // Here only committed state is ever applied or in a snapshot, so TRUNC never cuts any of it off. That is broken as well, in ZooKeeper's
    // way: a start applies the whole log.
    name: 'TRUNC leaves what it cuts off in the state and its snapshots (ZOOKEEPER-4837)',
    from: 18,
    breakIt: () =>
      together(
        patch(
          Engine.prototype,
          'start',
          original =>
            function (this: Engine) {
              original.call(this)
              const { peer } = this.conductor
              if (peer !== null && peer.standing === 'member') this.onDeliver(peer.zxidLogged)
            }
        ),
        patch(
          Applier.prototype,
          'truncate',
          original =>
            function (this: Applier, zxid: Zxid) {
              if (zxid >= this.zxidReached) original.call(this, zxid)
              else this.distrust()
            }
        )
      )
  },
  {
    // Within an epoch every reader of a history would notice; between two it cannot.
    name: 'DIFF has a hole: the end of an epoch is left out (ZOOKEEPER-4925)',
    breakIt: () =>
      onMessages(() => {
        let held: Extract<PeerMessage, { kind: 'history' }> | null = null
        return message => {
          const before = held === null ? [] : [held]
          held = null
          if (message.kind !== 'history') return [...before, message]
          held = message
          const [former] = before
          return former === undefined || epochOf(former.batch.zxidFirst) < epochOf(message.batch.zxidFirst) ? [] : before
        }
      })
  }
]

/** With the first of what a learner is sent to catch up, its store holds the new epoch already. */
function adoptingEarlyOnDisk(): Broken {
  return onStore(storage => {
    let accepted: { readonly epoch: Epoch; readonly ensembleId: string } | null = null
    let replacing = false
    return {
      write: (change, write) => {
        if (change.kind === 'acceptEpoch') {
          const ensembleId = change.ensembleId ?? storage.state.ensembleId
          accepted = ensembleId === null ? null : { epoch: change.epoch, ensembleId }
        }
        if (change.kind === 'beginReplacement') replacing = true
        if (change.kind === 'adoptEpoch' || change.kind === 'abandonReplacement') replacing = false
        if (change.kind === 'adoptEpoch') accepted = null
        if (accepted !== null && !replacing && (change.kind === 'append' || change.kind === 'truncate')) {
          const { epoch, ensembleId } = accepted
          accepted = null
          // If it fails, so does the write behind it.
          write({ kind: 'adoptEpoch', epoch, ensembleId, vote: storage.state.vote }).catch(() => {})
        }
        return write(change)
      }
    }
  })
}

/** And the member that does not end meanwhile says the same. */
function adoptingEarlyInMemory(): Broken {
  const accepted = new WeakSet<Journal>()
  return patch(
    Journal.prototype,
    'issue',
    original =>
      function (this: Journal, change: DurableChange, tick: number, onDurable: (() => void) | null) {
        if (change.kind === 'acceptEpoch' && (change.ensembleId ?? this.ensembleId) !== null) accepted.add(this)
        if (change.kind === 'adoptEpoch') accepted.delete(this)
        if (this.staged === null && (change.kind === 'append' || change.kind === 'truncate') && accepted.delete(this))
          this.currentEpoch = this.acceptedEpoch
        return original.call(this, change, tick, onDurable)
      }
  )
}
