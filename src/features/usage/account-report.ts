import type { Application as Record3scale } from '../../clients/threescale/nouns.js'
import { estimate, type Gaps, gapsOf, limitsOf } from './application-report.js'
import { costNeed, type Estimate } from './cost.js'
import type { Read } from './counters.js'
import type { Detailed } from './details.js'
import { type LimitState, limitNeed } from './limits.js'
import type { Measure, NamedRole } from './measures.js'
import type { Range } from './range.js'
import { rangeNeeds, type Series, seriesOf, total } from './series.js'
import type { Need } from './windows.js'

/** Applications whose numbers one answer holds. Each costs 3scale up to four calls, one for each named metric. */
export const APPLICATIONS_AT_ONCE = 10

export interface Amounts {
  values: number[]
  total: number
  before: { values: number[]; total: number } | undefined
}

export interface ApplicationRow {
  application: Detailed
  calls: Amounts | undefined
  tokens: Amounts | undefined
  promptTokens: number | undefined
  completionTokens: number | undefined
  /** undefined where no price is known, and where one is on a metric that only the application's own page asks for */
  estimate: Estimate | undefined
  /** of the metrics asked for; all of them are on the application's own page */
  limits: LimitState[]
}

export interface ModelRow {
  model: string
  name: string
  applications: number
  calls: Amounts
  tokens: Amounts
}

export interface AccountReport {
  range: Range
  rows: ApplicationRow[]
  models: ModelRow[]
  calls: Amounts
  tokens: Amounts
  /** page of applications, and how many there are in all */
  page: number
  pages: number
  count: number
  /** models that the account has applications of */
  choosable: { model: string; name: string }[]
  /** where it was requested and is known */
  tenantZone: string | undefined
  gaps: Gaps
  readAt: number
  calls3scale: number
}

export interface AccountChoice {
  /** system name: only applications of that model */
  model?: string | undefined
  page?: number | undefined
}

/** Those used last come first; 3scale notices the first call of a day some time after it, which is exact enough here. */
export function pick<T extends Record3scale>(records: T[], modelOf: (record: T) => string, choice: AccountChoice) {
  const { model } = choice
  const matching = records
    .filter((record) => !model || modelOf(record) === model)
    .sort((a, b) => b.lastTrafficAt.localeCompare(a.lastTrafficAt) || b.id - a.id)
  const pages = Math.max(1, Math.ceil(matching.length / APPLICATIONS_AT_ONCE))
  const page = Math.min(Math.max(1, choice.page ?? 1), pages)
  const picked = matching.slice((page - 1) * APPLICATIONS_AT_ONCE, page * APPLICATIONS_AT_ONCE)
  return { picked, page, pages, count: matching.length }
}

const named: NamedRole[] = ['calls', 'prompt_tokens', 'completion_tokens', 'total_tokens']

export function accountNeeds(applications: Detailed[], range: Range, now: number): Need[] {
  return applications.flatMap((application) => {
    const measures = namedOf(application)
    const among = (measure: Measure) => measures.includes(measure)
    const { id, limits, prices } = application
    return [
      ...measures.flatMap((measure) => rangeNeeds(application, measure, range)),
      ...limits.flatMap(({ limit, measure }) => (among(measure) ? (limitNeed(id, limit, measure, now) ?? []) : [])),
      ...prices.priced.flatMap(({ measure }) => (among(measure) ? [costNeed(id, measure, range.source, now)] : [])),
    ]
  })
}

export function accountReport(
  i: {
    applications: Detailed[]
    range: Range
    currency: string | null
    page: number
    pages: number
    count: number
    choosable: AccountReport['choosable']
    tenantZone: string | undefined
  },
  read: Read,
  now: number,
): AccountReport {
  const { range, applications } = i
  const rows = applications.map((application) => rowOf(application, i.currency, range, read, now))
  return {
    range,
    rows,
    models: modelsOf(rows, range),
    calls: added(
      rows.map(({ calls }) => calls),
      range,
    ),
    tokens: added(
      rows.map(({ tokens }) => tokens),
      range,
    ),
    page: i.page,
    pages: i.pages,
    count: i.count,
    choosable: i.choosable,
    tenantZone: i.tenantZone,
    gaps: gapsOf(read, applications),
    readAt: now,
    calls3scale: read.calls,
  }
}

function namedOf({ measures }: Detailed): Measure[] {
  return named.flatMap((role) => measures.find((measure) => measure.role === role) ?? [])
}

function rowOf(application: Detailed, currency: string | null, range: Range, read: Read, now: number): ApplicationRow {
  const of = (role: NamedRole): Series | undefined => {
    const measure = application.measures.find((candidate) => candidate.role === role)
    return measure && seriesOf(application, measure, range, read.tally)
  }
  const [prompt, completion] = [of('prompt_tokens'), of('completion_tokens')]
  const sides = [prompt, completion].filter((side) => side !== undefined)
  const whole = application.measures.some(({ role }) => role === 'total_tokens')
  const asked = new Set(namedOf(application).map(({ metric }) => metric))
  const priced = application.prices.priced.every(({ measure }) => asked.has(measure.metric))
  const tokens = whole ? of('total_tokens') : sides.length > 0 ? added(sides, range) : undefined
  return {
    application,
    calls: of('calls'),
    tokens,
    promptTokens: prompt?.total,
    completionTokens: completion?.total,
    estimate: priced ? estimate(application, currency, range.source, read, now) : undefined,
    limits: limitsOf(application, read, now).filter(({ metric }) => asked.has(metric)),
  }
}

function modelsOf(rows: ApplicationRow[], range: Range): ModelRow[] {
  const groups = new Map<string, ApplicationRow[]>()
  for (const row of rows) {
    const key = row.application.model
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return [...groups]
    .map(([model, own]) => ({
      model,
      name: own[0]?.application.modelName ?? model,
      applications: own.length,
      calls: added(
        own.map(({ calls }) => calls),
        range,
      ),
      tokens: added(
        own.map(({ tokens }) => tokens),
        range,
      ),
    }))
    .sort((a, b) => b.calls.total - a.calls.total || a.name.localeCompare(b.name))
}

/** Sums of what is there; a comparison only where every part has one. */
function added(parts: (Amounts | undefined)[], { buckets }: Range): Amounts {
  const there = parts.filter((part) => part !== undefined)
  const values = buckets.map((_, index) => total(there.map((part) => part.values[index] ?? 0)))
  const compared = there.every(({ before }) => before !== undefined)
  const earlier = buckets.map((_, index) => total(there.map(({ before }) => before?.values[index] ?? 0)))
  return { values, total: total(values), before: compared ? { values: earlier, total: total(earlier) } : undefined }
}
