declare const brand: unique symbol

/** A number or string that carries a meaning of its own and cannot be mixed up with another. */
export type Branded<T, Name extends string> = T & { readonly [brand]: Name }

/** A member's place in the peer list, 1 to 255. */
export type MemberId = Branded<number, 'MemberId'>

/** The reign of one leader. 0 means 'before the first leader'; bounded by {@link EPOCH_MAX}. */
export type Epoch = Branded<number, 'Epoch'>

/** The zxid of the txn that created the session; 0 means 'no session'. Unique for ever, no clock involved. */
export type SessionId = Branded<number, 'SessionId'>

/** A count of `tickTime` intervals. The pure core knows no other unit of time. */
export type Ticks = Branded<number, 'Ticks'>

export const NO_SESSION = 0 as SessionId
export const NO_EPOCH = 0 as Epoch
