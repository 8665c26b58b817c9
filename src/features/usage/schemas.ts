import { type Static, type TProperties, type TSchema, Type } from 'typebox'
import { LimitPeriod } from '../models/schemas.js'

const Time = Type.String({ format: 'date-time' })
/** A type list rather than a union: unions are checked for each serialized value, and cannot be referenced twice. */
const OrNull = <T extends TSchema>(schema: T) =>
  Type.Unsafe<Static<T> | null>({ ...schema, type: [(schema as { type?: string }).type, 'null'] })
const Count = Type.Integer({ minimum: 0 })
const oneOf = <T extends string>(choices: readonly T[], options: { description: string }) =>
  Type.Unsafe<T>({ type: 'string', enum: [...choices], ...options })
const noun = <T extends TProperties>(name: string, properties: T, options: object = {}) =>
  Type.Object(properties, { $id: name, ...options })

export const granularities = ['hour', 'day', 'month'] as const
export const presetNames = ['24h', '7d', '30d', '90d', '12m'] as const
export const measureRoles = ['calls', 'prompt_tokens', 'completion_tokens', 'total_tokens', 'method', 'other'] as const
export const enforcements = ['enforced', 'not_included', 'not_enforced'] as const
export const forecastKinds = ['none', 'insufficient_data', 'within_limit', 'will_be_exhausted', 'exhausted'] as const

export const ApplicationRef = noun('ApplicationRef', { id: Type.Integer(), name: Type.String() })
export type ApplicationRef = Static<typeof ApplicationRef>

const named = {
  model: OrNull(Type.String({ description: '`system_name` of the model. Null if it is no longer offered.' })),
  model_name: OrNull(Type.String({ description: 'Display name of the model. Null if `model` is null.' })),
}
const Owner = {
  application: ApplicationRef,
  ...named,
  plan: OrNull(Type.String({ description: '`system_name` of the plan. Null if unknown.' })),
  plan_name: Type.String({ description: 'Display name of the plan.' }),
}

export const UsageBucket = noun('UsageBucket', { start: Time, end: Time }, { description: 'The end is exclusive.' })
export type UsageBucket = Static<typeof UsageBucket>

const RangeFields = {
  since: Time,
  until: Type.String({ format: 'date-time', description: 'Exclusive end.' }),
  granularity: oneOf(granularities, { description: 'Granularity of the buckets.' }),
  time_zone: Type.String({
    description:
      'Time zone of days and months: the requested one, or UTC if 3scale has no hourly data for the range. Times in JSON are in UTC; times in CSV are in this zone.',
  }),
  previous_since: OrNull(Time),
  previous_until: OrNull(Time),
  buckets: Type.Array(UsageBucket, { description: 'One per value.' }),
  read_at: Time,
}

const amounts = {
  total: Count,
  values: Type.Array(Count, { description: 'One per bucket.' }),
  previous_total: OrNull(Count),
  previous_values: OrNull(Type.Array(Count)),
}

export const UsageSeries = noun('UsageSeries', {
  metric: Type.String({ description: '`system_name` in 3scale.' }),
  name: Type.String(),
  unit: Type.String(),
  role: oneOf(measureRoles, { description: 'What the metric counts. Methods are part of calls.' }),
  ...amounts,
})
export type UsageSeries = Static<typeof UsageSeries>

/** Usage of an application, as reported by the gateway. */
export const ApplicationUsage = noun('ApplicationUsage', {
  ...Owner,
  ...RangeFields,
  series: Type.Array(UsageSeries),
  omitted_metrics: Type.Array(Type.String(), { description: 'Metrics not in `series`. Request them with `metric`.' }),
  caveats: Type.Array(Type.String(), { description: 'Known gaps in the token numbers.' }),
})
export type ApplicationUsage = Static<typeof ApplicationUsage>

export const UsageAmounts = noun('UsageAmounts', amounts)
export type UsageAmounts = Static<typeof UsageAmounts>

export const ModelUsage = noun('ModelUsage', {
  ...named,
  applications: Type.Integer({ minimum: 0, description: 'Number of applications on this page.' }),
  calls: UsageAmounts,
  tokens: UsageAmounts,
})
export type ModelUsage = Static<typeof ModelUsage>

export const ApplicationTotals = noun('ApplicationTotals', {
  ...Owner,
  calls: OrNull(Count),
  tokens: OrNull(Count),
  prompt_tokens: OrNull(Count),
  completion_tokens: OrNull(Count),
})
export type ApplicationTotals = Static<typeof ApplicationTotals>

const accountUsage = {
  ...RangeFields,
  applications_returned: Type.Integer({ minimum: 0, description: 'Number of applications on this page.' }),
  applications_total: Type.Integer({ minimum: 0, description: 'Number of applications that match the request.' }),
  calls: UsageAmounts,
  tokens: UsageAmounts,
  models: Type.Array(ModelUsage),
  applications: Type.Array(ApplicationTotals),
}

export const AccountUsage = noun(
  'AccountUsage',
  {
    ...accountUsage,
    next_cursor: OrNull(
      Type.String({ description: 'Send it as `cursor` to get the next page. Null on the last page.' }),
    ),
  },
  { description: 'Totals cover the applications on this page.' },
)
export type AccountUsage = Static<typeof AccountUsage>

export const Forecast = noun('Forecast', {
  kind: oneOf(forecastKinds, {
    description:
      '`will_be_exhausted`: the limit will be reached before the period ends. `exhausted`: the limit has been reached.',
  }),
  expected: OrNull(Type.Integer({ minimum: 0, description: 'Projected usage at the end of the period.' })),
  exhausted_at: OrNull(Time),
  message: Type.String({ description: 'The forecast as a sentence. May be empty.' }),
})
export type Forecast = Static<typeof Forecast>

export const LimitUse = noun('LimitUse', {
  metric: OrNull(
    Type.String({ description: '`system_name`. Null for a metric of a backend, of which 3scale returns no name.' }),
  ),
  metric_name: Type.String(),
  period: Type.Unsafe<LimitPeriod>({ ...LimitPeriod, description: 'Periods are in UTC.' }),
  value: Count,
  included: Type.Boolean({ description: 'False for a limit of 0: the plan does not include these calls.' }),
  enforcement: oneOf(enforcements, {
    description:
      '`enforced`: calls beyond the limit receive 429. `not_included`: calls receive 403. `not_enforced`: the gateway does not check this limit.',
  }),
  used: OrNull(Count),
  remaining: OrNull(Count),
  resets_at: OrNull(Time),
  forecast: Forecast,
  enforcement_details: Type.String({ description: 'How the gateway enforces the limit.' }),
})
export type LimitUse = Static<typeof LimitUse>

export const ApplicationLimits = noun('ApplicationLimits', { ...Owner, limits: Type.Array(LimitUse) })
export type ApplicationLimits = Static<typeof ApplicationLimits>

export const CostLine = noun('CostLine', {
  metric: OrNull(Type.String({ description: '`system_name`. Null for a metric of a backend.' })),
  name: Type.String(),
  units: Count,
  cost: Type.Number(),
  expected: OrNull(Type.Number()),
})
export type CostLine = Static<typeof CostLine>

export const CostEstimate = noun(
  'CostEstimate',
  {
    source: oneOf(['3scale', 'portal'], {
      description: '`3scale`: pricing rules of the plan. `portal`: prices set by the operator of the portal.',
    }),
    currency: OrNull(Type.String({ description: 'ISO 4217 code. Null if unknown.' })),
    since: Time,
    until: Time,
    month_to_date: Type.Number(),
    expected: OrNull(Type.Number({ description: 'Projection for the month. Null while there is too little data.' })),
    plan_fee: Type.Number({ description: 'Fixed monthly fee, not part of the other amounts.' }),
    lines: Type.Array(CostLine),
  },
  { description: 'An estimate; 3scale issues the invoice.' },
)
export type CostEstimate = Static<typeof CostEstimate>

export const ApplicationCost = noun('ApplicationCost', {
  ...Owner,
  estimate: Type.Union([CostEstimate, Type.Null()], { description: 'Null if no price is known.' }),
})
export type ApplicationCost = Static<typeof ApplicationCost>
