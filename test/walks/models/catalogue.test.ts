import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { portBeside, type RunningPortal, type Stack, startRedis, startStack } from '../../helper/stack.js'
import { codeOf, createVisitor } from '../../helper/visitor.js'

/** Starts 3scale only: 1,000 products would require 1,000 gateway ports. */
const bare = await startStack(['threescale'])
t.teardown(() => bare.close())

const settings = { OIDC_ISSUER: 'http://localhost:9', LOG_LEVEL: 'silent' }

t.test('a cold catalogue of 1,000 products takes few bulk calls, then details four at a time', async (t) => {
  for (let step = 0; step < 4; step++) {
    t.equal((await fetch(`${bare.threescale}/_demo/products?count=250`, { method: 'POST' })).status, 201)
  }
  // Limits are slow, so that concurrent calls are visible.
  await bare.faults([{ match: 'GET /admin/api/application_plans/*/limits.json', latency_ms: 5 }])
  await bare.resetCalls()
  const portal = await bare.portal({ ...settings, CATALOG_TTL: '3600' })
  // On a slow machine the first page is an error before the catalogue is read. Reading continues meanwhile.
  const areListed = async () => /1,01\d models/.test(await (await fetch(`${portal.url}/models`)).text())
  await until(areListed)
  const bulk = Object.entries(await bare.calls()).filter(([call]) => !/\{id\}/.test(call))
  const sum = bulk.reduce((all, [, count]) => all + count, 0)
  t.ok(sum >= 6 && sum <= 12, `${sum} bulk calls before the first page: ${JSON.stringify(bulk)}`)
  await fetch(`${bare.threescale}/_demo/calls`, { method: 'DELETE' })

  await settled(bare)
  const { at_once } = (await (await fetch(`${bare.threescale}/_demo/concurrency`)).json()) as { at_once: number }
  t.ok(at_once >= 2 && at_once <= 4, `${at_once} concurrent reads of details`)
  const details = await bare.calls()
  const plans = 2 * 1000 + 18
  t.ok((details['GET /admin/api/application_plans/{id}/limits.json'] ?? 0) <= plans, 'each plan once')

  await bare.resetCalls()
  for (const path of ['/models', '/models?page=2', '/models?q=model+7&sort=name', '/models/granite-chat'])
    t.equal((await fetch(portal.url + path)).status, 200, path)
  const list = (await (await fetch(`${portal.url}/api/v1/models?limit=100`)).json()) as Page
  t.ok(
    list.items.every(({ plans }) => plans.every(({ limits, prices }) => limits !== null && prices !== null)),
    'limits and prices are read',
  )
  const granite = list.items.find(({ system_name }) => system_name === 'granite-chat')
  t.equal(granite?.plans[0]?.limits?.[0]?.metric_name, 'Hits', 'with the names of their metrics')
  t.same(await bare.calls(), {}, 'neither a warm catalogue nor its pages make a call')
  await portal.stop()
  await bare.faults([])
  await fetch(`${bare.threescale}/_demo/reset`, { method: 'POST' })
})

t.test('a long catalogue has pages of 24 models, with links above and below, also of a search', async (t) => {
  const added = await fetch(`${bare.threescale}/_demo/products?count=60`, { method: 'POST' })
  const { products } = (await added.json()) as { products: { system_name: string }[] }
  const portal = await bare.portal({ ...settings, CATALOG_TTL: '3600' })
  const names = (html: string) =>
    [...html.matchAll(/<h2 class="card-title"><a href="\/models\/([^"]+)"/g)].map(([, name = '']) => name)
  const current = (html: string) =>
    [...html.matchAll(/<a href="([^"]+)"\s+aria-current="page"\s*><span[^>]*>Page <\/span>([\d,]+)</g)].map(
      ([, href, number]) => `${number} ${href}`,
    )
  const first = await text(portal, '/models')
  t.match(first, /data-count>77 models\. Page 1 of 4</)
  t.same(current(first), ['1 /models', '1 /models'], 'the current page, above and below')
  t.equal([...first.matchAll(/<nav class="pager"/g)].length, 2)
  t.notMatch(first, 'rel="prev"')
  t.match(first, /href="\/models\?page=2"\s+rel="next"/)

  const pages = await Promise.all([1, 2, 3, 4].map((page) => text(portal, `/models?page=${page}`)))
  t.same(
    pages.map((page) => names(page).length),
    [24, 24, 24, 5],
  )
  const all = pages.flatMap(names)
  t.equal(new Set(all).size, 77, 'each model is on one page')
  for (const { system_name } of products) t.ok(all.includes(system_name), system_name)
  t.match(pages[1], /href="\/models"[^>]*rel="prev"/)
  t.notMatch(pages[3], 'rel="next"')
  t.same(names(await text(portal, '/models?page=99')), names(pages[3] ?? ''), 'after the last page, the last one')
  for (const page of ['0', '-1', 'x', '1e9', ''])
    t.equal((await fetch(`${portal.url}/models?page=${page}`)).status, 200, page)

  const query = 'q=added&sort=newest'
  const search = await text(portal, `/models?${query}`)
  t.match(search, /data-count>60 of 77 models\. Page 1 of 3</)
  t.match(search, 'href="/models?q=added&amp;sort=newest&amp;page=2"', 'links keep search and order')
  const found = await Promise.all([1, 2, 3].map((page) => text(portal, `/models?${query}&page=${page}`)))
  t.equal(new Set(found.flatMap(names)).size, 60)
  t.notMatch(await text(portal, '/models?q=granite'), 'class="pager"', 'no links for one page')
  await portal.stop()
  await fetch(`${bare.threescale}/_demo/reset`, { method: 'POST' })
})

t.test('with Redis, one of two replicas reads for both, at most once per period', async (t) => {
  const redis = await startRedis()
  const ttl = 5
  const env = { ...settings, REDIS_URL: redis.url, CATALOG_TTL: String(ttl) }
  const one = await bare.portal(env)
  const two = await bare.portal({ ...env, PORT: portBeside(bare) })
  await settled(bare)
  await bare.resetCalls()
  const started = Date.now()
  const added = await addProduct(bare)
  // No request is sent in between.
  await sleep(ttl * 1000)
  for (const portal of [one, two]) {
    const page = await fetch(`${portal.url}/models/${added}`)
    t.equal(page.status, 200, `${portal.url} has the new product within CATALOG_TTL`)
  }
  await change(bare, added, { promoted: false })
  await until(async () => (await fetch(`${one.url}/models/${added}`)).status === 404)
  await until(async () => (await fetch(`${two.url}/models/${added}`)).status === 404)
  await sleep(Math.max(0, started + 15_000 - Date.now()))
  const reads = (await bare.calls())['GET /admin/api/services.json'] ?? 0
  const periods = (Date.now() - started) / (ttl * 600)
  // Independent reads would be twice as many; one more allows for a single slow response of Redis.
  t.ok(reads >= 1 && reads <= periods + 2, `${reads} reads in ${periods.toFixed(1)} periods`)
  await Promise.all([one.stop(), two.stop()])
  await redis.stop()
})

t.test('while 3scale is down, the last copy is served with its age, and later it is refreshed', async (t) => {
  const portal = await bare.portal({ ...settings, CATALOG_TTL: '1' })
  await settled(bare)
  await bare.faults([{ match: '* /admin/api/*', status: 500 }])
  await until(async () => (await text(portal, '/models')).includes('3scale is not responding'))
  const api = await fetch(`${portal.url}/api/v1/models`)
  t.equal(((await api.json()) as { stale?: boolean }).stale, true)
  t.ok(Number(api.headers.get('age')) >= 1)
  t.equal((await fetch(`${portal.url}/models/granite-chat`)).status, 200)
  await bare.faults([])
  await until(async () => !(await text(portal, '/models')).includes('3scale is not responding'))
  await portal.stop()
})

t.test('a product added at run time is listed within CATALOG_TTL, with working code', async (t) => {
  const stack = await startStack()
  t.teardown(() => stack.close())
  const ttl = 5
  const portal = await stack.portal({ CATALOG_TTL: String(ttl) })
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const added = await addProduct(stack)
  await sleep(ttl * 1000)
  t.equal((await mary.raw(`/models/${added}`)).status, 200)
  const page = await mary.submit(await mary.get(`/applications/new?model=${added}`), /^\/applications$/)
  const code = codeOf((await mary.submit(page, /\/reveal$/)).text, 'curl')
  t.match(code, 'demo-org/Added-1', 'the model server reported the id')
  const ran = spawnSync('env', ['-i', `PATH=${process.env.PATH}`, 'bash', '-c', code], { encoding: 'utf8' })
  t.equal(ran.status, 0, ran.stderr + ran.stdout)
  t.match(await text(portal, `/models/${added}`), 'demo-org/Added-1', 'the id is stored for the product')
})

interface Page {
  items: {
    system_name: string
    plans: { limits: { metric_name: string }[] | null; prices: object[] | null }[]
  }[]
}

async function text(portal: RunningPortal, path: string): Promise<string> {
  return (await fetch(portal.url + path)).text()
}

async function addProduct(stack: Stack): Promise<string> {
  const answer = await fetch(`${stack.threescale}/_demo/products?count=1`, { method: 'POST' })
  const { products } = (await answer.json()) as { products: { system_name: string }[] }
  return products[0]?.system_name ?? ''
}

async function change(stack: Stack, systemName: string, to: object): Promise<void> {
  const { services } = await stack.state()
  await stack.put(`/_demo/services/${services.find(({ system_name }) => system_name === systemName)?.id}`, to)
}

/** Waits until no more calls are made, because details are read in the background. */
async function settled(stack: Stack): Promise<void> {
  for (let before = ''; ; ) {
    await sleep(400)
    const { running } = (await (await fetch(`${stack.threescale}/_demo/concurrency`)).json()) as { running: number }
    const now = JSON.stringify(await stack.calls())
    if (now === before && running === 0) return
    before = now
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (await holds()) return
    await sleep(100)
  }
  throw new Error('it never came')
}

t.test('search, filters, sort order and comparison are in the address and work without scripts', async (t) => {
  const stack = await startStack(['threescale', 'identity'])
  t.teardown(() => stack.close())
  const notes = [
    'mistral-chat: { plans: { standard: { prices: [{ metric: hits, cost_per_unit: 0.5 }] } } }',
    'bge-reranker: { state: deprecated, context_length: 2000000 }',
    'llama-chat: { capabilities: [tools, vision] }',
    'restricted-research: { visible_to: [research], capabilities: [tools] }',
  ]
  const config = ['products:', ...notes.map((note) => `  ${note}`)].join('\n')
  const terms = 'terms: { version: "2026-01", text: As usual., field: terms_version }'
  const file = join(t.testdir({ 'portal.yaml': `${terms}\n${config}\n` }), 'portal.yaml')
  await stack.portal({ CATALOG_TTL: '3600', PORTAL_CONFIG: file })
  const mary = createVisitor(stack)
  await mary.signIn('mary', '/models')
  const names = (html: string) =>
    [...html.matchAll(/<h2 class="card-title"><a href="\/models\/([^"]+)"/g)].map(([, name]) => name)
  const list = async (query: string) => names((await mary.get(`/models?${query}`)).text)

  t.same(await list('q=MULTILINGUAL+chat'), ['mistral-chat'], 'words of the description match in any case')
  t.same(await list('type=rerank'), ['bge-reranker'])
  t.same(await list('q=nothing+like+it'), [])
  t.same((await list('capability=tools')).sort(), ['llama-chat', 'restricted-research'])
  t.same(await list('capability=tools&q=llama'), ['llama-chat'])
  t.same(await list('state=deprecated'), ['bge-reranker'])
  t.notOk((await list('state=available')).includes('bge-reranker'))
  t.equal((await list('sort=context'))[0], 'bge-reranker', 'the longest first')
  const { services } = await stack.state()
  const idOf = (name = '') => services.find(({ system_name }) => system_name === name)?.id ?? 0
  const newest = (await list('sort=newest')).map(idOf)
  t.same(
    newest,
    [...newest].sort((a, b) => b - a),
    'the newest first',
  )
  t.equal((await list('sort=price')).at(-1), 'mistral-chat', 'usage-based prices follow free models')
  const chosen = await mary.get('/models?capability=tools&sort=price')
  t.match(chosen.text, /<option value="tools"\s+selected>/, 'the page shows the state of its address')
  t.match(chosen.text, /<option value="price"\s+selected>/)
  t.ok((await list('type=nonsense')).length > 10, 'an unknown filter value is ignored')
  const titles = [...(await mary.get('/models?sort=name')).text.matchAll(/<h2 class="card-title"><a [^>]*>([^<&]*)/g)]
    .map(([, title = '']) => title)
    .filter((title) => /^\w/.test(title))
  t.same(titles, [...titles].sort(new Intl.Collator('en', { numeric: true }).compare))

  await mary.submit(await mary.get('/applications/new?model=granite-chat'), /^\/applications$/)
  await stack.resetCalls()
  const own = await list('mine=1')
  t.ok(own.includes('granite-chat'), 'models with an application')
  t.notOk(own.includes('llama-chat'))
  t.ok(Object.values(await stack.calls()).reduce((sum, calls) => sum + calls, 0) <= 1, 'at most one call')

  const piece = await mary.get('/models?q=granite&fragment=results')
  t.notMatch(piece.text, '<html', 'the script of the page fetches only the changed part')
  t.match(piece.text, 'granite-chat')

  const five = ['granite-chat', 'llama-chat', 'mistral-chat', 'tiny-limited', 'phi-approval']
  const compared = await mary.get(`/models/compare?${five.map((name) => `model=${name}`).join('&')}`)
  t.match(compared.text, 'Granite 3.3 8B Instruct')
  for (const name of five.slice(0, 4)) t.match(compared.text, `href="/models/${name}"`, name)
  t.notMatch(compared.text, 'href="/models/phi-approval"', 'at most four')
  t.equal((await mary.raw('/models/compare?model=nowhere')).status, 404)
  const ada = createVisitor(stack)
  await ada.signIn('ada')
  t.equal((await ada.raw('/models/compare?model=restricted-research')).status, 404, 'a restricted model is absent')
  t.notMatch((await ada.get('/models/compare?model=granite-chat')).text, 'restricted-research')
  const api = await fetch(`${stack.url}/api/v1/models?type=embedding&q=nomic`)
  t.same(
    ((await api.json()) as { items: { type: string }[] }).items.map(({ type }) => type),
    ['embedding'],
  )
})
