import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js'

const SECONDS_MAX = 100

/** How long operations took, each kept to three digits. */
export class Latencies {
  readonly #microseconds: Histogram

  private constructor(microseconds: Histogram) {
    this.#microseconds = microseconds
  }

  static empty(): Latencies {
    return new Latencies(
      build({
        lowestDiscernibleValue: 1,
        highestTrackableValue: SECONDS_MAX * 1e6,
        numberOfSignificantValueDigits: 3,
        bitBucketSize: 64
      })
    )
  }

  /** What another process has encoded. */
  static decoded(text: string): Latencies {
    return new Latencies(decodeFromCompressedBase64(text, 64))
  }

  get count(): number {
    return this.#microseconds.totalCount
  }

  /** `count` operations have needed that long. */
  record(milliseconds: number, count = 1): void {
    this.#microseconds.recordValueWithCount(Math.min(Math.max(1, Math.round(milliseconds * 1000)), SECONDS_MAX * 1e6), count)
  }

  add(others: Latencies): void {
    this.#microseconds.add(others.#microseconds)
  }

  /** Milliseconds that `percent` of the operations needed at most. */
  percentile(percent: number): number {
    return this.#microseconds.getValueAtPercentile(percent) / 1000
  }

  get max(): number {
    return this.#microseconds.maxValue / 1000
  }

  encoded(): string {
    return encodeIntoCompressedBase64(this.#microseconds)
  }
}
