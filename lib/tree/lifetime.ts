/** How long a znode lives that is not an ephemeral: {@link PERSISTENT}, {@link CONTAINER}, or a time to live in milliseconds. */
export type Lifetime = number

/** Until it is deleted. */
export const PERSISTENT = 0

/** A container: until it has no children any more, having had some, or has had none for too long. The leader removes it. */
export const CONTAINER = -1

/** The longest time to live, in milliseconds: the 40 bits that ZooKeeper keeps one in, almost 35 years. */
export const TTL_MAX = 2 ** 40 - 1
