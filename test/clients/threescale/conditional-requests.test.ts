import t from 'tap'
import { createThreescale } from '../../../src/clients/threescale/client.js'
import {
  createConditionalRequests,
  type ResponseBasis,
} from '../../../src/clients/threescale/requests/conditional-requests.js'
import type { AccountApi, Product } from '../../../src/clients/threescale/types.js'
import { isProblem } from '../../../src/errors.js'
import type { HttpResponse } from '../../../src/infra/http/http.js'

const MINUTE = 60_000
const OLD = '2026-01-01T00:00:00Z'
const LISTS = {
  applications: '/admin/api/accounts/{id}/applications',
  keys: '/admin/api/accounts/{id}/applications/{id}/keys',
  users: '/admin/api/accounts/{id}/users',
  services: '/admin/api/services',
  plans: '/admin/api/application_plans',
}

/** A 3scale with a clock that the test controls, and the module in front of it. */
function setUp() {
  let elapsed = 1
  const requested: (string | undefined)[] = []
  const conditional = createConditionalRequests({ now: () => elapsed })
  const date = () => new Date(Date.UTC(2026, 5, 1) + elapsed).toUTCString()

  async function ask(
    pattern: string,
    answer: Partial<HttpResponse> | ((condition: string | undefined) => Promise<Partial<HttpResponse>>),
    {
      path = pattern.replaceAll('{id}', '7'),
      query = '',
      basis,
      parse,
    }: { path?: string; query?: string; basis?: ResponseBasis; parse?: (answer: HttpResponse) => unknown } = {},
  ) {
    return conditional.read({
      pattern,
      url: new URL(`https://tenant.example.com${path}.json${query}`),
      basis,
      parse,
      async send(headers) {
        requested.push(headers['if-none-match'])
        const input = typeof answer === 'function' ? await answer(headers['if-none-match']) : answer
        return { status: 200, text: '', ...input, headers: { date: date(), ...input.headers } }
      },
    })
  }
  return {
    ask,
    conditional,
    asked: () => requested.splice(0),
    later: (ms: number) => {
      elapsed += ms
    },
    now: () => Date.parse(date()),
  }
}

const list = (etag: string, text = `{"list":"${etag}","updated_at":"${OLD}"}`): Partial<HttpResponse> => ({
  status: 200,
  text,
  headers: { etag },
})
const notModified = (etag?: string): Partial<HttpResponse> => ({ status: 304, headers: etag ? { etag } : {} })

t.test('a list is requested with its ETag as received, and a 304 returns the cached answer', async (t) => {
  const { ask, asked: requested } = setUp()
  t.equal((await ask(LISTS.users, list('W/"one"'))).notModified, undefined)
  const again = await ask(LISTS.users, notModified('"one"'))
  t.match(again, { status: 200, notModified: true, text: `{"list":"W/"one"","updated_at":"${OLD}"}` })
  t.equal((await ask(LISTS.users, notModified())).notModified, true, 'a 304 without an ETag confirms the one sent')
  t.match(await ask(LISTS.users, list('"two"')), { text: /two/ })
  await ask(LISTS.users, notModified('"two"'))
  t.same(requested(), [undefined, 'W/"one"', 'W/"one"', 'W/"one"', '"two"'])
})

t.test('each account, page and format is cached as a separate list', async (t) => {
  const { ask, asked: requested } = setUp()
  await ask(LISTS.services, list('"page one"'), { query: '?page=1' })
  await ask(LISTS.services, list('"page two"'), { query: '?page=2' })
  await ask(LISTS.services, notModified('"page one"'), { query: '?page=1' })
  await ask(LISTS.users, list('"users of 8"'), { path: '/admin/api/accounts/8/users' })
  await ask(LISTS.users, list('"users of 9"'), { path: '/admin/api/accounts/9/users' })
  t.same(requested(), [undefined, undefined, '"page one"', undefined, undefined])
})

t.test('other calls are passed through unchanged', async (t) => {
  const { ask, asked: requested, conditional } = setUp()
  for (const pattern of [
    '/admin/api/accounts/{id}',
    '/admin/api/settings',
    '/admin/api/accounts/{id}/applications/{id}',
  ]) {
    await ask(pattern, list('"same"'))
    t.equal((await ask(pattern, notModified('"same"'))).status, 304)
  }
  t.same(requested().filter(Boolean), [])
  t.same(conditional.sizes(), { catalogue: 0, account: 0 })
})

t.test('errors and responses without an ETag or a date are not reused', async (t) => {
  const { ask, asked: requested } = setUp()
  for (const answer of [
    { ...list('"e"'), status: 500 },
    { ...list('"e"'), status: 404 },
    { ...list('"e"'), status: 206 },
    { status: 200, text: '{}' },
    { ...list('"e"'), headers: { etag: '"e"', date: 'soon' } },
  ]) {
    await ask(LISTS.users, answer)
    await ask(LISTS.users, { status: 503 })
    t.same(requested(), [undefined, undefined], JSON.stringify(answer))
  }
  await ask(LISTS.users, list('"good"'))
  await ask(LISTS.users, { status: 503 })
  await ask(LISTS.users, notModified('"good"'))
  t.same(requested(), [undefined, '"good"', '"good"'], 'a failure does not remove the cached answer')
  await ask(LISTS.users, { status: 404 })
  await ask(LISTS.users, list('"good"'))
  t.same(requested(), ['"good"', undefined], 'a 404 removes it')
})

t.test(
  'after a 304 to an unconditional request, or with another ETag, the request is sent again without a condition',
  async (t) => {
    const { ask, asked: requested } = setUp()
    const once = (etag?: string) => {
      let first = true
      return async () => {
        const answer = first ? notModified(etag) : list('"new"')
        first = false
        return answer
      }
    }
    t.match(await ask(LISTS.users, once()), { status: 200, text: /new/ })
    await ask(LISTS.users, list('"kept"'))
    t.match(await ask(LISTS.users, once('"another"')), { status: 200, text: /new/ })
    t.same(requested(), [undefined, undefined, undefined, '"kept"', undefined])
    t.equal((await ask(LISTS.users, notModified())).status, 304, 'a repeated 304 is returned')
  },
)

t.test("an ETag is used only if nothing changed within the last seconds, by 3scale's clock", async (t) => {
  const { ask, asked: requested, later, now } = setUp()
  const rows = (at: number) => list('"rows"', `{"users":[{"user":{"updated_at":"${new Date(at).toISOString()}"}}]}`)
  const changed = now()
  later(1000)
  await ask(LISTS.users, rows(changed))
  await ask(LISTS.users, rows(changed))
  t.same(requested(), [undefined, undefined], 'MySQL could assign the same tag to a second change')
  later(6000)
  await ask(LISTS.users, async () => {
    later(5000)
    return rows(changed + 5000)
  })
  await ask(LISTS.users, rows(changed))
  t.same(
    requested(),
    [undefined, undefined],
    'nor after a slow response, whose rows were read when the request was received',
  )
  await ask(LISTS.users, notModified('"rows"'))
  t.same(requested(), ['"rows"'])
  await ask(LISTS.users, list('"odd"', '{"users":[{"user":{"updated_at":"yesterday"}}]}'))
  await ask(LISTS.users, list('"empty"', '{"users":[]}'))
  await ask(LISTS.users, notModified('"empty"'))
  t.same(requested(), ['"rows"', undefined, '"empty"'], 'an invalid time counts as the current time')
  await ask(LISTS.keys, rows(now()))
  await ask(LISTS.keys, notModified('"rows"'))
  t.same(requested(), [undefined, '"rows"'], 'keys do not change: their ids are sufficient')
})

t.test('plans are requested conditionally only while the products are unchanged', async (t) => {
  const { ask, asked: requested, now } = setUp()
  const basis = (version: string, changedAt = 0) => ({ basis: { version, changedAt } })
  await ask(LISTS.plans, list('"plans"'))
  await ask(LISTS.plans, list('"plans"'), basis('a'))
  await ask(LISTS.plans, notModified('"plans"'), basis('a'))
  await ask(LISTS.plans, list('"plans"'), basis('b', now()))
  await ask(LISTS.plans, list('"plans"'), basis('b', now()))
  t.same(requested(), [undefined, undefined, '"plans"', undefined, undefined])
})

t.test('a list of an account counts with its bytes also where only its rows are cached', async (t) => {
  const { ask, conditional } = setUp()
  const MB = 1024 * 1024
  for (let id = 1; id <= 40; id++)
    await ask(LISTS.users, list('"big"', 'x'.repeat(MB)), { path: `/admin/api/accounts/${id}/users`, parse: () => [] })
  const { account } = conditional.sizes()
  t.ok(account > 10 * MB && account <= 12 * MB, `accounts: ${account}`)
})

t.test('the cache is limited in bytes and in time', async (t) => {
  const { ask, asked: requested, conditional, later } = setUp()
  const MB = 1024 * 1024
  const of = (id: number) => ({ path: `/admin/api/accounts/${id}/users` })
  await ask(LISTS.users, list('"huge"', 'x'.repeat(8 * MB)), of(1))
  t.same(conditional.sizes(), { catalogue: 0, account: 0 }, 'no response larger than 8 MB')
  for (let id = 1; id <= 40; id++) await ask(LISTS.users, list('"big"', 'ü'.repeat(MB / 2)), of(id))
  for (let page = 1; page <= 40; page++)
    await ask(LISTS.services, list('"big"', 'x'.repeat(MB)), { query: `?page=${page}` })
  const { catalogue, account } = conditional.sizes()
  t.ok(account > 10 * MB && account <= 12 * MB, `accounts: ${account}`)
  t.ok(catalogue > 18 * MB && catalogue <= 20 * MB, `catalogue: ${catalogue}`)
  requested()
  await ask(LISTS.users, list('"big"'), of(1))
  await ask(LISTS.users, notModified('"big"'), of(40))
  t.same(requested(), [undefined, '"big"'], 'the oldest entry was removed')

  later(9 * MINUTE)
  await ask(LISTS.users, notModified('"big"'), of(40))
  later(2 * MINUTE)
  await ask(LISTS.users, list('"big"'), of(40))
  await ask(LISTS.services, notModified('"big"'), { query: '?page=40' })
  later(50 * MINUTE)
  await ask(LISTS.services, list('"big"'), { query: '?page=40' })
  t.same(
    requested(),
    ['"big"', undefined, '"big"', undefined],
    'ten minutes for accounts, an hour for the catalogue, whether used or not',
  )
})

t.test('concurrent reads never return a response older than one already returned', async (t) => {
  const { ask } = setUp()
  const hold = () => {
    let answer: (answer: Partial<HttpResponse>) => void = () => {}
    const wait = new Promise<Partial<HttpResponse>>((resolve) => {
      answer = resolve
    })
    return { answer, wait: () => wait }
  }
  const [slow, quick] = [hold(), hold()]
  const first = ask(LISTS.keys, slow.wait)
  const second = ask(LISTS.keys, quick.wait)
  quick.answer(list('"new"'))
  t.match((await second).text, /new/)
  slow.answer(list('"old"'))
  t.match((await first).text, /new/, 'an overtaken response')
  t.match((await ask(LISTS.keys, notModified('"new"'))).text, /new/, 'does not replace the cached one')

  const [current, changed] = [hold(), hold()]
  const unchanged = ask(LISTS.keys, current.wait)
  const other = ask(LISTS.keys, changed.wait)
  changed.answer(list('"newer"'))
  await other
  current.answer(notModified('"new"'))
  t.match((await unchanged).text, /newer/, 'a 304 that was overtaken')
  t.match((await ask(LISTS.keys, notModified('"newer"'))).text, /newer/)

  const [late, deleted] = [hold(), hold()]
  const stored = ask(LISTS.keys, late.wait)
  const removed = ask(LISTS.keys, deleted.wait)
  deleted.answer({ status: 404 })
  await removed
  late.answer(notModified('"newer"'))
  t.match((await stored).text, /newer/, 'a 304 returns its response, whatever happened to the cached one')
})

t.test('the client requests lists conditionally and nothing else, with any method', async (t) => {
  const requested = new Map<string, Set<string>>()
  const unversioned = new Set<string>()
  let isVersioned = false
  const everything = {
    ...Object.fromEntries(
      `services plans proxy_configs api_docs fields_definitions authentication_providers limits pricing_rules metrics users
      service_subscriptions applications keys referrer_filters`
        .split(/\s+/)
        .map((root) => [root, []]),
    ),
    ...Object.fromEntries(
      ['account', 'user', 'application'].map((root) => [root, { id: 1, account_id: 1, state: 'approved' }]),
    ),
    applications: [{ application: { id: 1, account_id: 1 } }],
    settings: {},
    api_doc: {},
    values: [1],
    period: {},
  }
  const xml =
    '<account><id>1</id><users><user><id>1</id><username>u</username><email>e</email></user></users></account>'
  const api: AccountApi = createThreescale({
    adminUrl: 'https://tenant.example.com',
    accessToken: 'token',
    http: {
      async send({ method, url, headers = {} }) {
        const name = `${method} ${url.pathname.replace(/\/\d+/g, '/{id}')}`
        const conditions = requested.get(name) ?? new Set()
        requested.set(name, conditions.add(headers['if-none-match'] ?? 'none'))
        if (method !== 'GET' && !isVersioned) unversioned.add(name)
        isVersioned = false
        const list = url.pathname.endsWith('/accounts.xml') ? `<accounts>${xml}</accounts>` : xml
        const text = url.pathname.endsWith('.xml') ? list : JSON.stringify(everything)
        return { status: 200, headers: { etag: '"tag"', date: new Date().toUTCString() }, text }
      },
    },
    writes: {
      async aroundWrite(accountId, send) {
        isVersioned = accountId === 1
        return send()
      },
    },
  })
  const products = [{ id: 1, updatedAt: OLD }] as Product[]
  const person = { orgName: 'o', username: 'u', email: 'e', fields: {} }
  const required = { planId: 1, name: 'n', description: '', applicationId: 'i', fields: {} }
  const methods: { [Method in Exclude<keyof AccountApi, 'close'>]: () => Promise<unknown> } = {
    listProducts: () => api.listProducts(),
    listPlans: () => api.listPlans(products),
    listGatewayConfigs: () => api.listGatewayConfigs(),
    listApiDocs: () => api.listApiDocs(),
    readApiDoc: () => api.readApiDoc(1),
    listFieldDefinitions: () => api.listFieldDefinitions(),
    readSettings: () => api.readSettings(),
    readAlwaysApprove: () => api.readAlwaysApprove(),
    listLimits: () => api.listLimits(1),
    listPricingRules: () => api.listPricingRules(1),
    listMetrics: () => api.listMetrics(1),
    findByUsername: () => api.findByUsername('u'),
    findAllByUsername: () => api.findAllByUsername('u'),
    listAllUsers: async () => {
      for await (const _one of api.listAllUsers()) return
    },
    findByEmail: () => api.findByEmail('e'),
    signUp: () => api.signUp(person),
    listUsers: () => api.listUsers(1),
    createUser: () => api.createUser(1, person),
    setRole: () => api.setRole(1, 1, 'admin'),
    deleteUser: () => api.deleteUser(1, 1),
    activateUser: () => api.activateUser(1, 1),
    updateUser: () => api.updateUser(1, 1, {}),
    readAccount: () => api.readAccount(1),
    updateAccount: () => api.updateAccount(1, {}),
    approveAccount: () => api.approveAccount(1),
    deleteAccount: () => api.deleteAccount(1),
    listSubscriptions: () => api.listSubscriptions(1),
    listApplications: () => api.listApplications(1),
    hasManyApplications: async () => api.hasManyApplications(1),
    listNewestApplications: () => api.listNewestApplications(1, 25),
    readApplication: () => api.readApplication(1, 1),
    readListedApplication: () => api.readListedApplication(1, 1),
    findApplicationByAppId: () => api.findApplicationByAppId(1, 'i'),
    createApplication: () => api.createApplication(1, required),
    updateApplication: () => api.updateApplication(1, 1, {}),
    deleteApplication: () => api.deleteApplication(1, 1),
    changePlan: () => api.changePlan(1, 1, 1),
    listKeys: () => api.listKeys(1, 1),
    addKey: () => api.addKey(1, 1, 'k'),
    deleteKey: () => api.deleteKey(1, 1, 'k'),
    listReferrerFilters: () => api.listReferrerFilters(1, 1),
    addReferrerFilter: () => api.addReferrerFilter(1, 1, 'f'),
    deleteReferrerFilter: () => api.deleteReferrerFilter(1, 1, 1),
    readUsage: () => api.readUsage(1, 1, { metric: 'hits', granularity: 'eternity' }),
    readTenantZone: () => api.readTenantZone(1),
    ping: () => api.ping(),
  }
  t.same(
    Object.keys(methods).sort(),
    Object.keys(api)
      .filter((name) => name !== 'close')
      .sort(),
    'every method is called',
  )
  for (let round = 0; round < 2; round++) {
    for (const [name, call] of Object.entries(methods)) {
      const failure = await call().then(
        () => undefined,
        (error: unknown) => error,
      )
      if (failure && !isProblem(failure)) throw failure
      t.ok([...requested.keys()].length > 0, name)
    }
  }
  t.same(
    [...unversioned],
    ['POST /admin/api/signup.json'],
    'every write to an account changes its version; a sign-up creates one',
  )
  const conditional = [...requested].filter(([, conditions]) => conditions.has('"tag"')).map(([name]) => name)
  t.same(conditional.sort(), [
    'GET /admin/api/account/proxy_configs/production.json',
    'GET /admin/api/accounts/{id}/applications.json',
    'GET /admin/api/accounts/{id}/applications/{id}/keys.json',
    'GET /admin/api/accounts/{id}/users.json',
    'GET /admin/api/active_docs.json',
    'GET /admin/api/application_plans.json',
    'GET /admin/api/application_plans/{id}/limits.json',
    'GET /admin/api/application_plans/{id}/pricing_rules.json',
    'GET /admin/api/fields_definitions.json',
    'GET /admin/api/services.json',
  ])
  for (const never of [
    'GET /admin/api/accounts/{id}.json',
    'GET /admin/api/accounts/find.xml',
    'GET /admin/api/accounts/{id}/applications/{id}.json',
    'GET /admin/api/accounts/{id}/service_subscriptions.json',
    'GET /admin/api/settings.json',
  ])
    t.same([...(requested.get(never) ?? [])], ['none'], `${never} was requested, but never conditionally`)
})

t.test('after an unchanged full page, the next page is requested', async (t) => {
  let count = 500
  const pages: string[] = []
  const statuses: number[] = []
  const api = createThreescale({
    adminUrl: 'https://tenant.example.com',
    accessToken: 'token',
    onCall: (_call, outcome) => pages.push(outcome),
    http: {
      async send({ url, headers = {} }) {
        const page = Number(url.searchParams.get('page'))
        const rows = Array.from({ length: Math.max(0, Math.min(500, count - (page - 1) * 500)) }, (_, index) => ({
          service: { id: (page - 1) * 500 + index + 1, updated_at: OLD },
        }))
        // As in porta, it is computed from the rows: the number of pages is not part of it.
        const etag = `"${rows.map(({ service }) => service.id).join()}"`
        const status = headers['if-none-match'] === etag ? 304 : 200
        statuses.push(status)
        const metadata = count > 500 ? { metadata: { total_pages: Math.ceil(count / 500) } } : {}
        const text = status === 304 ? '' : JSON.stringify({ services: rows, ...metadata })
        return { status, headers: { etag, date: new Date().toUTCString() }, text }
      },
    },
  })
  t.equal((await api.listProducts()).length, 500)
  t.same(statuses.splice(0), [200], 'a fresh page states the number of pages')
  count = 501
  t.equal((await api.listProducts()).length, 501)
  t.same(statuses.splice(0), [304, 200])
  t.equal((await api.listProducts()).length, 501)
  t.same(statuses.splice(0), [304, 304])
  count = 500
  t.equal((await api.listProducts()).length, 500)
  t.same(statuses.splice(0), [304, 200])
  t.same(pages.slice(0, 3), ['ok', 'not_modified', 'ok'], 'a 304 is a separate outcome')
})

t.test('an application is read individually if the list of its account times out', async (t) => {
  const requested: string[] = []
  const api = createThreescale({
    adminUrl: 'https://tenant.example.com',
    accessToken: 'token',
    http: {
      async send({ url }) {
        requested.push(url.pathname.replace('/admin/api/accounts/5', ''))
        if (url.pathname.endsWith('/applications.json')) {
          const { HttpError } = await import('../../../src/infra/http/http-error.js')
          throw new HttpError('timeout', url.host)
        }
        return { status: 200, headers: {}, text: JSON.stringify({ application: { id: 7, account_id: 5 } }) }
      },
    },
  })
  const failure = await api.readListedApplication(5, 7).catch((error: unknown) => error)
  t.ok(isProblem(failure, 'threescale_unavailable'))
  t.equal((await api.readListedApplication(5, 7)).id, 7)
  t.same(requested, ['/applications.json', '/applications/7.json'])
})
