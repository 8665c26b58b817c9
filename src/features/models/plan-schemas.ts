import { type Static, Type } from 'typebox'

/** Periods of limits. Each begins and ends in UTC. */
export const limitPeriods = ['minute', 'hour', 'day', 'week', 'month', 'year', 'eternity'] as const
export type LimitPeriod = (typeof limitPeriods)[number]
export const LimitPeriod = Type.Unsafe<LimitPeriod>({ type: 'string', enum: [...limitPeriods] })

export const PlanLimit = Type.Object(
  {
    metric: Type.String({ description: 'system name of the metric or method' }),
    metric_name: Type.String(),
    period: LimitPeriod,
    value: Type.Integer({ minimum: 0, description: '0: not included in the plan' }),
  },
  { $id: 'PlanLimit', examples: [{ metric: 'hits', metric_name: 'Hits', period: 'minute', value: 60 }] },
)
export type PlanLimit = Static<typeof PlanLimit>

export const PlanPrice = Type.Object(
  {
    metric: Type.String({ description: 'system name of the metric or method' }),
    metric_name: Type.String(),
    cost_per_unit: Type.Number(),
    from: Type.Integer({ description: 'the first unit of the month with this price' }),
    to: Type.Union([Type.Integer(), Type.Null()], { description: 'the last unit with this price; null: no limit' }),
  },
  { $id: 'PlanPrice' },
)
export type PlanPrice = Static<typeof PlanPrice>

export const ModelPlan = Type.Object(
  {
    system_name: Type.String(),
    name: Type.String(),
    default: Type.Boolean(),
    approval_required: Type.Boolean({ description: 'true: the operator must approve a new application' }),
    cost_per_month: Type.Number(),
    setup_fee: Type.Number(),
    trial_period_days: Type.Integer(),
    limits: Type.Union([Type.Array(PlanLimit), Type.Null()], {
      description: 'null until read from 3scale; [] means none',
    }),
    prices: Type.Union([Type.Array(PlanPrice), Type.Null()], {
      description: 'prices per unit, in addition to the monthly cost; null until read from 3scale; [] means none',
    }),
    currency: Type.Union([Type.String(), Type.Null()], {
      description: 'ISO 4217, from PORTAL_CONFIG; 3scale does not report it',
    }),
  },
  {
    $id: 'ModelPlan',
    examples: [
      {
        system_name: 'basic',
        name: 'Basic',
        default: true,
        approval_required: false,
        cost_per_month: 0,
        setup_fee: 0,
        trial_period_days: 0,
      },
    ],
  },
)
export type ModelPlan = Static<typeof ModelPlan>
