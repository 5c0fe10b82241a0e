import { connect } from 'node:net'

const MILLISECONDS_MAX = 2_000

/** What a ZooKeeper answers to one of its administrator's commands. Nothing, if nobody is there or the answer stays away. */
export function fourLetterWord(host: string, port: number, word: string): Promise<string> {
  return new Promise(resolve => {
    let answer = ''
    const socket = connect(port, host)
    socket.setEncoding('utf8').setTimeout(MILLISECONDS_MAX)
    socket.once('connect', () => socket.write(word))
    socket.on('data', text => {
      answer += text
    })
    // Every error is followed by 'close', and says no more than that the server cannot answer now.
    socket.on('error', () => {})
    socket.on('timeout', () => socket.destroy())
    socket.once('close', () => resolve(answer))
  })
}
