import { assert, present } from '../base/index.js'

const SLOT_BITS = 13
const SLOTS_MASK = 2 ** SLOT_BITS - 1
/** The first page of a size; each further one is twice as large as the one before, up to the largest. PERF: few pages stay in a processor's cache. */
const PAGE_BYTES_MIN = 8 * 1024
const PAGE_BYTES_MAX = 128 * 1024
/** Larger values get a buffer of their own: the overhead of one no longer matters. */
const SLOT_BYTES_MAX = 4 * 1024
const NO_SLOT = 0xffff

/** Everything of one size of slot. */
interface Size {
  readonly slotBytes: number
  /** Those that have room. */
  readonly roomy: Set<Page>
  pages: number
}

/** Slots of one size. A free slot holds the number of the next free one in its first two bytes. */
interface Page {
  readonly index: number
  readonly size: Size
  readonly slotBytes: number
  readonly slots: number
  readonly bytes: Uint8Array
  /** The same bytes: a slot begins and ends at a whole word. */
  readonly words: Int32Array
  firstFree: number
  /** Slots from here on have never been used. */
  unused: number
  used: number
}

/**
 * The data of all znodes, copied in and copied out. Small values share pages of equal slots: a typed array of its own costs a value of 100
 * bytes three times its size, and a string would have to be converted both ways.
 *
 * A page is released with its last value, so that a tree that shrinks gives memory back, but for pages that keep a few values each.
 */
export class ValueStore {
  readonly #pages: (Page | undefined)[] = []
  readonly #freePages: number[] = []
  /** By the bytes of a slot. */
  readonly #sizes = new Map<number, Size>()
  readonly #large: (Uint8Array | undefined)[] = []
  readonly #freeLarge: number[] = []
  #bytes = 0

  /** Bytes of all values. */
  get bytes(): number {
    return this.#bytes
  }

  /** Copies a value in. The handle must be given back together with the value's length. */
  put(value: Uint8Array): number {
    const handle = this.#allocate(value.length)
    this.#bytes += value.length
    this.#write(handle, value)
    return handle
  }

  /** Puts a value in the place of another one, without moving it when it has the same size of slot. */
  replace(handle: number, length: number, value: Uint8Array): number {
    if (value.length > SLOT_BYTES_MAX || slotBytesFor(length) !== slotBytesFor(value.length)) {
      this.free(handle, length)
      return this.put(value)
    }
    this.#bytes += value.length - length
    this.#write(handle, value)
    return handle
  }

  /** Copies the first `length` bytes out to the start of `target`. */
  copy(handle: number, length: number, target: Uint8Array): void {
    if (handle < 0) {
      target.set(present(this.#large[~handle], 'a large value is there'))
    } else if (length > 0) {
      const page = this.#pageOf(handle)
      const start = (handle & SLOTS_MASK) * page.slotBytes
      target.set(page.bytes.subarray(start, start + length))
    }
  }

  /** Whether a value is the first `length` of these bytes, which `words` holds too. PERF: a word at a time, for every path that is looked up. */
  isEqual(handle: number, bytes: Uint8Array, words: Int32Array, length: number): boolean {
    if (handle < 0) return present(this.#large[~handle], 'a large value is there').every((byte, index) => byte === bytes[index])
    const page = this.#pageOf(handle)
    const start = (handle & SLOTS_MASK) * page.slotBytes
    const whole = length >>> 2
    for (let index = 0; index < whole; index++) if (page.words[(start >>> 2) + index] !== words[index]) return false
    for (let index = whole * 4; index < length; index++) if (page.bytes[start + index] !== bytes[index]) return false
    return true
  }

  /** Where a value lies, for reading it in place: in these bytes, from {@link startOf} on. */
  bytesOf(handle: number): Uint8Array {
    return handle < 0 ? present(this.#large[~handle], 'a large value is there') : this.#pageOf(handle).bytes
  }
  startOf(handle: number): number {
    return handle < 0 ? 0 : (handle & SLOTS_MASK) * this.#pageOf(handle).slotBytes
  }

  free(handle: number, length: number): void {
    this.#bytes -= length
    if (handle < 0) {
      this.#large[~handle] = undefined
      this.#freeLarge.push(~handle)
    } else if (length > 0) {
      this.#freeSlot(this.#pageOf(handle), handle & SLOTS_MASK)
    }
  }

  /** Negative for a value with a buffer of its own, otherwise page and slot. An empty value needs no place: 0. */
  #allocate(length: number): number {
    if (length === 0) return 0
    if (length > SLOT_BYTES_MAX) return ~(this.#freeLarge.pop() ?? this.#large.length)
    const slotBytes = slotBytesFor(length)
    const page = this.#roomyPage(slotBytes)
    let slot = page.firstFree
    if (slot === NO_SLOT) {
      slot = page.unused++
    } else {
      const start = slot * slotBytes
      page.firstFree =
        present(page.bytes[start], 'a slot is in its page') + 256 * present(page.bytes[start + 1], 'a slot is in its page')
    }
    page.used++
    if (page.used === page.slots) page.size.roomy.delete(page)
    return (page.index << SLOT_BITS) | slot
  }

  #write(handle: number, value: Uint8Array): void {
    if (handle < 0) {
      this.#large[~handle] = new Uint8Array(value)
    } else if (value.length > 0) {
      const page = this.#pageOf(handle)
      page.bytes.set(value, (handle & SLOTS_MASK) * page.slotBytes)
    }
  }

  #freeSlot(page: Page, slot: number): void {
    const { roomy } = page.size
    page.used--
    // The last page with room stays, or one value that comes and goes would make a page each time.
    if (page.used === 0 && roomy.size > 1) {
      roomy.delete(page)
      page.size.pages--
      this.#pages[page.index] = undefined
      this.#freePages.push(page.index)
      return
    }
    const start = slot * page.slotBytes
    page.bytes[start] = page.firstFree & 0xff
    page.bytes[start + 1] = page.firstFree >>> 8
    page.firstFree = slot
    roomy.add(page)
  }

  #roomyPage(slotBytes: number): Page {
    let size = this.#sizes.get(slotBytes)
    if (size === undefined) {
      size = { slotBytes, roomy: new Set(), pages: 0 }
      this.#sizes.set(slotBytes, size)
    }
    for (const page of size.roomy) return page
    const index = this.#freePages.pop() ?? this.#pages.length
    assert(index < 2 ** (31 - SLOT_BITS), 'a handle fits 31 bits')
    const slots = Math.floor(Math.min(PAGE_BYTES_MIN * 2 ** size.pages++, PAGE_BYTES_MAX) / slotBytes)
    const bytes = new Uint8Array(slots * slotBytes)
    const words = new Int32Array(bytes.buffer)
    const page: Page = { index, size, slotBytes, slots, bytes, words, firstFree: NO_SLOT, unused: 0, used: 0 }
    this.#pages[index] = page
    size.roomy.add(page)
    return page
  }

  #pageOf(handle: number): Page {
    return present(this.#pages[handle >>> SLOT_BITS], 'a value is in its page')
  }
}

/** Sizes that waste little on small values and are not too many on larger ones. */
function slotBytesFor(length: number): number {
  if (length > SLOT_BYTES_MAX) return -1
  const step = length <= 512 ? 16 : length <= 1024 ? 64 : 256
  return Math.ceil(length / step) * step
}
