import t from 'tap'
import { Queue, randomInt, seededRandom } from '../../lib/base/index.js'

t.test('a queue gives what was put in, in order, whatever else is done in between', async t => {
  const random = seededRandom(1)
  const queue = new Queue<number>()
  let model: number[] = []
  for (let step = 0, next = 0; step < 20_000; step++) {
    const action = randomInt(random, 1_000)
    // By turns it grows and shrinks, so that all of its room is used again.
    if (action < (step % 2_000 < 1_000 ? 600 : 400)) {
      queue.push(next)
      model.push(next++)
    } else if (action < 998) {
      if (queue.shift() !== model.shift()) throw new Error(`step ${step}`)
    } else {
      t.strictSame(queue.drain(), model)
      model = []
    }
    const same = queue.length === model.length && queue.first === model[0] && queue.last === model.at(-1)
    if (!same) throw new Error(`step ${step}: ${queue.toArray().join()} is not ${model.join()}`)
  }
  t.strictSame(queue.toArray(), model)
})
