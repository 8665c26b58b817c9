import { join } from 'node:path'
import cookie from '@fastify/cookie'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import type { ThreescaleApplication, UsageValues } from '../../../src/clients/threescale/types.js'
import { usagePages } from '../../../src/features/usage/pages/routes.js'
import { createReportMemory, type ReportOrigin } from '../../../src/features/usage/reports/report-memory.js'
import type { StatisticsResult } from '../../../src/features/usage/statistics/counters.js'
import { resolveRange } from '../../../src/features/usage/time-range/range.js'
import { createUsage, type UsageDeps } from '../../../src/features/usage/usage.js'
import { createCache } from '../../../src/infra/cache.js'
import { projectRoot } from '../../../src/project-root.js'
import type { Caller } from '../../../src/web/auth/caller.js'
import { registerPages } from '../../../src/web/pages/render.js'
import { registerResponseCache } from '../../../src/web/pages/response-cache.js'
import { member } from '../../web/pages/callers.js'

const noon = Date.parse('2026-11-25T12:00:30Z')
const MINUTE = 60_000

t.test('a report is used again until anything that it depends on changes', async (t) => {
  const range = resolveRange({ range: '30d' }, noon)
  const application = { id: 1 } as ReportOrigin['applications'][number]
  const origin: ReportOrigin = { accountId: 1, applications: [application], range, selection: { page: 1 } }
  const complete = { failed: [], ageSeconds: 0 } as unknown as StatisticsResult
  const failed = { ...complete, failed: [{}] } as unknown as StatisticsResult
  const builds = async (second: ReportOrigin, { now = noon, statistics = complete } = {}) => {
    const reports = createReportMemory<object>()
    const build = async () => ({ report: {}, statistics })
    const first = await reports.get(origin, noon, build)
    return (await reports.get(second, now, build)) === first ? 1 : 2
  }
  t.equal(await builds({ ...origin, applications: [application], selection: { page: 1 } }), 1)
  t.equal(await builds(origin, { now: noon + 20_000 }), 1)
  t.equal(await builds(origin, { now: noon + MINUTE / 2 }), 2, 'another minute')
  t.equal(await builds({ ...origin, accountId: 2 }), 2, 'another account')
  t.equal(await builds({ ...origin, applications: [{ ...application }] }), 2, 'new details')
  t.equal(await builds({ ...origin, applications: [application, application] }), 2, 'one more application')
  t.equal(await builds({ ...origin, range: { ...range } }), 2, 'a new range')
  t.equal(await builds({ ...origin, range: resolveRange({ range: '7d' }, noon) }), 2, 'another range')
  t.equal(await builds({ ...origin, selection: { page: 2 } }), 2, 'another selection')
  t.equal(await builds(origin, { statistics: { ...complete, ageSeconds: 15 } }), 2, 'counters that are not cached')
  t.equal(await builds(origin, { statistics: failed }), 2, 'missing counters')
})

t.test('a usage page is rendered again when the application, its plan or the form changes', async (t) => {
  const { get, state, calls } = await portal(t)
  const path = '/applications/1/usage'
  const first = await get(path)
  t.match(first, /Usage of Chat/)
  const { count } = calls
  t.equal(await get(path), first)
  state.record = { ...state.record, name: 'Renamed' }
  t.match(await get(path), /Usage of Renamed/)
  t.match(await get('/usage'), /Renamed/)
  state.plan = { ...state.plan, limits: [{ metricId: 1, period: 'day', value: 77 }] }
  t.match(await get(path), /77 calls a day/)
  t.match(await get(path), /data-zone-guessed/)
  t.notMatch(await get(path, { cookie: 'maas_tz=UTC' }), /data-zone-guessed/)
  t.match(await get(path, { cookie: 'maas_tz=Europe/Madrid' }), /Times are in Europe\/Madrid/)
  t.match(await get(path), /Times are in UTC/)
  t.match(await get('/usage', { organization: 'First' }), /First/)
  t.match(await get('/usage', { organization: 'Second' }), /Second/)
  t.match(await get(`${path}?metric=hits`), /name="metric" value="hits"/)
  t.ok(calls.count > count, 'a limit per day is counted from the start of the day')
  const before = calls.count
  await get(path)
  t.equal(calls.count, before)
})

t.test('a limit that resets is reported for its new period', async (t) => {
  const { get, state } = await portal(t)
  state.plan = { ...state.plan, limits: [{ metricId: 1, period: 'hour', value: 100 }] }
  state.now = Date.parse('2026-11-25T12:59:59.900Z')
  t.match(await get('/applications/1/usage'), /Resets: 13:00/)
  state.now = Date.parse('2026-11-25T13:00:00.000Z')
  t.match(await get('/applications/1/usage'), /Resets: 14:00/)
})

async function portal(t: Test) {
  const calls = { count: 0 }
  const record = { id: 1, accountId: 1, productId: 1, planId: 1, planName: 'Basic', name: 'Chat', state: 'live' }
  const hits = { id: 1, systemName: 'hits', name: 'Hits', unit: 'hit', parentId: undefined, createdAt: '' }
  const state = {
    now: noon,
    record: { ...record, createdAt: '2020-01-01T00:00:00Z', lastTrafficAt: '' } as ThreescaleApplication,
    plan: { metrics: [hits], limits: [], prices: [] } as Awaited<ReturnType<UsageDeps['readPlan']>>,
  }
  const product = { model: { system_name: 'chat', name: 'Chat model', type: 'chat' }, plans: [] }
  const usage = createUsage({
    threescale: {
      listApplications: async () => [state.record],
      readListedApplication: async () => state.record,
      readTenantZone: async () => '',
      async readUsage(_account, _id, { since = '' }): Promise<UsageValues> {
        calls.count++
        return { since, values: [5] }
      },
    },
    cache: createCache({ redis: undefined, prefix: 'test', log: { warn() {} } as never }),
    findProduct: async () => product as never,
    readPlan: async () => state.plan,
    callsForPlan: () => 0,
    overrides: {},
    currency: 'EUR',
    now: () => new Date(state.now),
  })
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(cookie)
  app.decorate('asset', (path: string) => `/static/${path}`)
  app.decorateRequest('caller', undefined)
  registerResponseCache(app)
  app.addHook('onRequest', async (request) => {
    const orgName = String(request.headers['x-organization'] ?? 'Acme')
    request.caller = { ...member, accountId: 1, orgName } as Caller
  })
  const root = join(projectRoot, 'views')
  await registerPages(app, {
    root,
    secure: false,
    brand: 'Models',
    links: [],
    contact: undefined,
    operators: [],
    footer: '',
    brandFiles: {},
    announcement: () => undefined,
  })
  await app.register(usagePages, { usage, modelIdLookups: { timeOf: async () => null }, secure: false })
  const get = async (url: string, { cookie = '', organization = 'Acme' } = {}) => {
    const { payload, statusCode } = await app.inject({ url, headers: { cookie, 'x-organization': organization } })
    t.equal(statusCode, 200, url)
    return payload
  }
  return { get, state, calls }
}
