import t from 'tap'
import { RecentMap, randomInt, seededRandom } from '../../lib/base/index.js'

t.test('it is a Map, whatever it was asked for last', async t => {
  const random = seededRandom(1)
  const map = new RecentMap<number, number>()
  const model = new Map<number, number>()
  for (let step = 0; step < 20_000; step++) {
    const key = 2 ** 40 + randomInt(random, 5)
    const action = randomInt(random, 10)
    if (action < 2) {
      map.set(key, step)
      model.set(key, step)
    } else if (action < 4) {
      map.delete(key)
      model.delete(key)
    }
    if (map.get(key) !== model.get(key) || map.has(key) !== model.has(key) || map.size !== model.size)
      throw new Error(`step ${step}`)
  }
  t.strictSame([...map.keys()], [...model.keys()])
  t.strictSame([...map.values()], [...model.values()])
})
