import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createApi } from '../helper/api.js'
import { startStack } from '../helper/stack.js'
import { createVisitor, type Visitor } from '../helper/visitor.js'

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
  applications_in_all: number
}
interface Limits {
  items: {
    metric: string
    period: string
    value: number
    used: number | null
    left: number | null
    resets_at: string | null
    included: boolean
    note: string
    forecast: { kind: string; words: string }
  }[]
}

/** An application, and its code for curl, run as it is copied: in a new shell with an empty environment. */
async function made(visitor: Visitor, model: string) {
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

const granite = await made(mary, 'granite-chat')
const llama = await made(mary, 'llama-chat')
let tokens = 0
for (let call = 0; call < 5; call++) tokens += await granite.call()
for (let call = 0; call < 3; call++) await llama.call()

const totalOf = ({ series }: OfApplication, role: string) => series.find((each) => each.role === role)?.total ?? 0
/** The gateway reports tokens after its answer, and numbers are kept for some seconds. */
async function settled(): Promise<OfApplication> {
  for (let tries = 0; ; tries++) {
    const usage = await json<OfApplication>(`/applications/${granite.id}/usage`)
    if ((totalOf(usage, 'calls') === 5 && totalOf(usage, 'total_tokens') === tokens) || tries > 60) return usage
    await sleep(500)
  }
}

t.test('what the gateway was asked to do is what API, pages, CSV and JSON tell', async (t) => {
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

t.test('the account: by application and by model', async (t) => {
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

t.test('limits: used, left, when they reset, and what the gateway really does', async (t) => {
  const { items: limits } = await json<Limits>(`/applications/${granite.id}/limits`)
  const day = limits.find(({ period }) => period === 'day')
  t.equal(day?.value, 1000)
  t.equal(day?.used, 5)
  t.equal(day?.left, 995)
  const tomorrow = new Date(Math.floor(Date.now() / 86_400_000) * 86_400_000 + 86_400_000)
  t.equal(Date.parse(day?.resets_at ?? ''), tomorrow.getTime(), 'a day of UTC')
  t.match(day?.note, 'may still pass')
  const overview = await json<{ items: { application: { id: number } }[] }>('/me/limits')
  t.ok(overview.items.some(({ application }) => application.id === granite.id))
  const tiny = await made(mary, 'tiny-limited')
  const [minute] = (await json<Limits>(`/applications/${tiny.id}/limits`)).items
  t.equal(minute?.period, 'minute')
  t.equal(minute?.value, 5)
  t.equal(minute?.used, null, 'nothing finer than an hour is measured')
  t.match(minute?.note, 'nothing finer than an hour')
  const page = await mary.get(`/applications/${tiny.id}/usage`)
  t.match(page.text, 'nothing finer than an hour')
})

t.test('hours and days of a zone, over a change of the clocks', async (t) => {
  const past = await made(mary, 'mistral-chat')
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
  t.ok(planted.ok, 'the demo took the past')
  const of = async (query: string) => {
    const usage = await json<OfApplication>(`/applications/${past.id}/usage?${query}`)
    return { ...usage, calls: usage.series.find(({ role }) => role === 'calls')?.values ?? [] }
  }
  const madrid = await of('since=2026-10-24&until=2026-10-26&granularity=day&tz=Europe/Madrid')
  t.same(madrid.calls, [1, 6, 8])
  const lengths = madrid.buckets.map(({ start, end }) => (Date.parse(end) - Date.parse(start)) / HOUR)
  t.same(lengths, [24, 25, 24])
  t.same((await of('since=2026-10-24&until=2026-10-26&granularity=day')).calls, [3, 12, 0], 'days of UTC')
  const hours = await of('since=2026-10-25&until=2026-10-25&granularity=hour&tz=Europe/Madrid')
  t.equal(hours.calls.length, 25)
  t.equal(
    hours.calls.reduce((sum, value) => sum + value, 0),
    6,
  )
  t.same((await of('since=2026-10-01&until=2026-10-31&granularity=month')).calls, [15])
  t.equal(totalOf(await of('since=2025-01-01&until=2025-01-02'), 'calls'), 0, 'an empty range')
})

t.test('a bad range: a sentence beside the field, 422; another account: 404', async (t) => {
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

t.test('a statistics call that fails: the page says what is missing, the API gives nothing incomplete', async (t) => {
  const fresh = await made(mary, 'granite-chat')
  await stack.faults([{ match: 'GET /stats/*', status: 500 }])
  const answer = await api.get(`/applications/${fresh.id}/usage`, token)
  t.equal(answer.status, 503)
  t.ok(answer.headers.get('retry-after'))
  t.equal((await mary.raw(`/applications/${fresh.id}/usage.csv`)).status, 503)
  t.equal((await mary.raw(`/applications/${fresh.id}/usage`)).status, 503, 'nothing at all is known')
  const partial = await made(mary, 'granite-chat')
  await stack.faults([{ match: 'GET /stats/*', status: 500, times: 2 }])
  const page = await mary.raw(`/applications/${partial.id}/usage`)
  t.equal(page.status, 200, 'some numbers are known')
  t.match(page.text, /3scale did not answer for: \w[^<]*What is shown is complete otherwise/)
  await stack.faults([])
  t.equal((await api.get(`/applications/${fresh.id}/usage`, token)).status, 200)
})

t.test('an account with 50 applications: ten a page, a bounded number of calls, four at a time', async (t) => {
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
  // numbers are slow, so that calls side by side are seen side by side
  await stack.faults([{ match: 'GET /stats/*', latency_ms: 10 }])
  await stack.resetCalls()
  const page = await mary.get('/usage')
  t.equal(page.status, 200)
  const { at_once } = (await (await fetch(`${stack.threescale}/_demo/concurrency`)).json()) as { at_once: number }
  t.ok(at_once >= 2 && at_once <= 4, `${at_once} calls at once`)
  await stack.faults([])
  const calls = Object.entries(await stack.calls())
  const stats = calls.filter(([call]) => call.startsWith('GET /stats/')).reduce((sum, [, count]) => sum + count, 0)
  t.ok(stats > 0 && stats <= 41, `${stats} calls for numbers: four for each of ten, and one for the zone`)
  t.equal(calls.find(([call]) => call.includes('/applications.json'))?.[1], 1, 'the list once')
  t.match(page.text, /10 of 5\d applications|5\d applications/)
  // on a busy machine forty calls may take longer than anybody waits; what was read is kept, and asking again is safe
  let second = await api.get('/me/usage?page=2', token)
  for (let tries = 0; second.status === 503 && tries < 20; tries++) second = await api.get('/me/usage?page=2', token)
  t.equal(second.status, 200, second.text.slice(0, 300))
  const usage = JSON.parse(second.text) as OfAccount
  t.equal(usage.applications.length, 10)
  t.ok(usage.applications_in_all >= 50)
})
