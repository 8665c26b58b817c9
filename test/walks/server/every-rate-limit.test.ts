import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { buildPortal } from '../../../src/app.js'
import { demoEnvironment } from '../../../src/cli/demo-settings.js'
import { loadConfig } from '../../../src/config/environment.js'
import { projectRoot } from '../../../src/project-root.js'
import { createApi } from '../../helper/api.js'
import { LONGEST_BLOCK_MS, strainOf } from '../../helper/event-loop.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/** Every route has a limit, expensive ones a lower one, and regular use of the portal stays below all of them. */
const stack = await startStack()
const ordinary = await stack.portal()
const folder = t.testdir({})
const demo = readFileSync(join(projectRoot, 'deploy/demo-portal.yaml'), 'utf8')
t.teardown(() => stack.close())
let started = 0
async function limited(limits: string) {
  const file = join(folder, `${++started}.yaml`)
  writeFileSync(file, `${demo}\nrate_limits: ${limits}\n`)
  return stack.portal({ PORT: String(stack.port + 49 + started), PORTAL_CONFIG: file })
}

const mary = createVisitor(stack)
await mary.signIn('mary')
const ada = createVisitor(stack)
await ada.signIn('ada')
const api = createApi(stack)
const token = await api.token({ username: 'mary' })
const created = await api.post<{ id: number }>('/applications', token, {
  model: 'granite-chat',
  plan: 'basic',
  name: 'dear',
  fields: { purpose: 'Experiment' },
})
const { id } = created.body

const built = await buildPortal(loadConfig({ ...demoEnvironment(stack.port, {}), LOG_LEVEL: 'silent' }))
await built.app.ready()
const routes = built.routes.map(({ method, url, config }) => ({ method, url, limit: config.limit }))
await built.stop()

/** A limit is used up when a request is refused. A new minute can begin in between, so this runs again before each route. */
const isFull = ({ status }: { status: number }) => status === 429

t.test('each route names its limit', async (t) => {
  t.ok(routes.length > 120, `${routes.length} routes`)
  for (const { method, url, limit } of routes) t.ok(limit, `${method} ${url}: ${limit}`)
  const free = routes.filter(({ limit }) => limit === 'free').map(({ url }) => url.replace(/^\/static\/\w+/, '/static'))
  t.same([...new Set(free)].sort(), ['/.well-known/oauth-protected-resource', '/static/*'])
})

t.test('each route refuses requests when its limit is used up', async (t) => {
  const portal = await limited(
    '{ api: 2, sign_in: 2, calls: 2, reveals: 2, writes: 2, pages: 2, reports: 2, visits: 2 }',
  )
  t.teardown(() => portal.stop())
  const here = createApi(stack, portal.url)
  const visitor = createVisitor(stack)
  const path = (url: string) =>
    url
      .replace('*', 'x')
      .replace(':system_name', 'granite-chat')
      .replace(/:(id|key_id|attempt)/g, '1')
  const send = (who: typeof mary, method: string, url: string) =>
    who.at(portal.url)(path(url), {
      method,
      redirect: 'manual',
      headers: { accept: 'text/html' },
      ...(method === 'GET' || method === 'HEAD' ? {} : { body: new URLSearchParams({ application: '1' }) }),
    })
  // As often as a new minute can begin, plus one.
  const refused = async (ask: () => Promise<{ status: number }>) => {
    for (let count = 0; count < 12; count++) if (isFull(await ask())) return true
    return false
  }
  for (const { method, url, limit } of routes) {
    if (limit === 'free') continue
    const name = `${method} ${url}`
    if (url.startsWith('/api/')) {
      const ask = (bearer?: string) => here.call(method, path(url).replace('/api/v1', ''), { token: bearer })
      t.ok(await refused(() => ask(token)), `${name} with a token`)
      t.ok(await refused(() => ask()), `${name} without a token`)
    } else {
      t.ok(await refused(() => send(mary, method, url)), `${name} by a signed-in user`)
      t.ok(await refused(() => send(visitor, method, url)), `${name} by a visitor`)
    }
  }
  const unusual: [name: string, type: string, body: string][] = [
    ['a body that is too large', 'application/x-www-form-urlencoded', 'a'.repeat(300_000)],
    ['a body that no form sends', 'text/xml', '<a/>'],
    ['JSON that ends early', 'application/json', '{'],
  ]
  for (const [name, type, body] of unusual)
    for (const who of [mary, visitor]) {
      const send = () => who.at(portal.url)('/playground', { method: 'POST', headers: { 'content-type': type }, body })
      t.ok(await refused(send), `${name}, ${who === mary ? 'by a signed-in user' : 'by a visitor'}`)
    }
  t.ok(await refused(() => send(mary, 'GET', '/nowhere')), 'a page that does not exist')
  t.ok(await refused(() => here.get('/nowhere', token)), 'an API path that does not exist')
})

t.test('a refused page states when to try again, and is short for clients that continue', async (t) => {
  const portal = await limited('{ pages: 5 }')
  t.teardown(() => portal.stop())
  const ask = (who = mary) => who.at(portal.url)('/models')
  let page = await ask()
  while (!isFull(page)) page = await ask()
  t.match(page.text, /<nav[\s\S]*Applications/)
  t.match(page.text, /Mary Shelley/)
  t.match(page.text, /Too many requests in the last minute/)
  t.match(page.text, 'href="/models">Try again')
  t.ok(Number(page.headers.get('retry-after')) > 0)
  t.equal(page.headers.get('cache-control'), 'no-store')
  t.match(page.headers.get('ratelimit-policy'), '"pages";q=5;w=60')
  let short = page
  for (let count = 0; count < 30 && !short.headers.get('content-type')?.startsWith('text/plain'); count++)
    short = await ask()
  t.equal(short.status, 429)
  t.match(short.text, /^Too many requests in the last minute\. Try again in/)
  t.ok(Number(short.headers.get('retry-after')) > 0)
  t.equal((await ask(ada)).status, 200, 'another user is counted separately')
  t.equal((await createVisitor(stack).at(portal.url)('/models')).status, 200, 'visitors are counted separately')
  const good = await ask(ada)
  t.notOk(good.headers.has('ratelimit'), 'pages do not report the remaining requests')
})

t.test(
  'M5: the most expensive page, requested six at a time by one user, is refused and does not block other users',
  async (t) => {
    const hours = Array.from({ length: 90 * 24 }, (_, hour) => ({
      application: id,
      metric: 'hits',
      at: new Date(Date.now() - hour * 3_600_000).toISOString(),
      amount: 1000 + hour,
    }))
    const planted = await fetch(`${stack.threescale}/_demo/usage`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(hours),
    })
    t.ok(planted.ok, 'the demo accepted past usage')
    const path = `/applications/${id}/usage?range=90d&granularity=hour&tz=Pacific/Chatham`
    const first = await mary.raw(path)
    t.equal(first.status, 200)
    t.ok(first.text.length > 200_000, `${first.text.length} bytes`)
    for (const ask of [() => mary.raw(path), () => api.get(path, token, { accept: 'text/csv' })]) {
      const { value, blockedMs } = await strainOf(ordinary, async () => {
        const statuses: number[] = []
        const one = async () => {
          for (let count = 0; count < 10; count++) statuses.push((await ask()).status)
        }
        await Promise.all(Array.from({ length: 6 }, one))
        return statuses
      })
      t.ok(blockedMs < LONGEST_BLOCK_MS, `${blockedMs} ms`)
      const shown = value.filter((status) => status === 200).length
      t.ok(shown <= 2 * Math.floor(600 / 37) && value.includes(429), `${shown} of ${value.length} were computed`)
    }
    t.equal((await mary.raw('/models')).status, 200, 'other pages are served')
    t.equal((await ada.raw('/usage')).status, 200, 'other users are served')
  },
)

t.test('at most two reports of one user are computed concurrently', async (t) => {
  const portal = await limited('{ reports: 10000 }')
  t.teardown(() => portal.stop())
  await stack.faults([{ match: 'GET /stats/*', latency_ms: 300 }])
  const ask = (who: typeof mary) => who.at(portal.url)('/usage?range=7d')
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(mary)))
  const refused = answers.filter(isFull)
  t.ok(refused.length >= 5, `${refused.length} of 20 were refused`)
  t.match(refused[0]?.text, /Too many of your usage reports are being computed/)
  t.equal((await ask(ada)).status, 200)
  await stack.faults([])
  t.equal((await ask(mary)).status, 200)
})

t.test('regular use of the portal reaches no limit', async (t) => {
  const office = createVisitor(stack)
  const typed = 'instruct chat model'
  for (let end = 1; end <= typed.length; end++) await mary.raw(`/models?q=${encodeURIComponent(typed.slice(0, end))}`)
  const pages = [
    '/',
    '/models',
    '/models/granite-chat',
    '/applications',
    `/applications/${id}`,
    '/playground',
    '/account',
  ]
  const statuses: number[] = []
  for (let round = 0; round < 8; round++)
    for (const page of pages) statuses.push((await ada.raw(page.replace(String(id), '1'))).status)
  for (let visit = 0; visit < 400; visit++) statuses.push((await office.raw('/models')).status)
  t.notOk(statuses.includes(429))
  for (const range of ['24h', '7d', '30d', '90d', '12m'])
    for (const form of ['', '.csv', '.json'])
      t.equal((await ada.raw(`/usage${form}?range=${range}`)).status, 200, range)
})
