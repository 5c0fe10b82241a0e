/**
 * How LevelDB is used in a data directory. Values are not compressed: a flipped bit then stays a flipped bit, instead of feeding the
 * decompressor with garbage.
 */
export const LEVEL_OPTIONS = { keyEncoding: 'utf8', valueEncoding: 'view', compression: false } as const
