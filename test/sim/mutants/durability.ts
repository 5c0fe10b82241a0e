import type { Epoch, MemberId, Zxid } from '../../../lib/base/index.js'
import { Applier } from '../../../lib/member/applier.js'
import type { StorageChange } from '../../../lib/storage/index.js'
import { encodeTxn } from '../../../lib/wire/index.js'
import { type Batch, batchOf, Peer, txnsOf, type ZabEffect, zxidLastOf } from '../../../lib/zab/index.js'
import { Journal } from '../../../lib/zab/journal.js'
import {
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
    breakIt: () =>
      onStore(storage => {
        let accepted: { readonly epoch: Epoch; readonly ensembleId: string } | null = null
        let replacing = false
        return {
          write: async (change, write) => {
            if (change.kind === 'acceptEpoch') {
              const ensembleId = change.ensembleId ?? storage.state.ensembleId
              if (ensembleId !== null) accepted = { epoch: change.epoch, ensembleId }
            }
            if (change.kind === 'beginReplacement') replacing = true
            if (change.kind === 'adoptEpoch' || change.kind === 'abandonReplacement') replacing = false
            if (change.kind === 'adoptEpoch') accepted = null
            if (accepted !== null && !replacing && (change.kind === 'append' || change.kind === 'truncate')) {
              const { epoch, ensembleId } = accepted
              accepted = null
              await write({ kind: 'adoptEpoch', epoch, ensembleId, vote: storage.state.vote })
            }
            return write(change)
          }
        }
      })
  },
  {
    name: 'a promise is not on disk when it is given: two leaders can be accepted in one epoch',
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
    name: 'TRUNC leaves what it cuts off in the state and its snapshots (ZOOKEEPER-4837)',
    breakIt: () =>
      together(
        patch(
          Applier.prototype,
          'offer',
          original =>
            function (this: Applier, batch: Batch) {
              original.call(this, batch)
              this.deliver(zxidLastOf(batch))
            }
        ),
        patch(Applier.prototype, 'truncate', () => () => {})
      )
  },
  {
    name: 'DIFF has a hole (ZOOKEEPER-4925)',
    breakIt: () =>
      onMessages((_from, _to, message) => {
        if (message.kind !== 'history') return [message]
        const { batch } = message
        const txns = txnsOf(batch)
        if (txns.length < 3) return [message]
        const blank = encodeTxn({
          session: 0 as never,
          member: 1 as MemberId,
          cxid: 0,
          time: 0,
          change: { kind: 'refused', code: 'NO_NODE' }
        })
        return [{ ...message, batch: batchOf(batch.zxidFirst, txns.with(1, blank)) }]
      })
  },
  {
    name: 'a learner applies what is committed before its log is its leader’s (ZOOKEEPER-2845)',
    breakIt: () =>
      onEffects((peer, event, effects) => {
        if (event.kind !== 'received' || event.message.kind !== 'ping' || peer.role !== 'following' || peer.serving)
          return effects
        const through = Math.min(event.message.zxidCommitted, peer.zxidDurable) as Zxid
        return through <= peer.zxidCommitted ? effects : [...effects, { kind: 'deliver', through }]
      })
  },
  {
    name: 'what a former role was about to vouch for leaves in the next',
    breakIt: () =>
      together(
        patchGetter(Peer.prototype, 'tenure', () => 0),
        onWrites(write => [{ ...write, tenure: 0 }])
      )
  }
]
