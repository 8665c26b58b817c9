import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createApi } from '../../helper/api.js'
import { portBeside, startStack } from '../../helper/stack.js'
import { createVisitor, type Visitor } from '../../helper/visitor.js'

const stack = await startStack()
await stack.portal({ CATALOG_TTL: '3600' })
t.teardown(() => stack.close())
const api = createApi(stack, stack.url)
const HOUR = 3_600_000

const mary = createVisitor(stack)
await mary.signIn('mary')
const token = await api.token({ username: 'mary' })
const json = async <T>(path: string): Promise<T> => JSON.parse((await api.get(path, token)).text) as T

interface Series {
  metric: string
  role: string
  total: number
  values: number[]
}
interface OfApplication {
  series: Series[]
  buckets: { start: string; end: string }[]
}
interface OfAccount {
  calls: { total: number }
  tokens: { total: number }
  models: { model: string; calls: { total: number }; tokens: { total: number } }[]
  applications: { application: { id: number }; calls: number; tokens: number }[]
  applications_returned: number
  applications_total: number
  next_cursor: string | null
}
interface Limits {
  items: {
    metric: string
    period: string
    value: number
    used: number | null
    remaining: number | null
    resets_at: string | null
    included: boolean
    enforcement_details: string
    forecast: { kind: string; message: string }
  }[]
}

/** Creates an application and runs its curl code as copied, in a new shell with an empty environment. */
async function created(visitor: Visitor, model: string) {
  const page = await visitor.submit(await visitor.get(`/applications/new?model=${model}`), /^\/applications$/)
  const id = Number(new URL(page.url).pathname.split('/').pop())
  await stack.settled()
  const call = async () => {
    const path = `/models/${model}/snippets?application_id=${id}&client=curl&reveal=true`
    const [snippet] = (await json<{ items: { with_key: string }[] }>(path)).items
    const shell = ['-i', `PATH=${process.env.PATH}`, 'bash', '--norc', '-c', snippet?.with_key ?? 'false']
    const ran = spawnSync('env', shell, { encoding: 'utf8' })
    if (ran.status !== 0) throw new Error(`${model}: ${ran.stderr}${ran.stdout}`)
    return (JSON.parse(ran.stdout) as { usage: { total_tokens: number } }).usage.total_tokens
  }
  return { id, call }
}

const granite = await created(mary, 'granite-chat')
const llama = await created(mary, 'llama-chat')
let tokens = 0
for (let call = 0; call < 5; call++) tokens += await granite.call()
for (let call = 0; call < 3; call++) await llama.call()

const totalOf = ({ series }: OfApplication, role: string) => series.find((each) => each.role === role)?.total ?? 0
/** The gateway reports tokens after its response, and statistics are cached for some seconds. */
async function settled(): Promise<OfApplication> {
  for (let tries = 0; ; tries++) {
    const usage = await json<OfApplication>(`/applications/${granite.id}/usage`)
    if ((totalOf(usage, 'calls') === 5 && totalOf(usage, 'total_tokens') === tokens) || tries > 60) return usage
    await sleep(500)
  }
}

t.test('API, pages, CSV, and JSON report the calls sent to the gateway', async (t) => {
  const usage = await settled()
  t.equal(totalOf(usage, 'calls'), 5)
  t.equal(totalOf(usage, 'total_tokens'), tokens)
  t.equal(totalOf(usage, 'prompt_tokens') + totalOf(usage, 'completion_tokens'), tokens)
  t.equal(usage.series[0]?.values.length, usage.buckets.length)
  const page = await mary.get(`/applications/${granite.id}/usage`)
  t.match(page.text, /Calls[\s\S]{0,400}>5</)
  t.match(page.text, new RegExp(`Tokens[\\s\\S]{0,400}>${tokens}<`))
  const csv = await api.get(`/applications/${granite.id}/usage`, token, { accept: 'text/csv' })
  t.match(csv.headers.get('content-type'), 'text/csv')
  const pageCsv = await mary.get(`/applications/${granite.id}/usage.csv`)
  t.match(pageCsv.headers.get('content-disposition'), 'attachment')
  for (const text of [csv.text, pageCsv.text]) t.match(text, /(^|,)"5"(,|\r?$)/m)
  const file = JSON.parse((await mary.get(`/applications/${granite.id}/usage.json`)).text) as OfApplication
  t.equal(totalOf(file, 'calls'), 5)
})

t.test('the account report groups usage by application and model', async (t) => {
  let usage = await json<OfAccount>('/me/usage')
  for (let tries = 0; usage.calls.total < 8 && tries < 60; tries++) {
    await sleep(500)
    usage = await json<OfAccount>('/me/usage')
  }
  t.equal(usage.calls.total, 8)
  t.equal(usage.applications.find(({ application }) => application.id === llama.id)?.calls, 3)
  t.equal(usage.models.find(({ model }) => model === 'granite-chat')?.calls.total, 5)
  const page = await mary.get('/usage')
  for (const name of ['Granite 3.3 8B Instruct', 'Llama 3.3 70B']) t.match(page.text, name)
  t.match((await mary.get('/usage?model=llama-chat')).text, 'Llama 3.3 70B')
})

t.test('limits report usage, remaining amount, reset time, and enforcement', async (t) => {
  const { items: limits } = await json<Limits>(`/applications/${granite.id}/limits`)
  const day = limits.find(({ period }) => period === 'day')
  t.equal(day?.value, 1000)
  t.equal(day?.used, 5)
  t.equal(day?.remaining, 995)
  const tomorrow = new Date(Math.floor(Date.now() / 86_400_000) * 86_400_000 + 86_400_000)
  t.equal(Date.parse(day?.resets_at ?? ''), tomorrow.getTime(), 'a UTC day')
  t.match(day?.enforcement_details, 'A few more calls can succeed')
  const overview = await json<{ items: { application: { id: number } }[] }>('/me/limits')
  t.ok(overview.items.some(({ application }) => application.id === granite.id))
  const tiny = await created(mary, 'tiny-limited')
  const [minute] = (await json<Limits>(`/applications/${tiny.id}/limits`)).items
  t.equal(minute?.period, 'minute')
  t.equal(minute?.value, 5)
  t.equal(minute?.used, null, '3scale reports no usage per minute')
  t.match(minute?.enforcement_details, 'no usage per minute')
  const page = await mary.get(`/applications/${tiny.id}/usage`)
  t.match(page.text, 'no usage per minute')
})

t.test('hours and days follow the time zone across daylight saving time', async (t) => {
  const past = await created(mary, 'mistral-chat')
  const at = (time: string, amount: number) => ({ application: past.id, metric: 'hits', at: time, amount })
  const planted = await fetch(`${stack.threescale}/_demo/usage`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    // 25 October 2026 has 25 hours in Madrid: from 22:00 on the 24th to 23:00 on the 25th, UTC
    body: JSON.stringify([
      at('2026-10-24T21:30:00Z', 1),
      at('2026-10-24T22:00:00Z', 2),
      at('2026-10-25T22:59:00Z', 4),
      at('2026-10-25T23:00:00Z', 8),
    ]),
  })
  t.ok(planted.ok, 'the demo accepted past usage')
  const of = async (query: string) => {
    const usage = await json<OfApplication>(`/applications/${past.id}/usage?${query}`)
    return { ...usage, calls: usage.series.find(({ role }) => role === 'calls')?.values ?? [] }
  }
  const madrid = await of('since=2026-10-24&until=2026-10-26&granularity=day&tz=Europe/Madrid')
  t.same(madrid.calls, [1, 6, 8])
  const lengths = madrid.buckets.map(({ start, end }) => (Date.parse(end) - Date.parse(start)) / HOUR)
  t.same(lengths, [24, 25, 24])
  t.same((await of('since=2026-10-24&until=2026-10-26&granularity=day')).calls, [3, 12, 0], 'UTC days')
  const hours = await of('since=2026-10-25&until=2026-10-25&granularity=hour&tz=Europe/Madrid')
  t.equal(hours.calls.length, 25)
  t.equal(
    hours.calls.reduce((sum, value) => sum + value, 0),
    6,
  )
  t.same((await of('since=2026-10-01&until=2026-10-31&granularity=month')).calls, [15])
  t.equal(totalOf(await of('since=2025-01-01&until=2025-01-02'), 'calls'), 0, 'an empty range')
})

t.test('an invalid range is 422 with field errors, and another account is 404', async (t) => {
  for (const [query, field] of [
    ['since=yesterday', 'since'],
    ['since=2026-03-02&until=2026-03-01', 'until'],
    ['tz=Mars/Base', 'tz'],
    ['granularity=week', 'granularity'],
  ] as const) {
    const answer = await api.get(`/applications/${granite.id}/usage?${query}`, token)
    t.equal(answer.status, 422, query)
    t.ok((JSON.parse(answer.text) as { errors: Record<string, string> }).errors[field], query)
    t.equal((await mary.raw(`/applications/${granite.id}/usage?${query}`)).status, 422, `page: ${query}`)
  }
  const ada = createVisitor(stack)
  await ada.signIn('ada')
  const stranger = await api.token({ username: 'ada' })
  for (const path of ['usage', 'limits', 'costs'])
    t.equal((await api.get(`/applications/${granite.id}/${path}`, stranger)).status, 404, path)
  for (const path of ['usage', 'usage.csv', 'usage.json'])
    t.equal((await ada.raw(`/applications/${granite.id}/${path}`)).status, 404, path)
  t.notMatch((await ada.get('/usage')).text, 'My Granite')
})

t.test('after a failed statistics request, the page names the missing data and the API returns 503', async (t) => {
  const fresh = await created(mary, 'granite-chat')
  await stack.faults([{ match: 'GET /stats/*', status: 500 }])
  const answer = await api.get(`/applications/${fresh.id}/usage`, token)
  t.equal(answer.status, 503)
  t.ok(answer.headers.get('retry-after'))
  t.equal((await mary.raw(`/applications/${fresh.id}/usage.csv`)).status, 503)
  t.equal((await mary.raw(`/applications/${fresh.id}/usage`)).status, 503, 'no data at all')
  const partial = await created(mary, 'granite-chat')
  await stack.faults([{ match: 'GET /stats/*', status: 500, times: 2 }])
  const page = await mary.raw(`/applications/${partial.id}/usage`)
  t.equal(page.status, 200, 'some data')
  t.match(page.text, /3scale did not return: \w[^<]*All other numbers are complete/)
  await stack.faults([])
  t.equal((await api.get(`/applications/${fresh.id}/usage`, token)).status, 200)
})

t.test('50 applications: five per page, with at most twelve requests to 3scale, four at a time', async (t) => {
  const body = (index: number) => ({
    model: 'granite-chat',
    plan: 'basic',
    name: `Many ${index}`,
    fields: { purpose: 'Experiment' },
  })
  for (let index = 0; index < 50; index++) {
    const answer = await api.post('/applications', token, body(index))
    t.equal(answer.status, 201, answer.text.slice(0, 200))
  }
  // Statistics are slow, so that concurrent calls overlap.
  await stack.faults([{ match: 'GET /stats/*', latency_ms: 10 }])
  await stack.resetCalls()
  const page = await mary.get('/usage')
  t.equal(page.status, 200)
  const { at_once } = (await (await fetch(`${stack.threescale}/_demo/concurrency`)).json()) as { at_once: number }
  t.ok(at_once >= 2 && at_once <= 4, `${at_once} concurrent calls`)
  await stack.faults([])
  const calls = Object.entries(await stack.calls())
  const stats = calls.filter(([call]) => call.startsWith('GET /stats/')).reduce((sum, [, count]) => sum + count, 0)
  t.ok(stats > 0 && stats <= 11, `${stats} statistics requests: two for each of five, and one for the time zone`)
  t.equal(calls.find(([call]) => call.includes('/applications.json'))?.[1], 1, 'one request for the list')
  t.match(page.text, /Totals cover 5 of 5\d applications\./)
  t.match(page.text, /Page 1 of 1[12]: 5 of 5\d applications, most recently used first\./)
  // On a busy machine forty calls can exceed the deadline. Statistics that were read are cached, so a retry is safe.
  const ask = async (query: string) => {
    let answer = await api.get(`/me/usage${query}`, token)
    for (let tries = 0; answer.status === 503 && tries < 20; tries++) answer = await api.get(`/me/usage${query}`, token)
    t.equal(answer.status, 200, answer.text.slice(0, 300))
    return JSON.parse(answer.text) as OfAccount
  }
  const shown: number[] = []
  let cursor: string | null = ''
  for (let pages = 0; cursor !== null && pages < 10; pages++) {
    const usage: OfAccount = await ask(cursor && `?cursor=${cursor}`)
    t.equal(usage.applications_returned, usage.applications.length)
    t.ok(usage.applications_total >= 50)
    shown.push(...usage.applications.map(({ application }) => application.id))
    cursor = usage.next_cursor
  }
  t.same(
    shown,
    [...new Set(shown)].sort((a, b) => b - a),
    'each application once, newest first',
  )
  t.ok(shown.length >= 50)
  t.equal((await ask('?limit=3')).applications.length, 3)
  t.equal(
    (await api.get('/me/usage?limit=11', token)).status,
    422,
    'at most ten, because each requires up to four requests',
  )
  const csv = await api.get('/me/usage.csv?table=applications&limit=3', token)
  t.equal(csv.text.trim().split('\r\n').length, 4, 'CSV has the same page')
})

t.test('the CSV path returns CSV regardless of the Accept header', async (t) => {
  for (const [path, name] of [
    ['/me/usage', 'usage.csv'],
    [`/applications/${granite.id}/usage`, `usage-${granite.id}.csv`],
  ] as const) {
    for (const accept of ['*/*', 'text/csv, application/problem+json', 'application/json']) {
      const answer = await api.get(`${path}.csv?range=7d&tz=Asia/Tokyo`, token, { accept })
      t.equal(answer.status, 200, `${path} ${accept}`)
      t.match(answer.headers.get('content-type'), /^text\/csv/)
      t.match(answer.headers.get('content-disposition'), name)
      t.match(answer.text, /"\d{4}-\d\d-\d\dT00:00:00\+09:00"/, 'times of the requested zone')
    }
    const negotiated = await api.get(`${path}?range=7d&tz=Asia/Tokyo`, token, { accept: 'text/csv' })
    t.match(negotiated.headers.get('vary'), /\baccept\b(?!-)/, 'caches store both formats separately')
    t.match(negotiated.headers.get('content-type'), /^text\/csv/)
    const json = await api.get<{ time_zone: string; since: string }>(`${path}?range=7d&tz=Asia/Tokyo`, token)
    t.match(json.headers.get('vary'), /\baccept\b(?!-)/)
    t.match(json.body, { time_zone: 'Asia/Tokyo', since: /T15:00:00Z$/ }, 'JSON has the same time in UTC')
    t.equal((await api.get(`${path}?range=7d`, token, { accept: 'image/png' })).status, 406)
  }
})

t.test('range combined with since or until is rejected by JSON, CSV, and pages', async (t) => {
  for (const path of ['/me/usage', '/me/usage.csv', `/applications/${granite.id}/usage.csv`]) {
    for (const end of ['since=2026-03-01', 'until=2026-03-01T00:00:00Z', 'since=2026-01-01&until=2026-02-01']) {
      const answer = await api.get<{ errors: object }>(`${path}?range=7d&${end}`, token)
      t.equal(answer.status, 422, `${path} ${end}`)
      t.same(Object.keys(answer.body.errors), ['range'])
    }
  }
  t.equal((await mary.get('/usage?range=7d&since=2026-03-01')).status, 422)
})

t.test('unknown values of an application are null everywhere: a model that is not offered, and its plan', async (t) => {
  const { services } = await stack.state()
  const product = services.find(({ system_name }) => system_name === 'llama-chat')
  await stack.put(`/_demo/services/${product?.id}`, { promoted: false })
  const later = await stack.portal({ PORT: portBeside(stack) })
  const read = async <T>(path: string) => {
    const answer = await createApi(stack, later.url).get<T>(path, token)
    t.equal(answer.status, 200, `${path}: ${answer.text.slice(0, 200)}`)
    return answer.body
  }
  const unknown = { model: null, model_name: null, plan: null, plan_name: 'Standard' }
  t.match(await read(`/applications/${llama.id}`), unknown)
  t.match(await read(`/applications/${llama.id}/usage`), unknown)
  t.match(await read(`/applications/${llama.id}/costs`), unknown)
  for (const path of ['/me/limits?limit=100', '/me/costs?limit=100']) {
    const { items } = await read<{ items: { application: { id: number } }[] }>(path)
    t.match(
      items.find(({ application }) => application.id === llama.id),
      unknown,
      path,
    )
  }
  const known = { model: 'granite-chat', model_name: 'Granite 3.3 8B Instruct', plan: 'basic', plan_name: 'Basic' }
  t.match(await read(`/applications/${granite.id}/usage`), known)
  t.match(await read(`/applications/${granite.id}`), known)
  t.notMatch(JSON.stringify(await read('/me/usage')), '""', 'unknown values are null')
  for (const path of [
    '/applications?sort=created',
    `/applications/${llama.id}`,
    '/usage',
    `/applications/${llama.id}/usage`,
  ])
    t.match((await mary.at(later.url)(path)).text, 'No longer offered', path)
})
