/**
 * Milliseconds since 1970. Processes of one machine may compare them: each has taken its origin from the machine's clock when it started, which
 * is good to a tenth of a millisecond or so as long as nobody sets that clock.
 */
export function wallNow(): number {
  return performance.timeOrigin + performance.now()
}
