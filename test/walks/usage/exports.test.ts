import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { projectRoot } from '../../../src/project-root.js'
import { createApi } from '../../helper/api.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor, decode } from '../../helper/visitor.js'

const stack = await startStack()
t.teardown(() => stack.close())
const product = {
  system_name: 'partly-included',
  name: 'Partly included',
  description: '',
  type: 'chat',
  limits: [
    ['v1-completions', 'day', 0],
    ['hits', 'hour', 20],
    ['total_tokens', 'month', 1000],
  ],
}
const added = await fetch(`${stack.threescale}/_demo/products?count=1`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(product),
})
if (!added.ok) throw new Error(await added.text())
const settings = join(t.testdir({}), 'portal.yaml')
writeFileSync(
  settings,
  `${readFileSync(join(projectRoot, 'deploy/demo-portal.yaml'), 'utf8')}
  partly-included:
    prices: { per_call: 0.5, per_million_prompt_tokens: 1000000, per_million_completion_tokens: 2000000 }
currency: EUR
`,
)
await stack.portal({ CATALOG_TTL: '3600', PORTAL_CONFIG: settings })
const api = createApi(stack, stack.url)
const mary = createVisitor(stack)
await mary.signIn('mary')
const token = await api.token({ username: 'mary' })
const json = async <T>(path: string): Promise<T> => JSON.parse((await api.get(path, token)).text) as T

const created = await mary.submit(await mary.get('/applications/new?model=partly-included'), /^\/applications$/)
const id = Number(new URL(created.url).pathname.split('/').pop())
for (let call = 0; call < 3; call++)
  await mary.post('/playground', { kind: 'chat', application: String(id), prompt: 'one two', turns: '[]' })

interface Usage {
  series: { role: string; metric: string; total: number; values: number[]; previous_values: number[] | null }[]
}
const totalOf = ({ series }: Usage, role: string) => series.find((one) => one.role === role)?.total ?? 0
/** The gateway reports tokens after its response, and statistics are cached for some seconds. */
const settled = async () => {
  for (let tries = 0; tries < 60; tries++) {
    const usage = await json<Usage>(`/applications/${id}/usage`)
    const chats = usage.series.find(({ metric }) => metric === 'v1-chat-completions')?.total
    if (chats === 3 && totalOf(usage, 'completion_tokens') > 0) return usage
    await sleep(500)
  }
  throw new Error('three calls never came')
}
const usage = await settled()
/** Three chats, and the requests that list the models. */
const callsMade = totalOf(usage, 'calls')

/** Every number of the tables of a page, row by row, in the order of a CSV. */
const numbersOf = (html: string) => {
  const tables = [...html.matchAll(/<table class="[^"]*numbers">\s*<caption[\s\S]*?<tbody>([\s\S]*?)<\/tbody>/g)].map(
    ([, body = '']) =>
      body
        .split('</tr>')
        .slice(0, -1)
        .map((row) => [...row.matchAll(/data-value="(\d+)"/g)].map(([, value]) => Number(value))),
  )
  return tables[0]?.map((_, row) => tables.flatMap((rows) => rows[row] ?? [])) ?? []
}
const csvOf = (text: string) => {
  const [, ...rows] = text.trim().split('\r\n')
  return rows.map((row) =>
    row
      .split(',')
      .slice(2)
      .map((cell) => Number(/^"(.*)"$/.exec(cell)?.[1])),
  )
}
const linkOf = (html: string, form: string) =>
  decode(new RegExp(`href="([^"]*usage\\.${form}\\?[^"]*)"\\s+download`).exec(html)?.[1] ?? '')

t.test('CSV and JSON of a page contain the numbers of the page, for each range and time zone', async (t) => {
  for (const query of ['range=24h', 'range=7d', 'range=30d', 'range=90d', 'range=12m', 'range=7d&tz=Asia/Kolkata']) {
    for (const path of [`/applications/${id}/usage`, '/usage']) {
      const page = await mary.get(`${path}?${query}`)
      t.equal(page.status, 200, `${path}?${query}`)
      const shown = numbersOf(page.text)
      t.ok(shown.length > 1, `${path}?${query}: ${shown.length} rows`)
      t.same(csvOf((await mary.get(linkOf(page.text, 'csv'))).text), shown, `${path}?${query}: CSV`)
      const calls = shown.reduce((sum, [first = 0]) => sum + first, 0)
      t.equal(calls, callsMade, `${path}?${query}: the calls sent to the gateway`)
    }
    const page = await mary.get(`/applications/${id}/usage?${query}`)
    const file = JSON.parse((await mary.get(linkOf(page.text, 'json'))).text) as Usage
    const own = file.series.find(({ role }) => role === 'calls')?.values
    t.same(
      own,
      numbersOf(page.text).map(([first]) => first),
      `${query}: JSON`,
    )
  }
  const zone = await mary.get('/usage?tz=aMeRiCa/nEw_yOrK')
  t.match(zone.text, /Times are in America\/New_York/)
  t.match(
    zone.headers.get('set-cookie'),
    /maas_tz=America%2FNew_York;/,
    'the canonical name, regardless of the spelling',
  )
  t.match((await mary.get('/usage?tz=UTC')).text, /Times are in UTC\. 3scale’s own pages use Europe\/Madrid/)
  t.match(
    (await mary.get(`/applications/${id}/usage?range=7d`)).text,
    /calls? in the last 7 days\. Peak on [^:]* \(so far\): \d+\./,
  )
})

t.test('a repeated report requires no statistics request', async (t) => {
  await mary.get(`/applications/${id}/usage`)
  await stack.resetCalls()
  await mary.get(`/applications/${id}/usage`)
  const requested = Object.keys(await stack.calls()).filter((call) => call.startsWith('GET /stats/'))
  t.same(requested, [])
})

interface Limit {
  metric: string
  value: number
  used: number | null
  remaining: number | null
  included: boolean
  enforcement: string
  resets_at: string | null
  forecast: { message: string }
  enforcement_details: string
}

t.test(
  'a limit of zero, an hourly limit, and a token limit that is not enforced are the same in page and API',
  async (t) => {
    const { items: limits } = await json<{ items: Limit[] }>(`/applications/${id}/limits`)
    const of = (metric: string) => limits.find((limit) => limit.metric === metric)
    t.match(of('v1-completions'), {
      value: 0,
      included: false,
      enforcement: 'not_included',
      enforcement_details: /403/,
    })
    const hour = of('hits')
    t.equal((hour?.used ?? 0) + (hour?.remaining ?? 0), 20)
    t.ok(hour?.used === callsMade || new Date().getUTCMinutes() < 5, `${hour?.used} used of this hour`)
    t.equal(Date.parse(hour?.resets_at ?? '') % 3_600_000, 0)
    t.match(of('total_tokens'), {
      used: totalOf(usage, 'total_tokens'),
      enforcement: 'not_enforced',
      enforcement_details: /does not check this limit/,
    })
    const overview = await json<{ items: { application: { id: number }; limits: Limit[] }[] }>('/me/limits')
    const own = overview.items.find(({ application }) => application.id === id)?.limits ?? []
    t.same(
      own.map(({ metric, used, remaining }) => [metric, used, remaining]),
      limits.map(({ metric, used, remaining }) => [metric, used, remaining]),
    )
    const page = await mary.get(`/applications/${id}/usage`)
    t.match(page.text, /: not included/)
    t.match(page.text, '20 calls an hour')
    t.match(page.text, `${hour?.remaining} left`)
    t.match(decode(page.text), 'does not check this limit')
  },
)

t.test('the cost estimate is the usage multiplied by the prices in PORTAL_CONFIG', async (t) => {
  interface Cost {
    estimate: { source: string; currency: string; month_to_date: number; expected: number | null } | null
  }
  const { estimate } = await json<Cost>(`/applications/${id}/costs`)
  const required = callsMade * 0.5 + totalOf(usage, 'prompt_tokens') * 1 + totalOf(usage, 'completion_tokens') * 2
  t.match(estimate, { source: 'portal', currency: 'EUR', month_to_date: required })
  const all = await json<{ items: (Cost & { application: { id: number } })[] }>('/me/costs')
  t.equal(all.items.find(({ application }) => application.id === id)?.estimate?.month_to_date, required)
  const page = await mary.get(`/applications/${id}/usage`)
  t.match(page.text, /Estimated cost this month/)
  t.match(page.text, `EUR ${required.toFixed(2)}`)
  t.match(page.text, 'The invoice may differ.')
  t.match((await mary.get('/usage')).text, `EUR ${required.toFixed(2)}`, 'also on the account page')
})

t.test('every CSV of pages and API is UTF-8 that spreadsheets and programs can read', async (t) => {
  const name = '=Grüße 模型; "ö", 1'
  await stack.put(`/_demo/applications/${id}`, { name })
  // Lists of applications are cached for some seconds.
  for (let tries = 0; tries < 60; tries++) {
    const { applications } = await json<{ applications: { application: { name: string } }[] }>('/me/usage')
    if (applications.some(({ application }) => application.name === name)) break
    await sleep(500)
  }
  const cookie = [...mary.jar].map((pair) => pair.join('=')).join('; ')
  const page = async (path: string) => fetch(stack.url + path, { headers: { cookie } })
  const program = (path: string) =>
    fetch(`${stack.url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}`, accept: 'text/csv' } })
  const both: [file: string, answer: Response, separator: string, bom: boolean][] = []
  for (const [form, separator] of [
    ['', ','],
    ['&separator=comma', ','],
    ['&separator=semicolon', ';'],
  ] as const) {
    both.push(['usage.csv', await page(`/usage.csv?range=7d${form}`), separator, true])
    both.push(['applications.csv', await page(`/usage.csv?table=applications${form}`), separator, true])
    both.push([`usage-${id}.csv`, await page(`/applications/${id}/usage.csv?range=7d${form}`), separator, true])
    for (const bom of [true, false]) {
      const more = `${form}${bom ? '' : '&bom=false'}`
      both.push(['usage.csv', await program(`/me/usage?range=7d${more}`), separator, bom])
      both.push(['applications.csv', await program(`/me/usage?table=applications${more}`), separator, bom])
      both.push([`usage-${id}.csv`, await program(`/applications/${id}/usage?range=7d${more}`), separator, bom])
    }
  }
  t.equal(both.length, 27)
  for (const [file, answer, separator, bom] of both) {
    const about = `${new URL(answer.url).pathname}${new URL(answer.url).search}`
    t.equal(answer.status, 200, about)
    t.equal(answer.headers.get('content-type'), 'text/csv; charset=utf-8; header=present')
    t.equal(answer.headers.get('content-disposition'), `attachment; filename="${file}"`, about)
    const bytes = Buffer.from(await answer.arrayBuffer())
    t.equal(bytes.subarray(0, 3).toString('hex') === 'efbbbf', bom, about)
    const script =
      'import csv, io, json, sys; print(json.dumps(list(csv.DictReader(io.TextIOWrapper(sys.stdin.buffer, sys.argv[2], newline=""), delimiter=sys.argv[1]))))'
    const read = spawnSync('python3', ['-c', script, separator, bom ? 'utf-8-sig' : 'utf-8'], {
      input: bytes,
      encoding: 'utf8',
    })
    const rows = JSON.parse(read.stdout) as Record<string, string>[]
    t.ok(
      rows.length > 0 && rows.every((row) => (row.start ?? row.application ?? '') !== ''),
      `${about}: ${read.stderr}`,
    )
    if (file === 'applications.csv')
      t.ok(
        rows.some((row) => row.name === `'${name}`),
        about,
      )
  }
  const asItIs = await (await program('/me/usage?table=applications&escape=none')).text()
  t.match(asItIs, `"${name.replaceAll('"', '""')}"`, 'a program can request unchanged text')
  t.equal((await program('/me/usage?escape=perhaps')).status, 422)
  t.equal((await program('/me/usage?separator=tab')).status, 422)
  t.equal((await program('/me/usage?bom=perhaps')).status, 422)
  for (const [path, file] of [
    ['/usage', 'usage'],
    [`/applications/${id}/usage`, 'usage'],
    ['/usage', 'applications'],
  ] as const) {
    const { text } = await mary.get(path)
    const links = [...text.matchAll(/href="([^"]*separator=semicolon[^"]*)"/g)].map(([, href = '']) => decode(href))
    const own = links.find((href) => href.includes('table=applications') === (file === 'applications')) ?? ''
    t.match(Buffer.from(await (await page(own)).arrayBuffer()).toString('utf8'), /^\ufeff"(start|application)";"/, own)
  }
})
