import { type Static, Type } from 'typebox'

const Time = Type.String({ format: 'date-time' })
const OrNull = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) => Type.Union([type, Type.Null()])
const Count = Type.Integer({ minimum: 0 })

const Owner = {
  application: Type.Object({ id: Type.Integer(), name: Type.String() }),
  model: Type.String({ description: 'system_name; empty where the product is not deployed any more' }),
  plan: Type.String({ description: 'name of the plan' }),
}

const Stretch = {
  since: Time,
  until: Type.String({ format: 'date-time', description: 'not in it' }),
  granularity: Type.Union([Type.Literal('hour'), Type.Literal('day'), Type.Literal('month')]),
  time_zone: Type.String({
    description: 'of days and months: the one asked for, UTC where 3scale gives no hours for so long a range',
  }),
  previous_since: OrNull(Time),
  previous_until: OrNull(Time),
  buckets: Type.Array(Type.Object({ start: Time, end: Time }), { description: 'one for each value' }),
  read_at: Time,
}

export const UsageSeries = Type.Object(
  {
    metric: Type.String({ description: 'system name in 3scale' }),
    name: Type.String(),
    unit: Type.String(),
    role: Type.String({
      description: 'calls, prompt_tokens, completion_tokens, total_tokens, method or other; methods are part of calls',
    }),
    total: Count,
    values: Type.Array(Count),
    previous_total: OrNull(Count),
    previous_values: OrNull(Type.Array(Count)),
  },
  { $id: 'UsageSeries' },
)
export type UsageSeries = Static<typeof UsageSeries>

/** What an application used, as reported by the gateway. */
export const ApplicationUsage = Type.Object(
  {
    ...Owner,
    ...Stretch,
    series: Type.Array(UsageSeries),
    not_asked: Type.Array(Type.String(), { description: 'more metrics of the product; name them in `metric`' }),
    notes: Type.Array(Type.String(), { description: 'what is known to be missing in the numbers' }),
  },
  { $id: 'ApplicationUsage' },
)
export type ApplicationUsage = Static<typeof ApplicationUsage>

const Amounts = Type.Object({
  total: Count,
  values: Type.Array(Count),
  previous_total: OrNull(Count),
  previous_values: OrNull(Type.Array(Count)),
})

export const AccountUsage = Type.Object(
  {
    ...Stretch,
    applications_shown: Count,
    applications_in_all: Count,
    page: Count,
    pages: Count,
    calls: Amounts,
    tokens: Amounts,
    models: Type.Array(
      Type.Object({ model: Type.String(), name: Type.String(), applications: Count, calls: Amounts, tokens: Amounts }),
    ),
    applications: Type.Array(
      Type.Object({
        ...Owner,
        calls: OrNull(Count),
        tokens: OrNull(Count),
        prompt_tokens: OrNull(Count),
        completion_tokens: OrNull(Count),
      }),
    ),
  },
  { $id: 'AccountUsage', description: 'sums over the applications shown, at most ten a page' },
)
export type AccountUsage = Static<typeof AccountUsage>

export const LimitUse = Type.Object(
  {
    metric: Type.String({ description: 'system name; empty for a metric of a backend' }),
    metric_name: Type.String(),
    period: Type.String({ description: 'minute, hour, day, week, month, year or eternity; periods are those of UTC' }),
    value: Count,
    included: Type.Boolean({ description: 'false for a limit of 0: the plan does not include it' }),
    enforcement: Type.String({
      description: 'refuses: calls beyond it get 429; not_included: 403; never_looked_at: the limit stops nobody',
    }),
    used: OrNull(Count),
    left: OrNull(Count),
    resets_at: OrNull(Time),
    forecast: Type.Object({
      kind: Type.String({ description: 'none, too_early, enough, runs_out or used_up' }),
      expected: OrNull(Count),
      runs_out_at: OrNull(Time),
      words: Type.String(),
    }),
    note: Type.String({ description: 'what the gateway really does about it' }),
  },
  { $id: 'LimitUse' },
)
export type LimitUse = Static<typeof LimitUse>

export const ApplicationLimits = Type.Object({ ...Owner, limits: Type.Array(LimitUse) }, { $id: 'ApplicationLimits' })
export type ApplicationLimits = Static<typeof ApplicationLimits>

export const CostEstimate = Type.Object(
  {
    source: Type.Union([Type.Literal('3scale'), Type.Literal('portal')], {
      description: '3scale: the pricing rules of the plan; portal: prices that the portal is configured with',
    }),
    currency: OrNull(Type.String({ description: 'ISO 4217; null where nobody names it' })),
    since: Time,
    until: Time,
    so_far: Type.Number(),
    expected: OrNull(Type.Number({ description: 'at the end of the month; null while it is too early to tell' })),
    plan_fee: Type.Number({ description: 'fixed, a month, not in the sums' }),
    lines: Type.Array(
      Type.Object({
        metric: Type.String(),
        name: Type.String(),
        units: Count,
        cost: Type.Number(),
        expected: OrNull(Type.Number()),
      }),
    ),
  },
  { $id: 'CostEstimate', description: 'an estimate: the invoice is made by 3scale' },
)
export type CostEstimate = Static<typeof CostEstimate>

export const ApplicationCost = Type.Object({ ...Owner, estimate: OrNull(CostEstimate) }, { $id: 'ApplicationCost' })
export type ApplicationCost = Static<typeof ApplicationCost>

/** Query of every usage call; `tz` and `range` are the pages' own too. */
export const UsageQuery = Type.Object({
  since: Type.Optional(
    Type.String({ maxLength: 40, description: 'a day or a time (RFC 3339); default: 30 days before `until`' }),
  ),
  until: Type.Optional(
    Type.String({ maxLength: 40, description: 'a day, which is in it, or a time, which is not; default: now' }),
  ),
  granularity: Type.Optional(
    Type.String({ maxLength: 10, description: 'hour (at most 90 days), day (at most a year) or month' }),
  ),
  tz: Type.Optional(Type.String({ maxLength: 64, description: 'time zone of days and months; default UTC' })),
  range: Type.Optional(
    Type.String({ maxLength: 10, description: '24h, 7d, 30d, 90d or 12m instead of since and until' }),
  ),
})

/** How CSV is written. */
export const CsvQuery = Type.Object({
  separator: Type.Optional(
    Type.Unsafe<'comma' | 'semicolon'>({
      type: 'string',
      enum: ['comma', 'semicolon'],
      description: 'CSV only; `semicolon` is for Excel in languages whose decimal sign is a comma; default comma',
    }),
  ),
  bom: Type.Optional(
    Type.Boolean({
      description:
        'CSV only; false omits the byte order mark, which some programs take for a part of the first column name; default true',
    }),
  ),
})
