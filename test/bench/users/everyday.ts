import { createLoad } from '../processes/load.js'
import { startBareServer } from '../processes/measured-process.js'
import { timeShares } from '../processes/time-shares.js'
import type { Row, Section } from '../table.js'
import { type Case, casesOf, withCompression } from './cases.js'
import { compare, type Effort, visitsOf } from './comparison.js'
import type { Population } from './population.js'

interface Choice extends Effort {
  /** Only cases whose name contains it. */
  match: string
  /** Cases with a goal also with compression. */
  compressed: boolean
  /** Also which part of the program takes the time of each case. */
  profile: boolean
}

/** Pages and lists that are requested daily, each by all users, against the bare server. */
export async function* everyday(
  population: Population,
  { match, compressed, profile, ...effort }: Choice,
): AsyncIterable<Section> {
  const cases = withCompression(casesOf(population.models), compressed).filter(({ what }) => what.includes(match))
  const { people } = population
  const bare = await startBareServer()
  try {
    const title = (what: string) => `${what}, ${people.length} users, portal against bare server; median (least-most)`
    const shared = cases.filter(({ own }) => !own)
    yield { title: title('Pages'), rows: await rowsOf(shared.filter(({ by }) => by === 'session')) }
    yield { title: title('Lists of the API'), rows: await rowsOf(shared.filter(({ by }) => by === 'token')) }
    for (const each of profile ? shared.filter(({ notModified }) => !notModified) : [])
      yield { title: `${each.what}: where the time goes`, rows: await sharesOf(each) }
    const own = cases.filter((each) => each.own)
    yield {
      title: title("The caller's own data, portal with Redis"),
      rows: await rowsOf(own.map(({ goal: _goal, ...each }) => each)),
    }
    const portal = await population.startPortal({ CATALOG_TTL: '3600', CATALOG_DETAIL_TTL: '3600' })
    await fetch(`${portal.url}/models`)
    const rows: Row[] = []
    for (const each of own) rows.push(await compare(population, { portal, bare }, each, effort))
    await portal.stop()
    yield { title: title("The caller's own data, portal without Redis, the bare server sends the same calls"), rows }
  } finally {
    await bare.stop()
  }

  async function sharesOf(requested: Case): Promise<Row[]> {
    const { portal } = population
    await population.refreshSessions()
    const load = createLoad(visitsOf(people, requested))
    await load.run(portal.origin, effort.warmUpSeconds)
    const profile = await portal.probe.profile(() => load.run(portal.origin, effort.warmUpSeconds))
    return timeShares(profile).map(({ part, share }) => ({ what: part, value: `${(share * 100).toFixed(1)} %` }))
  }

  async function rowsOf(list: Case[]): Promise<Row[]> {
    const rows: Row[] = []
    for (const each of list) rows.push(await compare(population, { portal: population.portal, bare }, each, effort))
    return rows
  }
}
