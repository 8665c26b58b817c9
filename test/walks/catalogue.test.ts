import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { portBeside, type RunningPortal, type Stack, startRedis, startStack } from '../helper/stack.js'
import { codeOf, createVisitor } from '../helper/visitor.js'

/** Only the 3scale part: a thousand products would want a thousand ports of a gateway. */
const bare = await startStack(['threescale'])
t.teardown(() => bare.close())

const settings = { OIDC_ISSUER: 'http://localhost:9', LOG_LEVEL: 'silent' }

t.test('a cold catalogue of 1,000 products: few bulk calls, details four at a time, then none', async (t) => {
  for (let step = 0; step < 4; step++) {
    t.equal((await fetch(`${bare.threescale}/_demo/products?count=250`, { method: 'POST' })).status, 201)
  }
  // limits are slow, so that calls side by side are seen side by side
  await bare.faults([{ match: 'GET /admin/api/application_plans/*/limits.json', latency_ms: 5 }])
  await bare.resetCalls()
  const portal = await bare.portal({ ...settings, CATALOG_TTL: '3600' })
  const first = await (await fetch(`${portal.url}/models`)).text()
  t.match(first, /1,01\d models/)
  const bulk = Object.entries(await bare.calls()).filter(([call]) => !/\{id\}/.test(call))
  const sum = bulk.reduce((all, [, count]) => all + count, 0)
  t.ok(sum >= 6 && sum <= 12, `${sum} bulk calls before the first page: ${JSON.stringify(bulk)}`)
  await fetch(`${bare.threescale}/_demo/calls`, { method: 'DELETE' })

  await settled(bare)
  const { at_once } = (await (await fetch(`${bare.threescale}/_demo/concurrency`)).json()) as { at_once: number }
  t.ok(at_once >= 2 && at_once <= 4, `${at_once} details at once`)
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
  t.same(await bare.calls(), {}, 'a warm catalogue makes no call, nor does what it shows')
  await portal.stop()
  await bare.faults([])
  await fetch(`${bare.threescale}/_demo/reset`, { method: 'POST' })
})

t.test('two replicas with Redis: one of them reads for both, at most once in a period', async (t) => {
  const redis = await startRedis()
  const ttl = 5
  const env = { ...settings, REDIS_URL: redis.url, CATALOG_TTL: String(ttl) }
  const one = await bare.portal(env)
  const two = await bare.portal({ ...env, PORT: portBeside(bare) })
  await settled(bare)
  await bare.resetCalls()
  const started = Date.now()
  const added = await addProduct(bare)
  // nobody looks in between
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
  // each for itself would be twice as many; one more is for a Redis that was too slow once
  t.ok(reads >= 1 && reads <= periods + 2, `${reads} reads in ${periods.toFixed(1)} periods`)
  await Promise.all([one.stop(), two.stop()])
  await redis.stop()
})

t.test('3scale goes down: the last copy is served, the page says how old, and it recovers by itself', async (t) => {
  const portal = await bare.portal({ ...settings, CATALOG_TTL: '1' })
  await settled(bare)
  await bare.faults([{ match: '* /admin/api/*', status: 500 }])
  await until(async () => (await text(portal, '/models')).includes('3scale does not answer'))
  const api = await fetch(`${portal.url}/api/v1/models`)
  t.equal(((await api.json()) as { stale?: boolean }).stale, true)
  t.ok(Number(api.headers.get('age')) >= 1)
  t.equal((await fetch(`${portal.url}/models/granite-chat`)).status, 200)
  await bare.faults([])
  await until(async () => !(await text(portal, '/models')).includes('3scale does not answer'))
  await portal.stop()
})

t.test('a product added while the portal runs is there within CATALOG_TTL, with code that runs', async (t) => {
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
  t.match(code, 'demo-org/Added-1', 'the id was learned from the server')
  const ran = spawnSync('env', ['-i', `PATH=${process.env.PATH}`, 'bash', '-c', code], { encoding: 'utf8' })
  t.equal(ran.status, 0, ran.stderr + ran.stdout)
  t.match(await text(portal, `/models/${added}`), 'demo-org/Added-1', 'and is kept for the product')
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

/** Until no more calls come: details are read. */
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

t.test('search, filters, sort and comparison: the address holds them, without scripts', async (t) => {
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

  t.same(await list('q=MULTILINGUAL+chat'), ['mistral-chat'], 'words in the description, whatever their case')
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
  t.equal((await list('sort=price')).at(-1), 'mistral-chat', 'what costs by use after what is free')
  const chosen = await mary.get('/models?capability=tools&sort=price')
  t.match(chosen.text, /<option value="tools" selected>/, 'the page shows what its address says')
  t.match(chosen.text, /<option value="price" selected>/)
  t.ok((await list('type=nonsense')).length > 10, 'what is not known is as if it were not there')
  const titles = [...(await mary.get('/models?sort=name')).text.matchAll(/<h2 class="card-title"><a [^>]*>([^<&]*)/g)]
    .map(([, title = '']) => title)
    .filter((title) => /^\w/.test(title))
  t.same(titles, [...titles].sort(new Intl.Collator('en', { numeric: true }).compare))

  await mary.submit(await mary.get('/applications/new?model=granite-chat'), /^\/applications$/)
  await stack.resetCalls()
  const own = await list('mine=1')
  t.ok(own.includes('granite-chat'), 'those with an application')
  t.notOk(own.includes('llama-chat'))
  t.ok(Object.values(await stack.calls()).reduce((sum, calls) => sum + calls, 0) <= 1, 'one call at most')

  const piece = await mary.get('/models?q=granite&fragment=results')
  t.notMatch(piece.text, '<html', 'the script of the page fetches only what changes')
  t.match(piece.text, 'granite-chat')

  const five = ['granite-chat', 'llama-chat', 'mistral-chat', 'tiny-limited', 'phi-approval']
  const compared = await mary.get(`/models/compare?${five.map((name) => `model=${name}`).join('&')}`)
  t.match(compared.text, 'Granite 3.3 8B Instruct')
  for (const name of five.slice(0, 4)) t.match(compared.text, `href="/models/${name}"`, name)
  t.notMatch(compared.text, 'href="/models/phi-approval"', 'four at most')
  t.equal((await mary.raw('/models/compare?model=nowhere')).status, 404)
  const ada = createVisitor(stack)
  await ada.signIn('ada')
  t.equal((await ada.raw('/models/compare?model=restricted-research')).status, 404, 'a restricted model is not there')
  t.notMatch((await ada.get('/models/compare?model=granite-chat')).text, 'restricted-research')
  const api = await fetch(`${stack.url}/api/v1/models?type=embedding&q=nomic`)
  t.same(
    ((await api.json()) as { items: { type: string }[] }).items.map(({ type }) => type),
    ['embedding'],
  )
})
