/** A running hash of everything that was seen: two runs with the same one are the same run. */
export class Fingerprint {
  #a = 0x811c9dc5
  #b = 0x9e3779b9

  add(seen: { readonly at: number; readonly member: number; readonly kind: string }): void {
    this.#mix(Math.floor(seen.at * 1_000))
    this.#mix(seen.member)
    for (let index = 0; index < seen.kind.length; index++) this.#mix(seen.kind.charCodeAt(index))
    if ('message' in seen) this.addText((seen.message as { readonly kind: string }).kind)
    if ('zxid' in seen) this.#mix(seen.zxid as number)
    if ('digest' in seen) this.addText(seen.digest as string)
    if ('call' in seen) this.#mix(seen.call as number)
  }

  addText(text: string): void {
    for (let index = 0; index < text.length; index++) this.#mix(text.charCodeAt(index))
  }

  get text(): string {
    return (this.#a >>> 0).toString(16).padStart(8, '0') + (this.#b >>> 0).toString(16).padStart(8, '0')
  }

  #mix(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 0x01000193)
    this.#b = Math.imul((this.#b << 7) ^ (this.#b >>> 3) ^ value, 0x85ebca6b)
  }
}
