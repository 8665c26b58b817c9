import { textOf, wrapped } from '../http/params.js'
import { update } from '../http/records.js'
import { type Answer, answers, page } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import { listTag } from '../http/tags.js'
import * as show from '../represent/products.js'
import { viewOf } from '../represent/representation.js'
import { rowWith } from '../row-index.js'
import { type Limit, type Metric, nextId, type Plan, type PricingRule } from '../store.js'

const base = '/admin/api/application_plans/:plan'
const ofMetric = `${base}/metrics/:metric`
const PERIODS = ['minute', 'hour', 'day', 'week', 'month', 'year', 'eternity']

/** The limits, prices and features of a plan. */
export function planRuleRoutes(api: Api): void {
  api.get(
    `${base}/limits`,
    (call) =>
      withPlan(call, (plan) => {
        const { rows, metadata } = page(plan.limits, call.query)
        return answers.ok({
          limits: rows.map((row) => ({ limit: show.limit(row, plan, viewOf(call)) })),
          ...(metadata && { metadata }),
        })
      }),
    (call) => {
      const plan = rowWith(call.state.plans, 'id', call.id('plan'))
      return plan && listTag(page(plan.limits, call.query).rows, call)
    },
  )
  // by metric only: the limits of that metric in all plans (app/controllers/admin/api/application_plan_metric_limits_controller.rb)
  api.get(`${ofMetric}/limits`, (call) =>
    withMetric(call, (_plan, { id }) => {
      const rows = call.state.plans.flatMap((plan) =>
        plan.limits.filter(({ metric_id }) => metric_id === id).map((row) => show.limit(row, plan, viewOf(call))),
      )
      return answers.ok({ limits: rows.map((limit) => ({ limit })) })
    }),
  )
  api.post(`${ofMetric}/limits`, (call) =>
    withMetric(call, async (plan, metric) => {
      const given = wrapped(call, 'usage_limit', ['period', 'value'])
      if ('refusal' in given) return given.refusal
      const period = textOf(given.attributes, 'period') ?? ''
      if (!PERIODS.includes(period)) return answers.invalid({ period: ['is invalid'] })
      if (plan.limits.some((row) => row.metric_id === metric.id && row.period === period))
        return answers.invalid({ period: ['has already been taken'] })
      const value = amountOf(textOf(given.attributes, 'value'))
      return call.write(() => {
        const now = call.clock.now()
        const stamps = { created_at: now, updated_at: now }
        const row: Limit = { id: nextId(call.state, 'limit'), metric_id: metric.id, period, value, ...stamps }
        plan.limits.push(row)
        return answers.created(row.id, { limit: show.limit(row, plan, viewOf(call)) })
      })
    }),
  )
  api.get(`${ofMetric}/limits/:limit`, (call) => withLimit(call, (row, plan) => shownLimit(row, plan, call)))
  api.update(`${ofMetric}/limits/:limit`, (call) =>
    withLimit(call, async (row, plan) => {
      const given = wrapped(call, 'usage_limit', ['period', 'value'])
      if ('refusal' in given) return given.refusal
      const period = textOf(given.attributes, 'period') ?? row.period
      if (!PERIODS.includes(period)) return answers.invalid({ period: ['is invalid'] })
      const value = textOf(given.attributes, 'value')
      return call.write(() => {
        update(row, { period, ...(value === undefined ? {} : { value: amountOf(value) }) }, call.clock)
        return shownLimit(row, plan, call)
      })
    }),
  )
  api.delete(`${ofMetric}/limits/:limit`, (call) =>
    withLimit(call, async (row, plan) =>
      call.write(() => {
        plan.limits = plan.limits.filter(({ id }) => id !== row.id)
        return answers.empty
      }),
    ),
  )

  api.get(
    `${base}/pricing_rules`,
    (call) => withPlan(call, (plan) => shownRules(plan.pricing_rules, plan, call)),
    (call) => {
      const plan = rowWith(call.state.plans, 'id', call.id('plan'))
      return plan && listTag(plan.pricing_rules, call)
    },
  )
  api.get(`${ofMetric}/pricing_rules`, (call) =>
    withMetric(call, (plan, metric) =>
      shownRules(
        plan.pricing_rules.filter(({ metric_id }) => metric_id === metric.id),
        plan,
        call,
      ),
    ),
  )
  api.post(`${ofMetric}/pricing_rules`, (call) =>
    withMetric(call, async (plan, metric) => {
      const given = wrapped(call, 'pricing_rule', ['min', 'max', 'cost_per_unit'])
      if ('refusal' in given) return given.refusal
      const cost_per_unit = textOf(given.attributes, 'cost_per_unit') ?? '0'
      const min = Number(textOf(given.attributes, 'min') || 1)
      const max = textOf(given.attributes, 'max')
      if (Number.isNaN(Number(cost_per_unit))) return answers.invalid({ cost_per_unit: ['is not a number'] })
      if (!/^\d+\.?\d{0,4}$/.test(cost_per_unit)) return answers.invalid({ cost_per_unit: ['maximum decimals is 4.'] })
      if (!Number.isInteger(min) || min < 1) return answers.invalid({ min: ['must be greater than or equal to 1'] })
      const others = plan.pricing_rules.filter(({ metric_id }) => metric_id === metric.id)
      if (others.some((rule) => rule.max === undefined || rule.max >= min))
        return answers.invalid({
          min: ["The 'From' value must be greater than the 'To' values of other existing rules"],
        })
      return call.write(() => {
        const now = call.clock.now()
        const row: PricingRule = {
          id: nextId(call.state, 'pricing_rule'),
          metric_id: metric.id,
          cost_per_unit: String(Number(cost_per_unit)),
          min,
          ...(max ? { max: Number(max) } : {}),
          created_at: now,
          updated_at: now,
        }
        plan.pricing_rules.push(row)
        return answers.created(row.id, { pricing_rule: show.pricingRule(row, plan, viewOf(call)) })
      })
    }),
  )
  api.delete(`${ofMetric}/pricing_rules/:rule`, (call) =>
    withMetric(call, async (plan) => {
      if (!plan.pricing_rules.some(({ id }) => id === call.id('rule'))) return answers.notFound
      return call.write(() => {
        plan.pricing_rules = plan.pricing_rules.filter(({ id }) => id !== call.id('rule'))
        return answers.empty
      })
    }),
  )

  api.get(`${base}/features`, (call) =>
    withPlan(call, (plan) => {
      const rows = call.state.features.filter(({ id }) => plan.feature_ids.includes(id))
      return answers.ok({ features: rows.map((row) => ({ feature: show.feature(row, viewOf(call)) })) })
    }),
  )
}

function withPlan(call: Call, work: (plan: Plan) => Answer | Promise<Answer>): Answer | Promise<Answer> {
  const plan = rowWith(call.state.plans, 'id', call.id('plan'))
  return plan ? work(plan) : answers.notFound
}

function withMetric(
  call: Call,
  work: (plan: Plan, metric: Metric) => Answer | Promise<Answer>,
): Answer | Promise<Answer> {
  return withPlan(call, (plan) => {
    const service = rowWith(call.state.services, 'id', plan.service_id)
    const ofBackends = call.state.backends
      .filter(({ id }) => service?.usages.some(({ backend_id }) => backend_id === id))
      .flatMap(({ metrics }) => metrics)
    const metric = [...(service?.metrics ?? []), ...ofBackends].find(({ id }) => id === call.id('metric'))
    return metric ? work(plan, metric) : answers.notFound
  })
}

function withLimit(call: Call, work: (row: Limit, plan: Plan) => Answer | Promise<Answer>): Answer | Promise<Answer> {
  return withMetric(call, (plan, metric) => {
    const row = plan.limits.find(({ id, metric_id }) => id === call.id('limit') && metric_id === metric.id)
    return row ? work(row, plan) : answers.notFound
  })
}

function shownLimit(row: Limit, plan: Plan, call: Call): Answer {
  return answers.ok({ limit: show.limit(row, plan, viewOf(call)) })
}

function shownRules(rows: PricingRule[], plan: Plan, call: Call): Answer {
  return answers.ok({ pricing_rules: rows.map((row) => ({ pricing_rule: show.pricingRule(row, plan, viewOf(call)) })) })
}

/** Blank or negative is stored as 0, which means that the metric is disabled. */
function amountOf(text: string | undefined): number {
  const amount = Math.trunc(Number(text ?? 0))
  return Number.isFinite(amount) && amount > 0 ? amount : 0
}
