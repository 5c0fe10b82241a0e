import t from 'tap'
import { seededRandom } from '../../lib/base/index.js'
import { assemblyOf, waitingOf } from '../../lib/zab/assembly.js'
import { PeerContext } from '../../lib/zab/context.js'
import { majorityOf, type Standing, type Waiting } from '../../lib/zab/index.js'
import { at, BLANK_STATE, ENSEMBLE, epoch, MEMBER_STATE, member, notificationOf } from '../fixtures/zab-peers.js'

const STATES = {
  member: MEMBER_STATE,
  blank: BLANK_STATE,
  founder: { ...BLANK_STATE, ensembleId: ENSEMBLE, acceptedEpoch: epoch(1) },
  withheld: { ...MEMBER_STATE, vote: 'withheld' }
} as const

/** Member 1 of `size` with that standing, seeing the others with theirs; `-` is not connected, `!` after a standing allows salvage. */
function seeing(size: number, standings: string): PeerContext {
  const [own = '', ...others] = standings.split(' ')
  const voters = Array.from({ length: size }, (_, index) => member(index + 1))
  const standing = own.replace('!', '') as Standing
  const options = { id: member(1), quorum: majorityOf(voters), initLimit: 10, syncLimit: 4, random: seededRandom(1) }
  const context = new PeerContext({ ...options, salvage: own.endsWith('!') }, STATES[standing])
  for (const [index, other] of others.entries()) {
    if (other === '-') continue
    const state = other === 'leading' ? 'leading' : 'looking'
    const theirs = (state === 'leading' ? 'member' : other.replace('!', '')) as Standing
    context.notified.set(
      member(index + 2),
      notificationOf({ state, standing: theirs, salvage: other.endsWith('!'), epoch: epoch(state === 'leading' ? 1 : 0) })
    )
  }
  return context
}

const ASSEMBLIES: readonly (readonly [number, string, 'majority' | 'founding' | 'salvage', Waiting['kind']])[] = [
  [1, 'blank', 'founding', 'election'],
  [1, 'founder', 'founding', 'election'],
  [1, 'member', 'majority', 'election'],
  [1, 'withheld', 'majority', 'lostQuorum'],
  [1, 'withheld!', 'salvage', 'election'],
  [3, 'member member -', 'majority', 'election'],
  [3, 'member - -', 'majority', 'quorum'],
  [3, 'member blank -', 'majority', 'quorum'],
  [3, 'member member blank', 'majority', 'election'],
  [3, 'blank member member', 'majority', 'election'],
  [3, 'blank - -', 'majority', 'founding'],
  [3, 'blank blank -', 'majority', 'founding'],
  [3, 'blank blank blank', 'founding', 'election'],
  [3, 'blank blank founder', 'founding', 'election'],
  [3, 'founder founder blank', 'founding', 'election'],
  [3, 'founder member blank', 'founding', 'election'],
  [3, 'founder member -', 'majority', 'quorum'],
  [3, 'blank leading blank', 'majority', 'founding'],
  [3, 'member blank blank', 'majority', 'lostQuorum'],
  [3, 'blank blank member', 'majority', 'lostQuorum'],
  [3, 'withheld withheld member', 'majority', 'lostQuorum'],
  [3, 'withheld blank blank', 'majority', 'lostQuorum'],
  [3, 'withheld founder founder', 'majority', 'lostQuorum'],
  [3, 'member! blank blank', 'salvage', 'election'],
  [3, 'blank blank member!', 'salvage', 'election'],
  [3, 'blank! blank! member', 'majority', 'lostQuorum'],
  [3, 'member! withheld blank', 'majority', 'lostQuorum'],
  [3, 'member! withheld! blank', 'salvage', 'election'],
  [3, 'member! blank -', 'majority', 'quorum'],
  [5, 'member member blank blank blank', 'majority', 'lostQuorum'],
  [5, 'member! member! blank blank blank', 'salvage', 'election'],
  [5, 'member member blank blank -', 'majority', 'quorum'],
  [5, 'member blank blank blank -', 'majority', 'lostQuorum'],
  [5, 'member member member - -', 'majority', 'election']
]

for (const [size, standings, assembly, waiting] of ASSEMBLIES) {
  t.test(`${size} voters, seen ${standings}: ${assembly}, waiting for ${waiting}`, async t => {
    const context = seeing(size, standings)
    t.equal(assemblyOf(context), assembly)
    t.equal(waitingOf(context).kind, waiting)
  })
}

t.test('waiting says who is missing and who has no history', async t => {
  t.strictSame(waitingOf(seeing(5, 'member blank - withheld -')), { kind: 'quorum', missing: [3, 5], withoutHistory: [2, 4] })
  t.strictSame(waitingOf(seeing(3, 'blank - blank')), { kind: 'founding', missing: [2], withoutHistory: [1, 3] })
})

t.test('nothing is decided while something is being written', async t => {
  const context = seeing(3, 'member member member')
  context.write({ kind: 'truncate', zxid: at(1, 1) }, [])
  t.equal(waitingOf(context).kind, 'disk')
})
