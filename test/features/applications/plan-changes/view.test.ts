import t from 'tap'
import type { PlanComparison } from '../../../../src/features/applications/plan-changes/plan-changes.js'
import { planView } from '../../../../src/features/applications/plan-changes/view.js'

const plan = (system_name: string) => ({
  system_name,
  name: system_name,
  default: false,
  approval_required: false,
  cost_per_month: 0,
  setup_fee: 0,
  trial_period_days: 0,
  limits: [],
  prices: [],
  currency: null,
})

function comparison(more: Partial<PlanComparison>): PlanComparison {
  return {
    application: { id: 1, name: 'Bot', plan: 'basic', plan_name: 'Basic' },
    current: plan('basic'),
    others: [plan('gold'), plan('silver')],
    selected: undefined,
    way: 'request',
    rejection: undefined,
    requested: undefined,
    ...more,
  } as PlanComparison
}

t.test('a request that was sent is shown as sent, and is not offered again', async (t) => {
  const requested = { plan: 'gold', at: '2026-11-30T10:00:00Z' }
  const sent = planView(comparison({ requested }), '')
  t.equal(sent.chosen?.name, 'gold')
  t.match(sent.requested, 'You requested the gold plan on 30 November 2026.')
  t.equal(sent.isSent, true)
  t.equal(planView(comparison({ requested, selected: plan('silver') }), '').isSent, false)
})

t.test('a request is offered before it was sent, and again after the operator changed the plan', async (t) => {
  t.equal(planView(comparison({ selected: plan('gold') }), '').isSent, false)
  const decided = comparison({ requested: { plan: 'basic', at: '2026-11-30T10:00:00Z' }, selected: plan('gold') })
  t.same([planView(decided, '').isSent, planView(decided, '').requested], [false, ''])
})
