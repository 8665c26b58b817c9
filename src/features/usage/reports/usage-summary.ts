import type { LimitState } from '../limits/limits.js'
import type { AccountReport } from './account-report.js'

/** Month to date of the applications whose prices are in one currency. */
export interface CostSummary {
  currency: string | null
  monthToDate: number
  /** null while there is too little data */
  expected: number | null
  /** applications with a price, and those of them that the sums include */
  priced: number
  complete: number
}

/** How much of a limit is used. */
export interface UsedLimit {
  application: { id: number; name: string }
  state: LimitState
  /** more than 1 if the limit is exceeded */
  share: number
}

/** The last 24 hours of the applications that an account uses. */
export interface UsageSummary {
  calls: { total: number; previous: number | undefined }
  tokens: { total: number; previous: number | undefined }
  costs: CostSummary[]
  /** undefined if no limit is measured */
  closestLimit: UsedLimit | undefined
  /** calls of each hour, by application */
  callsByApplication: Map<number, { total: number; values: number[] }>
  /** applications in use that the numbers include, and all of them */
  shown: number
  inUse: number
  /** true: 3scale did not return some of the numbers */
  isIncomplete: boolean
}

export function summarizeUsage(report: AccountReport): UsageSummary {
  const { rows, calls, tokens, othersInUse, gaps } = report
  return {
    calls: { total: calls.total, previous: calls.previous?.total },
    tokens: { total: tokens.total, previous: tokens.previous?.total },
    costs: summarizeCosts(report),
    closestLimit: closestLimits(report)[0],
    callsByApplication: new Map(rows.flatMap(({ application, calls }) => (calls ? [[application.id, calls]] : []))),
    shown: rows.length,
    inUse: rows.length + othersInUse,
    isIncomplete: gaps.unavailable.length > 0,
  }
}

/** One sum per currency, of the estimates that have all of their numbers. */
export function summarizeCosts({ rows }: Pick<AccountReport, 'rows'>): CostSummary[] {
  const estimates = rows.flatMap(({ estimate }) => estimate ?? [])
  return [...new Set(estimates.map(({ currency }) => currency))].flatMap((currency) => {
    const priced = estimates.filter((estimate) => estimate.currency === currency)
    const complete = priced.filter(({ incomplete }) => !incomplete)
    if (complete.length === 0) return []
    const expected = complete.some((estimate) => estimate.expected === null)
      ? null
      : complete.reduce((sum, estimate) => sum + (estimate.expected ?? 0), 0)
    const monthToDate = complete.reduce((sum, estimate) => sum + estimate.monthToDate, 0)
    return [{ currency, monthToDate, expected, priced: priced.length, complete: complete.length }]
  })
}

/** The limits that 3scale measures, the one of which most is used first. */
export function closestLimits({ rows }: Pick<AccountReport, 'rows'>): UsedLimit[] {
  return rows
    .flatMap(({ application, limits }) =>
      limits.map((state) => ({
        application,
        state,
        share: state.used === null || state.value === 0 ? -1 : state.used / state.value,
      })),
    )
    .filter(({ share }) => share >= 0)
    .sort((a, b) => b.share - a.share)
}
