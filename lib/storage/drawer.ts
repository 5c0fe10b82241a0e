import type { AbstractLevel } from 'abstract-level'
import type { KeyRange } from './key-space.js'

/** Any database that is asked for Uint8Array values under text keys, whatever it uses by default. */
export type Database = AbstractLevel<string | Buffer | Uint8Array, string, Uint8Array>

export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string }

const ENCODINGS = { keyEncoding: 'utf8', valueEncoding: 'view' } as const
/** `sync` is LevelDB's; a database that does not know it ignores it. */
const WRITE_OPTIONS = { ...ENCODINGS, sync: true }
/** What is read once at open or for one learner should not push out of the cache what else is there. LevelDB's too. */
const READ_OPTIONS = { ...ENCODINGS, fillCache: false }

/** The few things a store asks of its database: LevelDB is the drawer, not the integrity layer. */
export class Drawer {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#database.get(key, READ_OPTIONS)
  }

  /** Atomic, and synced where the database can. PERF: one log record alone, which is nearly every write, is handed over as a `put`: abstract-level and LevelDB's binding unpack a batch. */
  batch(operations: Operation[]): Promise<void> {
    const [first] = operations
    if (operations.length === 1 && first?.type === 'put') return this.#database.put(first.key, first.value, WRITE_OPTIONS)
    return this.#database.batch(operations, WRITE_OPTIONS)
  }

  entries(range: KeyRange): AsyncIterable<[string, Uint8Array]> {
    return this.#database.iterator({ ...READ_OPTIONS, ...range })
  }

  /** The last entry of a range, null when it is empty. */
  async last(range: KeyRange): Promise<[string, Uint8Array] | null> {
    for await (const entry of this.#database.iterator({ ...READ_OPTIONS, ...range, reverse: true, limit: 1 })) return entry
    return null
  }

  /** Up to `limit` keys of a range, in order. */
  keys(range: KeyRange, limit: number): Promise<string[]> {
    return this.#database.keys({ ...READ_OPTIONS, ...range, limit }).all()
  }
}

/** The code that abstract-level or the database under it has given an error, the innermost first. */
export function levelCode(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  return levelCode(error.cause) ?? ('code' in error && typeof error.code === 'string' ? error.code : null)
}
