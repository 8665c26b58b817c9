import { priceLabel } from '../../models/messages.js'
import type { ModelPlan } from '../../models/schemas.js'
import { comparisonRows, comparisonValues, planPage } from './messages.js'
import type { PlanComparison } from './plan-changes.js'

/** The differences between two plans, row by row; equal rows are marked. */
export function planView(comparison: PlanComparison, planError: string) {
  const { application, current, selected, others, way, rejection } = comparison
  const sent = requestedPlan(comparison)
  const target = selected ?? sent ?? (others.length === 1 ? others[0] : undefined)
  return {
    title: planPage.title(application.name),
    name: application.name,
    base: `/applications/${application.id}`,
    current: application.plan_name,
    rejection: rejection?.message ?? '',
    requested: requestedMessage(comparison),
    planError,
    none: others.length === 0,
    choices:
      others.length > 1
        ? others.map(({ system_name, name }) => ({
            value: system_name,
            name,
            selected: system_name === target?.system_name,
          }))
        : [],
    chosen: target && { name: target.name, systemName: target.system_name },
    rows: target ? rowsOf(current, target) : [],
    isSent: way === 'request' && sent !== undefined && sent.system_name === target?.system_name,
    ...planPage[way === 'request' ? 'request' : 'direct'],
  }
}

/** The plan of a request that the operator has not decided. */
function requestedPlan({ requested, application, others }: PlanComparison): ModelPlan | undefined {
  if (!requested || requested.plan === application.plan) return undefined
  return others.find(({ system_name }) => system_name === requested.plan)
}

function requestedMessage(comparison: PlanComparison): string {
  const plan = requestedPlan(comparison)
  return plan && comparison.requested ? planPage.requested(plan.name, comparison.requested.at) : ''
}

function rowsOf(before: ModelPlan | undefined, after: ModelPlan) {
  const facts: [string, (plan: ModelPlan) => string][] = [
    [comparisonRows.price, priceLabel],
    [comparisonRows.freePeriod, ({ trial_period_days }) => comparisonValues.days(trial_period_days)],
    ...limitedMetrics(before, after).map(({ metric, label }): [string, (plan: ModelPlan) => string] => [
      label,
      (plan) => limitsOf(plan, metric),
    ]),
    [comparisonRows.approval, comparisonValues.approval],
  ]
  return facts.map(([label, format]) => {
    const [was, will] = [before ? format(before) : comparisonValues.unknown, format(after)]
    return { label, was, will, same: was === will }
  })
}

/** Every metric that one of the plans limits, or one row for calls where neither has a limit. */
function limitedMetrics(before: ModelPlan | undefined, after: ModelPlan) {
  const labels = new Map<string, string>()
  for (const { metric, metric_name } of [...(before?.limits ?? []), ...(after.limits ?? [])])
    labels.set(metric, metric === 'hits' ? comparisonRows.calls : metric_name)
  const rows = [...labels].map(([metric, label]) => ({ metric, label }))
  return rows.length > 0 ? rows : [{ metric: 'hits', label: comparisonRows.calls }]
}

function limitsOf({ limits }: ModelPlan, metric: string): string {
  const matching = (limits ?? []).filter((limit) => limit.metric === metric)
  return matching.length === 0 ? comparisonValues.noLimit : matching.map(comparisonValues.limit).join(', ')
}
