import { createServer } from 'node:net'

/**
 * Where to look: below the ports that operating systems give to outgoing connections. A member that dials a port on which nobody listens at the
 * moment could otherwise be given that very port for its own end, and keep its owner from listening on it again.
 */
const FIRST = 12_000
const COUNT = 20_000

/** TCP addresses of the loopback interface on which nobody listens. */
export async function freeLoopbackAddresses(count: number): Promise<readonly string[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = FIRST + Math.floor(Math.random() * COUNT)
    if (await isFree(port)) ports.add(port)
  }
  return [...ports].map(port => `tcp://127.0.0.1:${port}`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)))
  })
}
