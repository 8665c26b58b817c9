import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Application, Plan, Service, State } from './store.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** apisonator's listener: authrep, authorize and report (apisonator, lib/3scale/backend/transactor.rb, validators). */
export function backendRoutes(app: FastifyInstance, state: () => State): void {
  app.get('/transactions/authrep.xml', async (request, reply) =>
    authorize(request.query as Record<string, string>, reply, true),
  )
  app.get('/transactions/authorize.xml', async (request, reply) =>
    authorize(request.query as Record<string, string>, reply, false),
  )

  function authorize(query: Record<string, string>, reply: FastifyReply, report: boolean) {
    const service = state().services.find(({ id }) => id === Number(query.service_id))
    if (!service || query.service_token !== `LEAK-service-token-${service.id}`)
      return refuse(reply, 403, 'service_token_invalid')
    if (query.user_key && query.app_id) return refuse(reply, 403, 'authentication_error')
    const application = find(service, query)
    if (!application)
      return service.backend_version === '1'
        ? refuse(reply, 403, 'user_key_invalid')
        : refuse(reply, 404, 'application_not_found')
    if (service.backend_version === '2' && !keyFits(application, query.app_key))
      return refuse(reply, 409, 'application_key_invalid')
    if (application.state !== 'live') return refuse(reply, 409, 'application_not_active')
    const usage = usageOf(query)
    const unknown = Object.keys(usage).some((name) => !service.metrics.some(({ system_name }) => system_name === name))
    if (unknown) return refuse(reply, 404, 'metric_invalid')
    const whole = withAncestors(usage, service)
    const plan = state().plans.find(({ id }) => id === application.plan_id)
    const exceeded = plan && exceededLimit(application, plan, service, whole)
    if (exceeded) {
      reply
        .header('3scale-limit-max-value', exceeded.value)
        .header('3scale-limit-reset', exceeded.reset)
        .header('3scale-limit-remaining', 0)
      return refuse(reply, 409, 'limits_exceeded')
    }
    if (report) {
      countUsage(state(), application, whole, Date.now())
      countCode(application, query['log[code]'])
    }
    return reply
      .type('application/vnd.3scale-v2.0+xml')
      .send('<?xml version="1.0" encoding="UTF-8"?><status><authorized>true</authorized></status>')
  }

  function find(service: Service, query: Record<string, string>): Application | undefined {
    const ofService = state().applications.filter(({ service_id }) => service_id === service.id)
    if (service.backend_version === '1') return ofService.find(({ user_key }) => user_key === query.user_key)
    return ofService.find(({ application_id }) => application_id === query.app_id)
  }

  function exceededLimit(application: Application, plan: Plan, service: Service, usage: Record<string, number>) {
    for (const limit of plan.limits) {
      const metric = service.metrics.find(({ id }) => id === limit.metric_id)?.system_name ?? ''
      const delta = usage[metric]
      if (delta === undefined) continue
      const start = periodStart(limit.period, Date.now())
      if (used(application.id, metric, start, limit.period === 'minute') + delta > limit.value) {
        return {
          value: limit.value,
          reset:
            limit.period === 'eternity' ? -1 : Math.ceil((periodEnd(limit.period, Date.now()) - Date.now()) / 1000),
        }
      }
    }
    return undefined
  }

  function used(application: number, metric: string, since: number, byMinute: boolean): number {
    const counters = (byMinute ? state().minutes : state().hours)[`${application}|${metric}`] ?? {}
    return Object.entries(counters).reduce((sum, [at, amount]) => (Number(at) >= since ? sum + amount : sum), 0)
  }

  function countCode(application: Application, code: string | undefined): void {
    if (code === undefined) return
    const kept = ['200', '403', '404', '500', '503'].includes(code) ? [code] : []
    const group = /^[245]\d\d$/.test(code) ? [`${code[0]}XX`] : []
    const names = [...kept, ...group].map((name) => [`response_code:${name}`, 1] as const)
    countUsage(state(), application, Object.fromEntries(names), Date.now())
  }
}

/** Adds to the counters of an hour and, for limits, of a minute. */
export function countUsage(state: State, application: Application, usage: Record<string, number>, at: number): void {
  application.first_traffic_at ??= at
  if (Math.floor((application.first_daily_traffic_at ?? 0) / DAY) < Math.floor(at / DAY))
    application.first_daily_traffic_at = at
  for (const [metric, amount] of Object.entries(usage)) {
    const key = `${application.id}|${metric}`
    const hours = state.hours[key] ?? {}
    const minutes = state.minutes[key] ?? {}
    state.hours[key] = hours
    state.minutes[key] = minutes
    add(hours, Math.floor(at / HOUR) * HOUR, amount)
    add(minutes, Math.floor(at / MINUTE) * MINUTE, amount)
    for (const minute of Object.keys(minutes)) if (Number(minute) < Date.now() - 3 * MINUTE) delete minutes[minute]
  }
}

function add(counters: Record<string, number>, at: number, amount: number): void {
  counters[String(at)] = (counters[String(at)] ?? 0) + amount
}

function keyFits(application: Application, key: string | undefined): boolean {
  return application.keys.length === 0 || application.keys.some(({ value }) => value === key?.trim())
}

function usageOf(query: Record<string, string>): Record<string, number> {
  const usage: Record<string, number> = {}
  for (const [name, value] of Object.entries(query)) {
    const metric = /^usage\[(.+)\]$/.exec(name)?.[1]
    if (metric) usage[metric] = Number(value)
  }
  return usage
}

/** A method's hits are also its parent's. */
export function withAncestors(usage: Record<string, number>, service: Service): Record<string, number> {
  const whole: Record<string, number> = {}
  for (const [name, amount] of Object.entries(usage)) {
    let metric = service.metrics.find(({ system_name }) => system_name === name)
    while (metric) {
      whole[metric.system_name] = (whole[metric.system_name] ?? 0) + amount
      const parent = metric.parent_id
      metric = service.metrics.find(({ id }) => id === parent)
    }
  }
  return whole
}

/** Calendar periods in UTC; the week starts on Monday (apisonator, period/boundary.rb). */
function periodStart(period: string, now: number): number {
  const date = new Date(now)
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
  switch (period) {
    case 'minute':
      return Math.floor(now / MINUTE) * MINUTE
    case 'hour':
      return Math.floor(now / HOUR) * HOUR
    case 'day':
      return Date.UTC(year, month, day)
    case 'week':
      return Date.UTC(year, month, day - ((date.getUTCDay() + 6) % 7))
    case 'month':
      return Date.UTC(year, month, 1)
    case 'year':
      return Date.UTC(year, 0, 1)
    default:
      return 0
  }
}

function periodEnd(period: string, now: number): number {
  const start = periodStart(period, now)
  const date = new Date(start)
  if (period === 'month') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
  if (period === 'year') return Date.UTC(date.getUTCFullYear() + 1, 0, 1)
  const lengths: Record<string, number> = { minute: MINUTE, hour: HOUR, day: 24 * HOUR, week: 7 * 24 * HOUR }
  return start + (lengths[period] ?? 0)
}

function refuse(reply: FastifyReply, status: number, reason: string) {
  return reply
    .code(status)
    .header('3scale-rejection-reason', reason)
    .type('application/vnd.3scale-v2.0+xml')
    .send(`<?xml version="1.0" encoding="UTF-8"?><error code="${reason}"></error>`)
}
