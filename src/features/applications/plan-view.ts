import { dateWords, number } from '../../web/words.js'
import type { ModelPlan, PlanLimit } from '../models/schemas.js'
import { perPeriod, priceWords } from '../models/words.js'
import type { Comparison } from './plan-changes.js'

/** What changes between two plans, row by row; rows that stay the same say so. */
export function planView(c: Comparison, planError: string) {
  const { application, current, wanted, others } = c
  const base = `/applications/${application.id}`
  const chosen = wanted ?? (others.length === 1 ? others[0] : undefined)
  return {
    title: `Change the plan of ${application.name}`,
    name: application.name,
    base,
    current: application.plan_name,
    refused: c.refused?.message ?? '',
    rule: c.refused?.rule ?? '',
    wish: wishWords(c),
    planError,
    none: others.length === 0,
    choices:
      others.length > 1
        ? others.map(({ system_name, name }) => ({
            value: system_name,
            name,
            selected: system_name === chosen?.system_name,
          }))
        : [],
    chosen: chosen && { name: chosen.name, systemName: chosen.system_name },
    rows: chosen ? rowsOf(current, chosen) : [],
    lead:
      c.way === 'request'
        ? 'The operator decides about plans here: your wish is sent to them, and nothing changes until they agree.'
        : 'The new plan counts at once. The key stays the same.',
    button: c.way === 'request' ? 'Send the request' : 'Change the plan',
  }
}

function wishWords({ wish, application, others }: Comparison): string {
  const plan = wish && others.find(({ system_name }) => system_name === wish.plan)
  if (!wish || !plan || wish.plan === application.plan) return ''
  return `You asked the operator for the plan ${plan.name} on ${dateWords(wish.at)}. They have not changed it yet.`
}

function rowsOf(before: ModelPlan | undefined, after: ModelPlan) {
  const facts: [string, (plan: ModelPlan) => string][] = [
    ['Price', priceWords],
    ['Trial', ({ trial_period_days }) => (trial_period_days === 0 ? 'None' : `${trial_period_days} days`)],
    ...limitNames(before, after).map(({ metric, label }): [string, (plan: ModelPlan) => string] => [
      label,
      (plan) => limitsOf(plan, metric),
    ]),
    ['Approval', ({ approval_required }) => (approval_required ? 'By the operator first' : 'Not needed')],
  ]
  return facts.map(([label, tell]) => {
    const [was, will] = [before ? tell(before) : 'Not known', tell(after)]
    return { label, was, will, same: was === will }
  })
}

/** Each metric that one of the two limits; where neither limits any, one row says so. */
function limitNames(before: ModelPlan | undefined, after: ModelPlan) {
  const names = new Map<string, string>()
  for (const { metric, metric_name } of [...(before?.limits ?? []), ...(after.limits ?? [])])
    names.set(metric, metric === 'hits' ? 'Calls' : metric_name)
  const rows = [...names].map(([metric, label]) => ({ metric, label }))
  return rows.length > 0 ? rows : [{ metric: 'hits', label: 'Calls' }]
}

function limitsOf({ limits }: ModelPlan, metric: string): string {
  const own = (limits ?? []).filter((limit) => limit.metric === metric)
  return own.length === 0 ? 'No limit' : own.map(amountWords).join(', ')
}

function amountWords({ period, value }: PlanLimit): string {
  return value === 0 ? 'Not included' : `${number(value)} ${perPeriod[period]}`
}
