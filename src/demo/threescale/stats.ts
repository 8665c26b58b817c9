import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { answers } from './reply.js'
import { type State, time, ZONE } from './store.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** Usage of an application (porta, app/controllers/stats/data/*.rb): rolling or fixed windows, one metric a call. */
export function statsRoutes(app: FastifyInstance, state: () => State): void {
  app.get('/stats/applications/:id/usage.json', async (request, reply) => {
    const record = state().applications.find(({ id }) => id === Number((request.params as { id: string }).id))
    if (!record) return reply.code(404).send({ error: 'Application not found' })
    const service = state().services.find(({ id }) => id === record.service_id)
    const plan = state().plans.find(({ id }) => id === record.plan_id)
    const account = state().accounts.find(({ id }) => id === record.account_id)
    return usage(request, reply, service?.metrics ?? [], [record.id], {
      application: {
        id: record.id,
        name: record.name ?? null,
        state: record.state,
        description: record.description ?? null,
        plan: { id: plan?.id, name: plan?.name },
        account: { id: account?.id, name: account?.org_name },
        service: { id: service?.id },
      },
    })
  })

  app.get('/stats/services/:id/usage.json', async (request, reply) => {
    const service = state().services.find(({ id }) => id === Number((request.params as { id: string }).id))
    if (!service) return reply.code(404).send({ error: 'Service not found' })
    const ids = state()
      .applications.filter(({ service_id }) => service_id === service.id)
      .map(({ id }) => id)
    return usage(request, reply, service.metrics, ids, {})
  })

  function usage(
    request: FastifyRequest,
    reply: FastifyReply,
    metrics: State['services'][number]['metrics'],
    ids: number[],
    extra: object,
  ) {
    const query = request.query as Record<string, string>
    const name = query.metric_name
    if (!name) return answers.missing(reply, 'metric_name')
    const metric = metrics.find(({ system_name }) => system_name === name)
    if (!metric) return reply.code(400).send({ error: `metric ${name} not found` })
    const window = windowOf(query)
    if (typeof window === 'string') return reply.code(400).send({ error: window })
    const { since, until, step, period, granularity } = window
    const values: number[] = []
    for (let at = since; at < until; at += step) {
      values.push(ids.reduce((sum, id) => sum + amount(id, name, at, Math.min(at + step, until)), 0))
    }
    const { parent_id: _parent, friendly_name, ...rest } = metric
    return reply.send({
      metric: { ...rest, name: friendly_name },
      period: {
        name: period ?? null,
        since: time(since),
        until: time(until - 1000),
        timezone: query.timezone ?? ZONE,
        granularity,
      },
      total: values.reduce((sum, value) => sum + value, 0),
      values,
      ...extra,
    })
  }

  function amount(id: number, metric: string, from: number, to: number): number {
    const counters = state().hours[`${id}|${metric}`] ?? {}
    return Object.entries(counters).reduce(
      (sum, [at, value]) => (Number(at) >= from && Number(at) < to ? sum + value : sum),
      0,
    )
  }
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
