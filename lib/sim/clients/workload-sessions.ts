import { type Random, randomInt, type SessionId } from '../../base/index.js'
import type { ClientTools } from './client-tools.js'

const ROOT = '/shared'
const PLACES = 3

/** What it takes to take a session over. */
export interface SharedSession {
  readonly session: SessionId
  readonly password: Buffer
}

/** Where the password of some session may be found: written there by whoever was the session last, and perhaps is no more. */
export function sharedPlace(random: Random): string {
  return `${ROOT}/s${randomInt(random, PLACES)}`
}

/** What a place holds; null where it is not one. */
export function sharedSessionIn(data: Buffer | null): SharedSession | null {
  const [, session, password] = /#(\d+):([0-9a-f]{32})/.exec(String(data)) ?? []
  if (session === undefined || password === undefined) return null
  return { session: Number(session) as SessionId, password: Buffer.from(password, 'hex') }
}

/** Sessions whose password goes round: they are taken over by other processes, and ended by them. */
export class SessionWork {
  readonly #tools: ClientTools
  readonly #terminate: (session: SessionId) => Promise<void>

  constructor(tools: ClientTools, terminate: (session: SessionId) => Promise<void>) {
    this.#tools = tools
    this.#terminate = terminate
  }

  share(random: Random): void {
    const { session } = this.#tools
    const path = sharedPlace(random)
    const value = `${this.#tools.value(random)}#${session.sessionId}:${session.sessionPassword.toString('hex')}`
    this.#tools.track('share session', session.setData(path, value), undefined, code => {
      if (code !== 'NO_NODE' || this.#tools.room === 0) return
      this.#tools.track('share session first', session.create(path, `${value}!`, { parents: true }))
    })
  }

  terminate(random: Random): void {
    this.#tools.track('find shared session', this.#tools.session.getData(sharedPlace(random)), ({ data }) => {
      const shared = sharedSessionIn(data)
      if (shared !== null) this.#tools.track('terminate session', this.#terminate(shared.session))
    })
  }
}
