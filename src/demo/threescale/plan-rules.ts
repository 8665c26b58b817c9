import { type Answer, answers, page } from './answers.js'
import { textOf, wrapped } from './params.js'
import * as show from './represent/catalogue.js'
import type { Api, Call } from './router.js'
import { type Metric, nextId, type Plan } from './store.js'

const base = '/admin/api/application_plans/:plan'
const ofMetric = `${base}/metrics/:metric`
const PERIODS = ['minute', 'hour', 'day', 'week', 'month', 'year', 'eternity']

/** What a plan allows, what it costs and what comes with it. */
export function planRuleRoutes(api: Api): void {
  api.get(`${base}/limits`, (call) =>
    withPlan(call, (plan) => {
      const { rows, metadata } = page(plan.limits, call.query)
      return answers.ok({
        limits: rows.map((row) => ({ limit: show.limit(row, plan, call.host) })),
        ...(metadata && { metadata }),
      })
    }),
  )
  // by metric alone: the limits of that metric in all plans (app/controllers/admin/api/application_plan_metric_limits_controller.rb)
  api.get(`${ofMetric}/limits`, (call) =>
    withMetric(call, (_plan, { id }) => {
      const rows = call.state.plans.flatMap((plan) =>
        plan.limits.filter(({ metric_id }) => metric_id === id).map((row) => show.limit(row, plan, call.host)),
      )
      return answers.ok({ limits: rows.map((limit) => ({ limit })) })
    }),
  )
  api.post(`${ofMetric}/limits`, (call) =>
    withMetric(call, (plan, metric) => {
      const given = wrapped(call, 'usage_limit', ['period', 'value'])
      if ('refusal' in given) return given.refusal
      const period = textOf(given.attributes, 'period') ?? ''
      if (!PERIODS.includes(period)) return answers.invalid({ period: ['is invalid'] })
      if (plan.limits.some((row) => row.metric_id === metric.id && row.period === period))
        return answers.invalid({ period: ['has already been taken'] })
      const value = amountOf(textOf(given.attributes, 'value'))
      const row = { id: nextId(call.state, 'limit'), metric_id: metric.id, period, value }
      plan.limits.push(row)
      return answers.created(row.id, { limit: show.limit(row, plan, call.host) })
    }),
  )
  api.get(`${ofMetric}/limits/:limit`, (call) => withLimit(call, (row, plan) => shownLimit(row, plan, call)))
  api.update(`${ofMetric}/limits/:limit`, (call) =>
    withLimit(call, (row, plan) => {
      const given = wrapped(call, 'usage_limit', ['period', 'value'])
      if ('refusal' in given) return given.refusal
      const period = textOf(given.attributes, 'period') ?? row.period
      if (!PERIODS.includes(period)) return answers.invalid({ period: ['is invalid'] })
      const value = textOf(given.attributes, 'value')
      Object.assign(row, { period, ...(value === undefined ? {} : { value: amountOf(value) }) })
      return shownLimit(row, plan, call)
    }),
  )
  api.delete(`${ofMetric}/limits/:limit`, (call) =>
    withLimit(call, (row, plan) => {
      plan.limits = plan.limits.filter(({ id }) => id !== row.id)
      return answers.empty
    }),
  )

  api.get(`${base}/pricing_rules`, (call) => withPlan(call, (plan) => shownRules(plan.pricing_rules, plan)))
  api.get(`${ofMetric}/pricing_rules`, (call) =>
    withMetric(call, (plan, metric) =>
      shownRules(
        plan.pricing_rules.filter(({ metric_id }) => metric_id === metric.id),
        plan,
      ),
    ),
  )
  api.post(`${ofMetric}/pricing_rules`, (call) =>
    withMetric(call, (plan, metric) => {
      const given = wrapped(call, 'pricing_rule', ['min', 'max', 'cost_per_unit'])
      if ('refusal' in given) return given.refusal
      const cost_per_unit = textOf(given.attributes, 'cost_per_unit') ?? '0'
      const min = Number(textOf(given.attributes, 'min') || 1)
      const max = textOf(given.attributes, 'max')
      if (Number.isNaN(Number(cost_per_unit))) return answers.invalid({ cost_per_unit: ['is not a number'] })
      if (!/^\d+\.?\d{0,4}$/.test(cost_per_unit)) return answers.invalid({ cost_per_unit: ['maximum decimals is 4.'] })
      if (!Number.isInteger(min) || min < 1) return answers.invalid({ min: ['must be greater than or equal to 1'] })
      const row = {
        id: nextId(call.state, 'pricing_rule'),
        metric_id: metric.id,
        cost_per_unit: String(Number(cost_per_unit)),
        min,
        ...(max ? { max: Number(max) } : {}),
      }
      plan.pricing_rules.push(row)
      return answers.created(row.id, { pricing_rule: show.pricingRule(row, plan) })
    }),
  )
  api.delete(`${ofMetric}/pricing_rules/:rule`, (call) =>
    withMetric(call, (plan) => {
      if (!plan.pricing_rules.some(({ id }) => id === call.id('rule'))) return answers.notFound
      plan.pricing_rules = plan.pricing_rules.filter(({ id }) => id !== call.id('rule'))
      return answers.empty
    }),
  )

  api.get(`${base}/features`, (call) =>
    withPlan(call, (plan) => {
      const service = call.state.services.find(({ id }) => id === plan.service_id)
      const rows = call.state.features.filter(({ id }) => plan.feature_ids.includes(id))
      return answers.ok({ features: service ? rows.map((row) => ({ feature: show.feature(row, service) })) : [] })
    }),
  )
}

function withPlan(call: Call, work: (plan: Plan) => Answer): Answer {
  const plan = call.state.plans.find(({ id }) => id === call.id('plan'))
  return plan ? work(plan) : answers.notFound
}

function withMetric(call: Call, work: (plan: Plan, metric: Metric) => Answer): Answer {
  return withPlan(call, (plan) => {
    const service = call.state.services.find(({ id }) => id === plan.service_id)
    const metric = service?.metrics.find(({ id }) => id === call.id('metric'))
    return metric ? work(plan, metric) : answers.notFound
  })
}

function withLimit(call: Call, work: (row: Plan['limits'][number], plan: Plan) => Answer): Answer {
  return withMetric(call, (plan, metric) => {
    const row = plan.limits.find(({ id, metric_id }) => id === call.id('limit') && metric_id === metric.id)
    return row ? work(row, plan) : answers.notFound
  })
}

function shownLimit(row: Plan['limits'][number], plan: Plan, { host }: Call): Answer {
  return answers.ok({ limit: show.limit(row, plan, host) })
}

function shownRules(rows: Plan['pricing_rules'], plan: Plan): Answer {
  return answers.ok({ pricing_rules: rows.map((row) => ({ pricing_rule: show.pricingRule(row, plan) })) })
}

/** Blank or negative is kept as 0, which means that the metric is disabled. */
function amountOf(text: string | undefined): number {
  const amount = Math.trunc(Number(text ?? 0))
  return Number.isFinite(amount) && amount > 0 ? amount : 0
}
