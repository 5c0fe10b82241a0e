import { createServer } from 'node:net'

/** Below the ports that operating systems give to outgoing connections, one of which could otherwise take a port before its owner listens. */
const FIRST = 12_000
const COUNT = 20_000

/** TCP ports of the loopback interface on which nobody listens. */
export async function freeLoopbackPorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = FIRST + Math.floor(Math.random() * COUNT)
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)))
  })
}
