import t from 'tap'
import { casesOf, visitOf, withCompression } from './cases.js'
import type { Person } from './population.js'
import { evenShares } from './shares.js'
import { lanesOf, lengthOf, visitOrder } from './visit-order.js'

const callers = Array.from({ length: 25 }, (_, index) => `person ${index}`)
const addresses = Array.from({ length: 40 }, (_, index) => `/models/${index}`)

t.test('no caller is next to itself, and each returns to an address only after all others', async (t) => {
  const length = lengthOf(callers, () => addresses, 10_000)
  t.equal(length, 1000)
  const order = visitOrder(callers, () => addresses, length)
  t.equal(order.length, length)
  t.ok(order.every(({ caller }, index) => caller !== order[index + 1]?.caller))
  t.equal(new Set(order.map(({ caller, address }) => `${caller} ${address}`)).size, length)
  // From one visit to the next the address changes too.
  t.ok(order.every(({ address }, index) => address !== order[index + 1]?.address))
})

t.test('callers without an address are omitted', async (t) => {
  const order = visitOrder(callers, (caller) => (caller === 'person 3' ? ['/a'] : []), 5)
  t.same(new Set(order.map(({ caller }) => caller)), new Set(['person 3']))
  t.same(
    visitOrder(callers, () => [], 5),
    [],
  )
})

t.test('connections share no caller', async (t) => {
  const lanes = lanesOf(callers, 4)
  t.same(
    lanes.map((lane) => lane.length),
    [7, 6, 6, 6],
  )
  t.equal(new Set(lanes.flat()).size, callers.length)
  t.equal(lanesOf(callers.slice(0, 2), 20).length, 2)
})

t.test('a mix has each case as often as its share, evenly distributed', async (t) => {
  const [frequent, medium, rare] = [{ share: 6 }, { share: 3 }, { share: 1 }]
  const mix = evenShares([frequent, medium, rare])
  t.equal(mix.length, 10)
  t.equal(mix.filter((each) => each === frequent).length, 6)
  t.equal(mix.filter((each) => each === rare).length, 1)
  t.notOk(mix.some((each, index) => [each, mix[index + 1], mix[index + 2]].every((next) => next === frequent)))
})

const person: Person = {
  username: 'mary',
  accountId: 7,
  applications: [3001, 3002],
  cookie: () => 'session=sealed',
  bearer: 'Bearer token',
}

t.test('pages are requested with a session and lists with an access token', async (t) => {
  const cases = casesOf(['granite-chat', 'llama-chat'])
  const [page] = cases.filter(({ what }) => what === 'one application')
  const [list] = cases.filter(({ what }) => what === 'GET /applications/{id}/keys')
  if (!page || !list) return t.fail('a case is missing')
  t.same(page.paths(person), ['/applications/3001', '/applications/3002'])
  t.match(visitOf(person, page, '/applications/3001').headers, { cookie: 'session=sealed', authorization: undefined })
  t.match(visitOf(person, list, '/a', '"tag"').headers, {
    authorization: 'Bearer token',
    cookie: undefined,
    'if-none-match': '"tag"',
  })
})

t.test('a hundred different queries are searched', async (t) => {
  const search = casesOf([]).find(({ what }) => what === 'search')
  t.ok(new Set(search?.paths(person)).size > 80)
})

t.test('a case with a goal is measured without compression, and again with it', async (t) => {
  const names = (both: boolean) => withCompression(casesOf([]), both).map(({ what }) => what)
  t.ok(names(true).includes('catalogue, compressed'))
  t.notOk(names(false).includes('catalogue, compressed'))
  t.notOk(names(true).includes('GET /models, 304, compressed'))
})
