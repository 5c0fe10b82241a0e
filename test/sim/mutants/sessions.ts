import type { SessionId, Ticks } from '../../../lib/base/index.js'
import { Engine } from '../../../lib/member/engine.js'
import { WatchDispatcher } from '../../../lib/member/watch-dispatcher.js'
import { SessionTracker } from '../../../lib/session/index.js'
import type { TreeEvent } from '../../../lib/tree/index.js'
import { TreeComparison } from '../../../lib/tree/tree-comparison.js'
import type { Peer } from '../../../lib/zab/index.js'
import { type Mutant, onEffects, patch } from './mutant.js'

/** What clients are told, and when. */
export const SESSIONS: readonly Mutant[] = [
  {
    name: 'a session expires too early',
    breakIt: () =>
      patch(
        SessionTracker.prototype,
        'add',
        original =>
          function (this: SessionTracker, id: SessionId, timeout: Ticks, now: Ticks) {
            original.call(this, id, Math.max(1, Math.floor(timeout / 4)) as Ticks, now)
          }
      )
  },
  {
    name: 'a session whose process is gone never expires',
    from: 19,
    breakIt: () => patch(SessionTracker.prototype, 'tick', () => () => [])
  },
  {
    name: 'a watch fires after the read that it should precede',
    breakIt: () =>
      patch(
        WatchDispatcher.prototype,
        'fire',
        original =>
          function (this: WatchDispatcher, events: readonly TreeEvent[]) {
            void later(() => original.call(this, events))
          }
      )
  },
  {
    name: 'a watch is lost when the history is replaced',
    plan: { snapCount: 10 },
    breakIt: () => patch(WatchDispatcher.prototype, 'rebase', () => () => {})
  },
  {
    name: 'a reset leaves out a path that has changed',
    plan: { snapCount: 10 },
    breakIt: () =>
      patch(
        TreeComparison.prototype,
        'changedBelow',
        original =>
          function (this: TreeComparison, path: string) {
            return original.call(this, path)?.slice(1) ?? null
          }
      )
  },
  {
    name: 'a reset says of every persistent watch that its znode has changed',
    plan: { snapCount: 10 },
    breakIt: () =>
      patch(
        TreeComparison.prototype,
        'at',
        original =>
          function (this: TreeComparison, path: string) {
            return { ...original.call(this, path), changed: true }
          }
      )
  },
  {
    name: 'a reset never says what has changed',
    plan: { snapCount: 10 },
    breakIt: () => patch(TreeComparison.prototype, 'changedBelow', () => () => null)
  },
  {
    name: 'a watch is told twice',
    breakIt: () =>
      patch(
        WatchDispatcher.prototype,
        'fire',
        original =>
          function (this: WatchDispatcher, events: readonly TreeEvent[]) {
            original.call(this, events)
            if ((events[0]?.zxid ?? 0) % 16 === 0) original.call(this, events)
          }
      )
  },
  {
    name: 'a linearizable read does not wait until what it must see is applied',
    breakIt: () =>
      patch(
        Engine.prototype,
        'whenApplied',
        () =>
          function (this: Engine, _zxid: number, callback: () => void) {
            callback()
          }
      )
  },
  {
    name: 'a stale leader keeps serving: what a quorum confirmed once is good for three seconds',
    plan: { kinds: ['partition', 'pause', 'strand'] },
    breakIt: () => {
      const lastConfirmed = new WeakMap<Peer, number>()
      const ticks = new WeakMap<Peer, number>()
      return onEffects((peer, event, effects) => {
        if (event.kind === 'tick') ticks.set(peer, (ticks.get(peer) ?? 0) + 1)
        const now = ticks.get(peer) ?? 0
        if (effects.some(({ kind }) => kind === 'confirmed')) lastConfirmed.set(peer, now)
        if (event.kind !== 'confirm' || now - (lastConfirmed.get(peer) ?? -1_000) > 30) return effects
        return [{ kind: 'confirmed', confirmation: event.confirmation, zxid: peer.zxidCommitted }]
      })
    }
  }
]

async function later(act: () => void): Promise<void> {
  for (let hop = 0; hop < 5; hop++) await null
  act()
}
