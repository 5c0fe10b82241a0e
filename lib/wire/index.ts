export {
  asArray,
  asBoolean,
  asBytes,
  asCount,
  asEpoch,
  asInteger,
  asList,
  asMemberId,
  asNullable,
  asOneOf,
  asSessionId,
  asString,
  asTagged,
  asZxid,
  badFrame
} from './fields.js'
export { decodeBounded, encode } from './msgpack.js'
