import { time, zoneNamed } from '../clock.js'
import { type Answer, answers } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import { presentService } from '../products/services.js'
import { rowsWith, rowWith } from '../row-index.js'
import type { Application, Metric, Service, State } from '../store.js'
import { InvalidParameter, previousOf, startOf, Unreadable, type Window, windowOf } from './window.js'

/** The counters of a report, and their names in the response. */
interface Subject {
  state: State
  service: Service
  applications: readonly Application[]
  extra: object
}

/** Usage of applications and products, one metric a call (porta, app/controllers/stats/data/*.rb). */
export function statisticsRoutes(api: Api): void {
  api.get('/stats/applications/:id/usage', (call) => withApplication(call, (subject) => usage(call, subject)))
  api.get('/stats/services/:id/usage', (call) => withService(call, (subject) => usage(call, subject)))
  for (const [kind, find] of [['applications', withApplication] as const, ['services', withService] as const]) {
    api.get(`/stats/${kind}/:id/usage_response_code`, (call) => find(call, (subject) => usageByCode(call, subject)))
    api.get(`/stats/${kind}/:id/summary`, (call) => find(call, summary))
  }
  api.get('/stats/services/:id/top_applications', (call) => withService(call, (subject) => top(call, subject)))
}

function withApplication({ state, id }: Call, work: (subject: Subject) => Answer): Answer {
  const application = rowWith(state.applications, 'id', id('id'))
  const service = rowWith(state.services, 'id', application?.service_id)
  if (!application || !service) return answers.error(404, 'Application not found')
  const plan = rowWith(state.plans, 'id', application.plan_id)
  const account = rowWith(state.accounts, 'id', application.account_id)
  const shown = {
    id: application.id,
    name: application.name ?? null,
    state: application.state,
    link: `/p/admin/applications/${application.id}`,
    description: application.description ?? null,
    plan: { id: plan?.id, name: plan?.name },
    account: { id: account?.id, name: account?.org_name, link: `/buyers/accounts/${account?.id}` },
    service: { id: service.id },
  }
  return work({ state, service, applications: [application], extra: { application: shown } })
}

function withService({ state, id }: Call, work: (subject: Subject) => Answer): Answer {
  const service = presentService(state, id('id'))
  if (!service) return answers.error(404, 'Service not found')
  const applications = rowsWith(state.applications, 'service_id', service.id)
  return work({ state, service, applications, extra: {} })
}

function usage(call: Call, subject: Subject): Answer {
  const name = call.query.metric_name
  if (!name) return answers.missing('metric_name')
  return answered(call, (window, zone) => {
    const metric = metricNamed(subject.service, String(name))
    return { metric: detail(metric), ...counted(call, subject, metric.system_name, window, zone), ...subject.extra }
  })
}

/** Only these are stored; any other code is always 0. */
function usageByCode(call: Call, subject: Subject): Answer {
  const code = call.query.response_code
  if (!code) return answers.missing('response_code')
  return answered(call, (window, zone) => ({
    response_code: { code: String(code) },
    ...counted(call, subject, `response_code:${code}`, window, zone),
    ...subject.extra,
  }))
}

function answered({ query, state }: Call, work: (window: Window, zone: string) => object): Answer {
  const asked = query as Record<string, string>
  const missing = asked.period ? undefined : ['granularity', 'since'].find((name) => !asked[name])
  if (missing) return answers.missing(missing)
  return readable(() => {
    const zone = zoneOf(asked, state)
    return work(windowOf(asked, zone, Date.now()), zone)
  })
}

function readable(work: () => object): Answer {
  try {
    return answers.ok(work())
  } catch (error) {
    if (error instanceof InvalidParameter) return answers.error(400, error.message)
    if (error instanceof Unreadable) return answers.internal
    throw error
  }
}

function zoneOf({ timezone }: Record<string, string>, state: State): string {
  const zone = zoneNamed(timezone ?? state.zone)
  if (!zone) throw new Unreadable(`no zone: ${timezone}`)
  return zone
}

function counted(
  { query }: Call,
  { state, applications }: Subject,
  name: string,
  window: Window,
  zone: string,
): object {
  const counters = applications.map(({ id }) => state.backend.hours[`${id}|${name}`] ?? {})
  const values = valuesIn(window, counters)
  const total = sum(values)
  const { period, granularity, starts, until } = window
  const shown = {
    period: {
      name: period,
      since: time(starts[0] ?? 0, zone),
      until: time(until - 1000, zone),
      timezone: zone,
      granularity,
    },
    total,
    values,
  }
  if (query.skip_change !== 'false') return shown
  const before = sum(valuesIn(previousOf(window, zone), counters))
  return { ...shown, previous_total: before, change: changeOf(total, before) }
}

function valuesIn({ starts, until }: Window, counters: Record<string, number>[]): number[] {
  const entries = counters
    .flatMap((hours) => Object.entries(hours).map(([at, amount]) => [Number(at), amount] as const))
    .sort(([a], [b]) => a - b)
  let next = entries.findIndex(([at]) => at >= (starts[0] ?? 0))
  if (next === -1) next = entries.length
  return starts.map((_, index) => {
    const end = starts[index + 1] ?? until
    let amount = 0
    for (let entry = entries[next]; entry && entry[0] < end; entry = entries[++next]) amount += entry[1]
    return amount
  })
}

/** At most ten, the busiest first, in the calendar period that holds `since`. */
function top({ query }: Call, { state, service, applications }: Subject): Answer {
  const asked = query as Record<string, string>
  const missing = ['metric_name', 'period', 'since'].find((name) => !asked[name])
  if (missing) return answers.missing(missing)
  return readable(() => {
    const zone = zoneOf(asked, state)
    const metric = metricNamed(service, asked.metric_name ?? '')
    const given = windowOf(asked, zone, Date.now())
    const begin = startOf(asked.period ?? 'day', given.starts[0] ?? 0, zone)
    const window = windowOf({ ...asked, since: time(begin, zone) }, zone, Date.now())
    const rows = applications
      .map((row) => ({
        row,
        used: sum(valuesIn(window, [state.backend.hours[`${row.id}|${metric.system_name}`] ?? {}])),
      }))
      .filter(({ used }) => used > 0)
      .sort((a, b) => b.used - a.used)
      .slice(0, 10)
    return {
      applications: rows.map(({ row, used }) => topRow(state, row, used)),
      metric: detail(metric),
      period: { name: asked.period, since: time(begin, zone), until: time(window.until - 1000, zone) },
    }
  })
}

/** The value is a text. */
function topRow(state: State, row: Application, used: number): object {
  const account = rowWith(state.accounts, 'id', row.account_id)
  const plan = rowWith(state.plans, 'id', row.plan_id)
  return {
    name: row.name ?? null,
    id: row.id,
    value: String(used),
    account: { id: account?.id, name: account?.org_name },
    plan: { id: plan?.id, name: plan?.name },
    service: { id: row.service_id },
  }
}

function summary({ service: { metrics } }: Subject): Answer {
  const rows = (methods: boolean) =>
    metrics.filter(({ parent_id }) => (parent_id !== undefined) === methods).map((metric) => detail(metric))
  return answers.ok({ metrics: rows(false), methods: rows(true) })
}

function metricNamed(service: Service, name: string): Metric {
  const metric = service.metrics.find(({ system_name }) => system_name === name)
  if (!metric) throw new InvalidParameter(`metric ${name} not found`)
  return metric
}

function detail({ id, friendly_name, system_name, unit }: Metric): object {
  return { id, name: friendly_name, system_name, unit }
}

function changeOf(total: number, before: number): number {
  if (total === before) return 0
  return before === 0 ? 100 : ((total - before) / before) * 100
}

function sum(values: number[]): number {
  return values.reduce((whole, value) => whole + value, 0)
}
