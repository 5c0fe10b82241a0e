import { counterOf, EPOCH_MAX, type Epoch, type MemberId, NO_EPOCH, ZXID_ZERO, type Zxid } from '../../../lib/base/index.js'
import { type History, Peer, type ZabEvent, type ZabMessage } from '../../../lib/zab/index.js'
import { Journal } from '../../../lib/zab/journal.js'
import { type Broken, type Mutant, onEffects, patch, patchGetter, together } from './mutant.js'

/** Who may lead, and who is counted. */
export const ELECTION: readonly Mutant[] = [
  {
    // A zxid names the epoch as well, so only the counter is left to go by. A leader that finds out that a learner has the longer history
    // steps down; that it must not do either.
    name: 'an election ignores the epoch',
    // Who has applied what it is told to cut off refuses; who has just begun has not.
    plan: { kinds: ['crash', 'crashAll', 'partition'] },
    breakIt: () => {
      let truth: History = { epoch: NO_EPOCH, zxid: ZXID_ZERO }
      let stepping: Peer | null = null
      return together(
        patchGetter(Journal.prototype, 'history', original => {
          truth = original()
          if (stepping?.role === 'leading') return { epoch: EPOCH_MAX as Epoch, zxid: truth.zxid }
          return { epoch: NO_EPOCH, zxid: counterOf(truth.zxid) as Zxid }
        }),
        // What is said beside the vote is true.
        onEffects((_peer, _event, effects) =>
          effects.map(effect => {
            if (effect.kind === 'send') return { ...effect, message: withHistory(effect.message, truth) }
            if (effect.kind !== 'write') return effect
            const thenSend = effect.thenSend.map(({ to, message }) => ({ to, message: withHistory(message, truth) }))
            return { ...effect, thenSend }
          })
        ),
        patch(
          Peer.prototype,
          'step',
          original =>
            function (this: Peer, event: ZabEvent) {
              stepping = this
              return original.call(this, event)
            }
        )
      )
    }
  },
  {
    name: 'a voter with an empty disk votes and is counted (ZOOKEEPER-261)',
    from: 28,
    plan: { kinds: ['wipe', 'crash', 'partition'] },
    breakIt: () =>
      patchGetter(Journal.prototype, 'standing', original => {
        const standing = original()
        return standing === 'blank' ? 'member' : standing
      })
  },
  {
    name: 'a quorum of wiped voters founds a new ensemble',
    plan: { size: 3, losesQuorum: true },
    breakIt: () => foundedBy(2)
  },
  {
    name: 'a leader takes it for granted that it still leads: a minority serves a linearizable read',
    plan: { kinds: ['partition', 'pause', 'strand'] },
    breakIt: () =>
      onEffects((peer, event, effects) => {
        if (event.kind !== 'confirm') return effects
        return [{ kind: 'confirmed', confirmation: event.confirmation, zxid: peer.zxidCommitted }]
      })
  },
  {
    name: 'a leader judges requests before it has applied the history that its epoch begins with',
    breakIt: () =>
      onEffects((peer, _event, effects) =>
        effects.map(effect =>
          effect.kind === 'serving' && peer.role === 'leading' ? { ...effect, zxidHistory: 0 as Zxid } : effect
        )
      )
  }
]

function withHistory(message: ZabMessage, history: History): ZabMessage {
  if (message.kind === 'ackEpoch') return { ...message, currentEpoch: history.epoch }
  return message.kind === 'notification' ? { ...message, history } : message
}

/** So many voters that have never held anything, as far as they can tell, take themselves for the ensemble. */
function foundedBy(quorum: number): Broken {
  const blank = new WeakMap<Peer, Set<MemberId>>()
  const founders = new WeakSet<Peer>()
  let stepping: Peer | null = null
  return together(
    patch(
      Peer.prototype,
      'step',
      original =>
        function (this: Peer, event: ZabEvent) {
          const others = blank.get(this) ?? new Set()
          blank.set(this, others)
          if (event.kind === 'linkDown') others.delete(event.peer)
          let taken = event
          if (event.kind === 'received' && event.message.kind === 'notification' && this.currentEpoch === NO_EPOCH) {
            const { from, message } = event
            // Who has a history is not heard.
            if (message.history.zxid > 0 || message.history.epoch > 0) others.delete(from)
            else others.add(from)
            if (founders.has(this) && !others.has(from)) return []
            if (!founders.has(this) && others.size + 1 >= quorum) {
              founders.add(this)
              // A new round, in which it has a vote.
              taken = { ...event, message: { ...message, round: message.round + 1 } }
            }
          }
          stepping = this
          try {
            return original.call(this, taken)
          } finally {
            stepping = null
          }
        }
    ),
    patchGetter(Journal.prototype, 'standing', original => {
      const standing = original()
      return standing === 'blank' && stepping !== null && founders.has(stepping) ? 'member' : standing
    })
  )
}
