import { counterOf, type Epoch, makeZxid, type Zxid } from '../../../lib/base/index.js'
import type { Storage } from '../../../lib/storage/index.js'
import { Journal } from '../../../lib/zab/journal.js'
import { type Broken, type Mutant, onEffects, onStore, patchGetter } from './mutant.js'

/** A blank store is told that it belongs to an ensemble: with its vote, and nothing else. */
function blankStoresVote(ensembleOf: (known: string) => string): Broken {
  let known: string | null = null
  const blanks = new WeakSet<Storage>()
  const { surround } = onStore(storage => {
    if (known !== null && storage.state.currentEpoch === 0) blanks.add(storage)
    return {
      write: async (change, write) => {
        if (change.kind === 'adoptEpoch') known ??= change.ensembleId
        return write(change)
      }
    }
  })
  return {
    mend: () => {},
    surround: (id, surroundings) => {
      const inner = surround?.(id, surroundings) ?? surroundings
      return {
        ...inner,
        storage: async (options, storageOptions) => {
          const storage = await inner.storage(options, storageOptions)
          if (known === null || storage.state.currentEpoch > 0 || storage.state.acceptedEpoch > 0) return storage
          const ensembleId = ensembleOf(known)
          await storage.write({ kind: 'acceptEpoch', epoch: 1 as Epoch, ensembleId })
          await storage.write({ kind: 'adoptEpoch', epoch: 1 as Epoch, ensembleId, vote: 'held' })
          return storage
        }
      }
    }
  }
}

/** Who may lead, and who is counted. */
export const ELECTION: readonly Mutant[] = [
  {
    name: 'an election ignores the epoch',
    breakIt: () =>
      patchGetter(Journal.prototype, 'history', original => {
        const { epoch, zxid } = original()
        return epoch === 0 ? { epoch, zxid } : { epoch: 1 as Epoch, zxid: makeZxid(1 as Epoch, counterOf(zxid)) }
      })
  },
  {
    name: 'a wiped voter votes as if it had never lost anything (ZOOKEEPER-261)',
    plan: { kinds: ['wipe', 'crash', 'partition'] },
    breakIt: () => blankStoresVote(known => known)
  },
  {
    name: 'a quorum of wiped voters founds a new ensemble',
    plan: { losesQuorum: true },
    breakIt: () => blankStoresVote(known => [...known].reverse().join(''))
  },
  {
    name: 'a leader takes it for granted that it still leads',
    plan: { kinds: ['partition', 'pause', 'strand'] },
    breakIt: () =>
      onEffects((peer, event, effects) => {
        if (event.kind !== 'confirm') return effects
        return [{ kind: 'confirmed', confirmation: event.confirmation, zxid: peer.zxidCommitted }]
      })
  },
  {
    name: 'a member serves before the history that its epoch began with is applied',
    breakIt: () =>
      onEffects((_peer, _event, effects) =>
        effects.map(effect => (effect.kind === 'serving' ? { ...effect, zxidHistory: 0 as Zxid } : effect))
      )
  }
]
