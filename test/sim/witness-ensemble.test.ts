import t from 'tap'
import type { Zxid } from '../../lib/base/index.js'
import { Recorder } from '../../lib/sim/clients/recorder.js'
import type { CommittedTxn } from '../../lib/sim/history.js'
import { matchRequests } from '../../lib/sim/model/request-matching.js'
import { checkDigest, checkState } from '../../lib/sim/model/state-check.js'
import { Timeline } from '../../lib/sim/model/timeline.js'
import { checkWitness } from '../../lib/sim/model/witness.js'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { decodeTxn } from '../../lib/wire/index.js'
import { type Batch, txnsOf } from '../../lib/zab/index.js'

/** What a member has been seen to write to its log, of what has been committed. */
class SeenLog {
  readonly #txns = new Map<number, Uint8Array>()

  add(batch: Batch): void {
    for (const [index, bytes] of txnsOf(batch).entries()) this.#txns.set(batch.zxidFirst + index, bytes)
  }

  through(zxid: number): CommittedTxn[] {
    return [...this.#txns]
      .filter(([each]) => each <= zxid)
      .sort(([a], [b]) => a - b)
      .map(([each, bytes]) => ({ zxid: each as Zxid, txn: decodeTxn(bytes) }))
  }
}

t.test('three members, their clients and their log stand up to the witness, also across a leader change', async t => {
  const ensemble = new VirtualEnsemble({ seed: 11 })
  const seen = new SeenLog()
  const digests: { readonly zxid: number; readonly digest: string }[] = []
  ensemble.onObservation = observation => {
    if (observation.kind === 'write' && observation.member === 3 && observation.change.kind === 'append') {
      seen.add(observation.change.batch)
    }
    if (observation.kind === 'applied') digests.push(observation)
  }
  const recorder = new Recorder({ clock: () => ensemble.virtual.now })
  await ensemble.startAll()
  const clients = ensemble.members.map(member => recorder.client(member, ensemble.life(member.id)))
  const sessions = await ensemble.settle(Promise.all(clients.map(client => client.openSession())))
  await ensemble.settle(Promise.all(sessions.slice(0, 1).map(session => session.create('/a', 'one'))))
  let underWay = 0
  // What becomes of a call is in the history.
  const issue = (...calls: Promise<unknown>[]): void => {
    underWay += calls.length
    const over = () => {
      underWay--
    }
    for (const call of calls) call.then(over, over)
  }
  for (let round = 0; round < 8; round++) {
    for (const [index, session] of sessions.entries()) {
      issue(session.create('/a/n-', String(index), { sequential: true, ephemeral: round % 2 === 0 }))
      issue(session.setData('/a', `${round}.${index}`), session.getData('/a'), session.getChildren('/a'))
      issue(session.setData('/a', 'no', { version: round }), session.getEphemerals())
      issue(
        session.multi([
          { type: 'check', path: '/a', version: round },
          { type: 'create', path: `/a/m${round}` }
        ])
      )
      issue(session.sync(), session.exists('/a', { linearizable: true }), session.delete(`/a/m${round}`))
    }
    await ensemble.run(3)
  }
  await ensemble.until(() => underWay === 0)
  // The leader is gone, and with it what its clients wait for.
  const { leader } = ensemble
  const rest = sessions.filter((_, index) => ensemble.members[index]?.id !== leader.id)
  for (const session of rest) issue(session.setData('/a', 'late'), session.getData('/a', { linearizable: true }))
  recorder.ended(leader.id, ensemble.life(leader.id))
  await ensemble.crash(leader.id)
  await ensemble.until(() => underWay === 0)
  await ensemble.restart(leader.id)
  for (const session of rest) await ensemble.settle(session.close())
  await ensemble.run(5_000)
  await ensemble.converge()

  const log = seen.through(ensemble.member(3).local.zxid)
  const matching = matchRequests(log, recorder.history)
  const timeline = new Timeline(log, matching)
  checkWitness(timeline, matching, recorder.history)
  for (const member of ensemble.members) checkState(timeline, member.local)
  for (const each of digests) checkDigest(timeline, each)
  const returns = recorder.history.filter(({ kind }) => kind === 'return')
  t.ok(returns.length > 200, `${returns.length} calls returned`)
  t.ok(digests.length > 50, `${digests.length} digests of members were compared`)
  const refused = returns.filter(event => event.kind === 'return' && event.result.kind === 'refused')
  t.ok(refused.length > 20, `${refused.length} calls were refused`)

  // The comparison of states sees a difference.
  const { local } = ensemble.member(3)
  const other = {
    ...local,
    zxid: local.zxid,
    digest: local.digest,
    exists: local.exists,
    getChildren: local.getChildren.bind(local)
  }
  const getData = (path: string) => {
    const found = local.getData(path)
    return found === null || path !== '/a' ? found : { ...found, data: Buffer.from('other') }
  }
  t.throws(() => checkState(timeline, { ...other, getData }), /model: at 0x.*, \/a: the member has other data/)
  t.throws(() => checkDigest(timeline, { zxid: local.zxid, digest: 'f'.repeat(32) }), /a member has digest ffff/)
  await ensemble.close()
})
