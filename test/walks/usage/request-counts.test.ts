import t from 'tap'
import { createApi } from '../../helper/api.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

const stack = await startStack(['threescale', 'identity'])
await stack.portal({ CATALOG_TTL: '3600' })
t.teardown(() => stack.close())
t.setTimeout(300_000)
const api = createApi(stack, stack.url)
const DAY = 86_400_000

const mary = createVisitor(stack)
await mary.signIn('mary')
const token = await api.token({ username: 'mary' })
const result = await api.post<{ id: number }>('/applications', token, {
  model: 'granite-chat',
  plan: 'basic',
  name: 'App 1',
  fields: { purpose: 'Experiment' },
})
if (result.status !== 201) throw new Error(result.text)
const first = (await stack.list('applications')).find(({ id }) => id === result.body.id)
const account = `${stack.threescale}/admin/api/accounts/${first?.account_id}/applications`
const plan = (await (await fetch(`${account}/${first?.id}.json?access_token=demo-token`)).json()) as {
  application: { plan_id: number }
}

/** Adds applications as the operator would in 3scale, which is faster than the portal, until the account has so many. */
async function addUntil(count: number): Promise<void> {
  const own = (await stack.list('applications')).filter(({ account_id }) => account_id === first?.account_id)
  for (let number = own.length + 1; number <= count; number++) {
    const body = new URLSearchParams({
      access_token: 'demo-token',
      plan_id: String(plan.application.plan_id),
      name: `App ${number}`,
      description: '',
    })
    const answer = await fetch(`${account}.json`, { method: 'POST', body })
    if (answer.status !== 201) throw new Error(await answer.text())
  }
}

async function use(name: string, amount: number, at = Date.now()): Promise<void> {
  const application = (await stack.list('applications')).find((row) => row.name === name)?.id
  const usage = ['hits', 'total_tokens'].map((metric) => ({
    application,
    metric,
    at: new Date(at).toISOString(),
    amount,
  }))
  const answer = await fetch(`${stack.threescale}/_demo/usage`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(usage),
  })
  if (!answer.ok) throw new Error(await answer.text())
}

/** Calls to 3scale of one page view, by kind. */
async function view(path: string) {
  await stack.resetCalls()
  const page = await mary.get(path)
  t.equal(page.status, 200, path)
  const calls = Object.entries(await stack.calls())
  const count = (part: string) =>
    calls.filter(([call]) => call.includes(part)).reduce((sum, [, amount]) => sum + amount, 0)
  return { page, all: count(''), lists: count('/applications.json'), statistics: count('/stats/') }
}

t.test('20 applications: at most twelve calls if nothing is cached, and only the list after that', async (t) => {
  await addUntil(20)
  await use('App 7', 41)
  // Metrics, limits, and prices of the plan, and the time zone of the tenant, are cached for longer than numbers.
  await mary.get('/usage?range=7d')
  for (const range of ['24h', '30d', '90d', '12m']) {
    const cold = await view(`/usage?range=${range}`)
    t.ok(cold.all <= 12, `${range}: ${cold.all} calls`)
    t.equal(cold.lists, 1, range)
    t.ok(cold.statistics > 0 && cold.statistics <= 10, `${range}: ${cold.statistics} statistics requests`)
    const warm = await view(`/usage?range=${range}`)
    t.equal(warm.statistics, 0, `${range}, again`)
    t.ok(warm.all <= 1, `${range}, again: ${warm.all} calls`)
  }
  const { page } = await view('/usage?range=30d')
  t.match(page.text, 'Totals cover 5 of 20 applications. 3scale reports no traffic of the others in this range.')
  t.match(page.text, />App 7</, 'the application with traffic is on the first page')
  t.match(page.text, /41 calls in the last 30 days/)
})

t.test('the usage of one application requires its list and one call for each metric and window', async (t) => {
  const path = `/applications/${first?.id}/usage`
  await view(`${path}?range=7d`)
  const cold = await view(`${path}?range=30d`)
  t.ok(cold.all <= 12, `${cold.all} calls`)
  t.equal((await view(`${path}?range=30d`)).statistics, 0)
})

t.test('a new application and a deleted one are visible in the next view', async (t) => {
  await mary.get('/usage')
  const created = await api.post<{ id: number }>('/applications', token, {
    model: 'granite-chat',
    plan: 'basic',
    name: 'Just created',
    fields: { purpose: 'Experiment' },
  })
  t.equal(created.status, 201)
  t.match((await mary.get('/usage')).text, 'Totals cover 5 of 21 applications.')
  t.equal((await api.call('DELETE', `/applications/${created.body.id}`, { token })).status, 204)
  t.match((await mary.get('/usage')).text, 'Totals cover 5 of 20 applications.')
})

t.test('500 applications: at most twelve calls for each page, and the page names what its totals cover', async (t) => {
  await addUntil(500)
  for (const [index, number] of [499, 30, 200, 301, 77, 450].entries())
    await use(`App ${number}`, 100 + index, Date.now() - index * DAY)
  const cold = await view('/usage?range=30d')
  t.ok(cold.all <= 12, `${cold.all} calls`)
  t.equal(cold.lists, 1)
  t.match(cold.page.text, 'Totals cover 5 of 500 applications. 2 others may have usage in this range.')
  t.match(cold.page.text, 'Page 1 of 100: 5 of 500 applications, most recently used first.')
  const next = await view('/usage?range=30d&page=2')
  t.ok(next.all <= 12, `${next.all} calls for the second page`)
  t.match(next.page.text, 'Page 2 of 100')
  for (const name of ['App 499', 'App 30', 'App 7']) t.match(cold.page.text + next.page.text, `>${name}<`)
  const last = await view('/usage?range=30d&page=100')
  t.match(last.page.text, 'Totals cover 5 of 500 applications.')
  t.ok(last.all <= 12)
  const complete = await api.get<{ applications_total: number; next_cursor: string | null }>('/me/usage', token)
  t.equal(complete.body.applications_total, 500)
  t.ok(complete.body.next_cursor, 'the API covers all applications in pages')
})
