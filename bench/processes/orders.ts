/** What a process of a bench can be asked to do. Arguments and results are what JSON can carry. */
// biome-ignore lint/suspicious/noExplicitAny: the arguments of an order are its own business
export type Orders = Record<string, (...args: any[]) => Promise<unknown>>

export interface Request {
  readonly number: number
  readonly order: string
  readonly args: readonly unknown[]
}

export type Reply =
  | { readonly kind: 'done'; readonly number: number; readonly result: unknown }
  | { readonly kind: 'failed'; readonly number: number; readonly reason: string }

/** Has this process, which a bench has forked, carry out orders until the bench goes away. */
export function obey(orders: Orders): void {
  const send = (reply: Reply): void => {
    if (process.connected) process.send?.(reply)
  }
  process.on('message', ({ number, order, args }: Request) => {
    const carryOut = orders[order] ?? (() => Promise.reject(new Error(`unknown order '${order}'`)))
    carryOut(...args).then(
      result => send({ kind: 'done', number, result }),
      (error: unknown) =>
        send({ kind: 'failed', number, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    )
  })
  process.on('disconnect', () => process.exit())
  // Ctrl-C in a terminal reaches all of its processes. The bench ends this one.
  process.on('SIGINT', () => {})
}
