import { createLoad } from '../processes/load.js'
import { sum } from '../statistics.js'
import { type Row, type Section, within } from '../table.js'
import { type Case, casesOf, encodingsOf, visitOf } from './cases.js'
import { CONNECTIONS, failureNote } from './comparison.js'
import type { Person, Population } from './population.js'
import { evenShares } from './shares.js'
import { lanesOf, visitOrder } from './visit-order.js'

const VISITS_OF_A_LANE = 4000

/** Pages and lists mixed as people and programs use them, with the defaults of all settings. */
export async function* mixed(population: Population, { seconds }: { seconds: number }): AsyncIterable<Section> {
  const portal = await population.startPortal({ REDIS_URL: population.redis.url })
  const { people, stack } = population
  const cases = evenShares(casesOf(population.models).map((each) => ({ ...each, encodings: encodingsOf(each) })))
  const visitsOf = (person: Person, index: number) => {
    const seen = new Map<Case, number>()
    return cases.map((_, turn) => {
      // Each person is in another part of the mix.
      const each = cases[(turn + 7 * index) % cases.length] as Case
      const count = seen.get(each) ?? index
      seen.set(each, count + 1)
      const paths = each.paths(person)
      return { each, path: paths[count % paths.length] ?? '/' }
    })
  }
  try {
    await fetch(`${portal.url}/models`)
    const start = await portal.probe.reading()
    await population.refreshSessions()
    const load = createLoad(
      lanesOf(people, CONNECTIONS).map((lane) =>
        visitOrder(lane, visitsOf, VISITS_OF_A_LANE).map(({ caller, address }) =>
          visitOf(caller, address.each, address.path),
        ),
      ),
    )
    // V8 compiles what runs often, and counters are read once in 15 s.
    await load.run(portal.origin, Math.min(10, seconds))
    await stack.resetCalls()
    const before = await portal.probe.reading()
    const result = await load.run(portal.origin, seconds)
    const after = await portal.probe.reading()
    const calls = sum(Object.values(await stack.calls())) / result.requests
    const processorUs = (after.processorUs - before.processorUs) / result.requests
    const rows: Row[] = [
      {
        what: 'a request of the mix',
        value: `${processorUs.toFixed(0)} µs of processor time, ${result.requestsPerSecond.toFixed(0)} requests/s on one core`,
        note: [
          `p50 ${result.p50.toFixed(1)} and p99 ${result.p99.toFixed(1)} ms, ${calls.toFixed(2)} calls to 3scale`,
          ...failureNote(result.failures),
        ].join(', '),
        number: processorUs,
      },
      within('event-loop delay p99', Math.round(after.delayP99Ms * 10) / 10, 20, 'ms'),
      { what: 'longest event-loop delay', value: `${after.delayMaxMs.toFixed(0)} ms` },
      { ...within('resident memory after load', after.residentMb, 150, 'MB'), note: `${start.residentMb} MB at start` },
    ]
    yield { title: `Mixed load, ${people.length} sessions and access tokens, default settings`, rows }
  } finally {
    await portal.stop()
  }
}
