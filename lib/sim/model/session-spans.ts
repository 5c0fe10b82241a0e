import type { SessionId } from '../../base/index.js'
import type { CommittedTxn } from '../history.js'

/** `ending`: its end has begun and takes several txns. `over`: that is done, or it never was. */
export type SessionStage = 'alive' | 'ending' | 'over'

/** When sessions began, when their ends began, and when they were over. */
export class SessionSpans {
  readonly #spans = new Map<SessionId, { readonly from: number; ending: number; over: number }>()

  constructor(log: readonly CommittedTxn[]) {
    for (const { zxid, txn } of log) {
      const { change } = txn
      if (change.kind === 'createSession') {
        const never = Number.POSITIVE_INFINITY
        this.#spans.set(zxid as number as SessionId, { from: zxid, ending: never, over: never })
      }
      if (change.kind !== 'closingSession' && change.kind !== 'closeSession') continue
      const span = this.#spans.get(change.session)
      if (span === undefined) continue
      span.ending = Math.min(span.ending, zxid)
      if (change.kind === 'closeSession') span.over = zxid
    }
  }

  stageAt(session: SessionId, zxid: number): SessionStage {
    const span = this.#spans.get(session)
    if (span === undefined || zxid < span.from || zxid >= span.over) return 'over'
    return zxid >= span.ending ? 'ending' : 'alive'
  }
}
