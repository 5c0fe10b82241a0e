import type { Epoch, Zxid } from '../base/index.js'
import type { Drawer } from './drawer.js'
import type { StoreIdentity } from './storage.js'

/** What the note beside a database says: what had been acknowledged when it was written. */
export interface Noted {
  /** The revision of the meta record. */
  readonly revision: number
  /** The end of the log. */
  readonly zxidEnd: Zxid
  readonly acceptedEpoch: Epoch
  readonly currentEpoch: Epoch
}

/** What was found when a database was opened. */
export interface Opened {
  readonly drawer: Drawer
  /** Who the directory says it belongs to; null where it does not (any longer) say. */
  readonly identity: StoreIdentity | null
  /** What was acknowledged; `missing` where there should be a note and there is none; null where notes are not kept or nothing was ever written. */
  readonly noted: Noted | 'missing' | null
  /** Why the database that was here could not be used and has been set aside, null when it could. */
  readonly loss: string | null
}

/**
 * What stands around a database. A directory of our own has guards, an identity file and a note of what was acknowledged; a database
 * that was handed in has nothing of it.
 */
export interface Surroundings {
  readonly durable: boolean
  /** Opens the database, or closes it and opens it again. `failure` is what ended its last use, null at first. */
  open(failure: unknown): Promise<Opened>
  /** The store has been verified and its meta record is written: from here on the directory says who it belongs to. */
  settle(identity: StoreIdentity, noted: Noted): Promise<void>
  /** Throws when what is written no longer goes where it was opened. Asked after every write, before it is acknowledged. */
  verify(): void
  /** Notes what is about to be acknowledged. Not synced: it speaks about losses of the database, not of the machine. */
  note(noted: Noted): Promise<void> | void
  /** Removes what was set aside: it has been replaced. */
  discardRemains(): Promise<void>
  /** Closes the database and releases everything. Called once, also when `open` has failed. */
  close(): Promise<void>
}
