import type { MemberStatus, Peers } from 'embedded-zookeeper'

/** Everything below which the demo writes. */
export const WRITES = '/writes'

/** What the demo asks of a process that embeds a member. Each call crosses the fork's IPC channel as a {@link Request} and a {@link Reply}. */
export interface MemberOrders {
  /** Resolves once the member serves. */
  start(peers: Peers, id: number, dataDir: string): Promise<void>
  status(): Promise<MemberStatus>
  create(path: string, data: string): Promise<void>
  /** Whether this member's own tree holds the path, asked without a word to the others. */
  holds(path: string): Promise<boolean>
  /** Writes steadily under a name of its own, and tells of every acknowledgement. */
  beginWriting(writer: string): Promise<void>
  /** Resolves once everything that was written is acknowledged. */
  endWriting(): Promise<void>
  /** Sets 100 bytes again and again, with so many calls outstanding at every moment. */
  measure(outstanding: number, milliseconds: number): Promise<Measured>
  /** This member has seen everything that was acknowledged anywhere before. */
  sync(): Promise<void>
  /** What this member's own tree holds of {@link WRITES}. */
  dump(): Promise<readonly Written[]>
  close(): Promise<void>
}

/** One znode's data and version: what a write made, or what is there. */
export interface Written {
  readonly path: string
  readonly data: string
  readonly version: number
}

export interface Measured {
  readonly writes: number
  readonly milliseconds: number
}

export interface Request {
  readonly number: number
  readonly order: keyof MemberOrders
  readonly args: readonly unknown[]
}

export type Reply =
  | { readonly kind: 'done'; readonly number: number; readonly result: unknown }
  | { readonly kind: 'failed'; readonly number: number; readonly reason: string }

/** What a member's process tells unasked. */
export type Notice =
  | { readonly kind: 'acknowledged'; readonly writes: readonly Written[] }
  | { readonly kind: 'refused'; readonly reason: string }
