import { createLoad, type Visit } from '../processes/load.js'
import { type BareAnswer, startBareServer } from '../processes/measured-process.js'
import { median, spread, sum } from '../statistics.js'
import type { Row, Section } from '../table.js'
import { encodingsOf, visitOf } from './cases.js'
import { failureNote, fetchOnce } from './comparison.js'
import type { MeasuredPortal, Population } from './population.js'
import { lanesOf } from './visit-order.js'

const MOST_MS = 2
const CONNECTIONS = 4
const DAY_MS = 86_400_000
const SPAN_DAYS = 90
/** V8 compiles what runs often. */
const WARM_UP_ROUNDS = 4

/**
 * Usage pages of accounts with 20 applications over 90 days, whose counters the portal does not have: each round requests ranges
 * that end a day earlier. The bare server sends the same calls to 3scale.
 */
export async function* coldUsage(population: Population, { rounds }: { rounds: number }): AsyncIterable<Section> {
  const { large, stack } = population
  const bare = await startBareServer()
  const portal = await population.startPortal({ CATALOG_TTL: '3600', CATALOG_DETAIL_TTL: '3600' })
  try {
    await fetch(`${portal.url}/models`)
    await population.refreshSessions()
    const answers: Record<string, BareAnswer> = {}
    const prepared = visits(0).map((visit, index) => ({ ...visit, path: `/account/${index}` }))
    for (const [index, visit] of visits(0).entries()) {
      const [answer, calls] = await portal.probe.calls(stack.threescale, () => fetchOnce(portal, visit))
      answers[`/account/${index}`] = { ...answer, calls }
    }
    await bare.answer(answers)
    const spent = { portal: [] as number[], bare: [] as number[], above: [] as number[] }
    const failures: string[] = []
    let calls = 0
    for (let round = 1; round <= WARM_UP_ROUNDS + rounds; round++) {
      await population.refreshSessions()
      await stack.resetCalls()
      const onPortal = await spend(portal, portal.origin, visits(round))
      calls = sum(Object.values(await stack.calls())) / large.length
      await bare.callEachRequest(calls)
      const onBare = await spend(bare, bare.url, prepared)
      if (round <= WARM_UP_ROUNDS) continue
      spent.portal.push(onPortal.milliseconds)
      spent.bare.push(onBare.milliseconds)
      spent.above.push(onPortal.milliseconds - onBare.milliseconds)
      failures.push(...onPortal.failures)
    }
    const above = median(spent.above)
    const note = [
      `${median(spent.portal).toFixed(2)} and ${median(spent.bare).toFixed(2)} ms`,
      `${calls.toFixed(1)} calls`,
      ...failureNote(failures),
    ]
    const row: Row = {
      what: `usage of ${SPAN_DAYS} days`,
      value: `${spread(spent.above, 2)} ms of processor time above its calls to 3scale`,
      note: note.join(', '),
      goal: `at most ${MOST_MS} ms`,
      met: above <= MOST_MS && failures.length === 0,
      number: above,
    }
    yield { title: `Usage whose counters are not cached, ${large.length} accounts of 20 applications`, rows: [row] }
  } finally {
    await bare.stop()
    await portal.stop()
  }

  function visits(daysAgo: number): Visit[] {
    const day = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10)
    const path = `/usage?since=${day(daysAgo + SPAN_DAYS - 1)}&until=${day(daysAgo)}`
    return large.map((person) => visitOf(person, { by: 'session', encodings: encodingsOf({ by: 'session' }) }, path))
  }
}

/** Processor milliseconds of one visit, on average. */
async function spend({ probe }: Pick<MeasuredPortal, 'probe'>, origin: string, visits: Visit[]) {
  const before = await probe.reading()
  const { failures } = await createLoad(lanesOf(visits, CONNECTIONS)).once(origin)
  const { processorUs } = await probe.reading()
  return { milliseconds: (processorUs - before.processorUs) / 1000 / visits.length, failures }
}
