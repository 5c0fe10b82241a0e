import t from 'tap'
import { torture } from './torture-run.js'

// One minute of the wall's time. The plan is the same every time, so that every kind of fault is in it; when it strikes is not.
const MINUTES = 1
const SEED = 25

t.setTimeout(290_000)

t.test('what the clients of a tortured ensemble saw is true, and nothing of it is lost', async t => {
  const aborted = new AbortController()
  t.teardown(() => aborted.abort())
  const { violations, evidence, torments, network, processes, elections, operations, txns, searched } = await torture({
    minutes: MINUTES,
    seed: SEED,
    members: 5,
    print: line => t.comment(line),
    signal: aborted.signal
  })
  t.strictSame(violations, [], `nothing is wrong (${evidence ?? 'all is well'})`)
  t.comment(
    `${operations.total} operations, ${txns} txns, ${operations.events} watch events, ${processes} processes, ${elections} elections`
  )

  // That it was no walk in the park, on however slow a machine.
  t.ok(torments.kills >= 8, `${torments.kills} processes were killed`)
  t.ok(torments.stops >= 1, `${torments.stops} were stopped for a while`)
  t.ok(processes >= 5 + torments.kills, `${processes} were started`)
  t.ok(elections >= 3, `${elections} epochs had a leader`)
  t.ok(network.resets >= 1 && network.bytes > 100_000, 'all that members said to each other went through the proxies')
  t.ok(operations.total >= 1_000, `${operations.total} operations`)
  t.ok(operations.events >= 100, `${operations.events} watch events`)
  t.ok(txns >= 500, `${txns} txns`)
  t.ok((searched?.operations ?? 0) >= 100, `an order was searched for ${searched?.operations} operations`)
})
