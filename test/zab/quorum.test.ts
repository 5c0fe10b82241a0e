import t from 'tap'
import { majorityOf } from '../../lib/zab/index.js'
import { member } from '../fixtures/zab-peers.js'

for (let size = 1; size <= 9; size++) {
  t.test(`of ${size} voters any two quorums share one, and more than half are one`, async t => {
    const voters = Array.from({ length: size }, (_, index) => member(index + 1))
    const quorum = majorityOf(voters)
    const sets = Array.from({ length: 2 ** size }, (_, bits) => new Set(voters.filter((_, index) => bits & (1 << index))))
    const quorums = sets.filter(set => quorum.isQuorum(set))
    t.ok(sets.every(set => quorum.isQuorum(set) === set.size > size / 2))
    t.ok(quorums.every(a => quorums.every(b => [...a].some(voter => b.has(voter)))))
    t.equal(Math.min(...quorums.map(set => set.size)), Math.floor(size / 2) + 1)
  })
}

t.test('voters are listed in ascending order, and who is not a voter does not count', async t => {
  const quorum = majorityOf([member(10), member(2), member(3)])
  t.strictSame(quorum.voters, [2, 3, 10])
  t.equal(quorum.isQuorum(new Set([member(2), member(7), member(8)])), false)
  t.equal(quorum.isQuorum(new Set([member(2), member(10), member(8)])), true)
  t.equal(quorum.isQuorum(new Set()), false)
})
