import { type Answer, answers } from './answers.js'
import { time, ZONE } from './clock.js'
import type { Api, Call } from './router.js'
import type { Metric, State } from './store.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** Usage of applications and products (porta, app/controllers/stats/data/*.rb): rolling or fixed windows, one metric a call. */
export function statsRoutes(api: Api): void {
  api.get('/stats/applications/:id/usage', (call) => {
    const { state } = call
    const record = state.applications.find(({ id }) => id === call.id('id'))
    if (!record) return answers.error(404, 'Application not found')
    const service = state.services.find(({ id }) => id === record.service_id)
    const plan = state.plans.find(({ id }) => id === record.plan_id)
    const account = state.accounts.find(({ id }) => id === record.account_id)
    return usage(call, service?.metrics ?? [], [record.id], {
      application: {
        id: record.id,
        name: record.name ?? null,
        state: record.state,
        link: `/p/admin/applications/${record.id}`,
        description: record.description ?? null,
        plan: { id: plan?.id, name: plan?.name },
        account: { id: account?.id, name: account?.org_name, link: `/buyers/accounts/${account?.id}` },
        service: { id: service?.id },
      },
    })
  })

  api.get('/stats/services/:id/usage', (call) => {
    const service = call.state.services.find(({ id }) => id === call.id('id'))
    if (!service) return answers.error(404, 'Service not found')
    const ids = call.state.applications.filter(({ service_id }) => service_id === service.id).map(({ id }) => id)
    return usage(call, service.metrics, ids, {})
  })
}

function usage({ query, state }: Call, metrics: Metric[], ids: number[], extra: object): Answer {
  const asked = query as Record<string, string>
  const name = asked.metric_name
  if (!name) return answers.missing('metric_name')
  const metric = metrics.find(({ system_name }) => system_name === name)
  if (!metric) return answers.error(400, `metric ${name} not found`)
  const window = windowOf(asked)
  if (typeof window === 'string') return answers.error(400, window)
  const { since, until, step, period, granularity } = window
  const values: number[] = []
  for (let at = since; at < until; at += step) {
    values.push(ids.reduce((sum, id) => sum + amount(state, id, name, at, Math.min(at + step, until)), 0))
  }
  const { id, friendly_name, system_name, unit } = metric
  return answers.ok({
    metric: { id, name: friendly_name, system_name, unit },
    period: {
      name: period ?? null,
      since: time(since),
      until: time(until - 1000),
      timezone: asked.timezone ?? ZONE,
      granularity,
    },
    total: values.reduce((sum, value) => sum + value, 0),
    values,
    ...extra,
  })
}

function amount(state: State, id: number, metric: string, from: number, to: number): number {
  const counters = state.hours[`${id}|${metric}`] ?? {}
  return Object.entries(counters).reduce(
    (sum, [at, value]) => (Number(at) >= from && Number(at) < to ? sum + value : sum),
    0,
  )
}

const periods: Record<string, { length: number; step: number; granularity: string | number }> = {
  day: { length: DAY, step: HOUR, granularity: 'hour' },
  week: { length: 7 * DAY, step: 6 * HOUR, granularity: 21_600 },
  month: { length: 30 * DAY, step: DAY, granularity: 'day' },
  year: { length: 365 * DAY, step: 30 * DAY, granularity: 'month' },
}

function windowOf(query: Record<string, string>) {
  const period = query.period
  const since = query.since === undefined ? undefined : Date.parse(query.since)
  if (since !== undefined && Number.isNaN(since)) return 'Date parameters should have valid date/time format.'
  if (period) {
    const shape = periods[period]
    if (!shape) return `Period must be one of ["eternity", "year", "month", "week", "day"] not "${period}"`
    if (since !== undefined) {
      const start = Math.floor(since / shape.step) * shape.step
      return { since: start, until: start + shape.length, step: shape.step, period, granularity: shape.granularity }
    }
    const until = (Math.floor(Date.now() / shape.step) + 1) * shape.step
    return { since: until - shape.length - shape.step, until, step: shape.step, period, granularity: shape.granularity }
  }
  const granularity = query.granularity
  const step =
    granularity === 'hour' ? HOUR : granularity === 'day' ? DAY : granularity === 'month' ? 30 * DAY : undefined
  const until = Date.parse(query.until ?? '')
  if (!step || since === undefined || Number.isNaN(until)) return 'Date parameters should have valid date/time format.'
  if (step === HOUR && until - since > 90 * DAY) return 'Time range for the granularity must be less than 90 days'
  return {
    since: Math.floor(since / step) * step,
    until: (Math.floor(until / step) + 1) * step,
    step,
    period: undefined,
    granularity,
  }
}
