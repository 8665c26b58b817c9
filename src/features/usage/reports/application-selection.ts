import { compareByUse } from '../../../clients/threescale/application-list.js'
import type { ThreescaleApplication as Record3scale } from '../../../clients/threescale/types.js'
import type { UsageRange } from '../time-range/range.js'

/** Accounts of up to so many applications are reported as a whole, with up to four requests to 3scale for each application. */
export const MAX_APPLICATIONS_PER_PAGE = 10
/** Applications per page of larger accounts. */
const APPLICATIONS_PER_PAGE_OF_LARGE_ACCOUNT = 5
const DAY_MS = 86_400_000

export interface ApplicationSelection {
  /** system name: only applications of that model */
  model?: string | undefined
  page?: number | undefined
  /** for API clients, instead of `page` */
  paginate?: (<T extends { id: number }>(all: T[]) => { items: T[]; next_cursor: string | null }) | undefined
}

/** Pages list recently used applications first. API clients use an order that does not change between pages. */
export function selectApplications<T extends Record3scale>(
  records: T[],
  modelOf: (record: T) => string,
  selection: ApplicationSelection,
) {
  const { model, paginate } = selection
  const matching = records.filter((record) => !model || modelOf(record) === model)
  if (paginate) {
    const { items, next_cursor } = paginate(matching)
    return { selected: items, others: [], page: 1, pages: 1, count: matching.length, nextCursor: next_cursor }
  }
  const sorted = matching.sort(compareByUse)
  const perPage =
    sorted.length > MAX_APPLICATIONS_PER_PAGE ? APPLICATIONS_PER_PAGE_OF_LARGE_ACCOUNT : MAX_APPLICATIONS_PER_PAGE
  const pages = Math.max(1, Math.ceil(sorted.length / perPage))
  const page = Math.min(Math.max(1, selection.page ?? 1), pages)
  const others = sorted
  const selected = others.splice((page - 1) * perPage, perPage)
  return { selected, others, page, pages, count: selected.length + others.length, nextCursor: null }
}

export function countInUse(records: Pick<Record3scale, 'lastTrafficAt'>[], range: UsageRange): number {
  const start = firstDayOf(range)
  return records.filter(({ lastTrafficAt }) => lastTrafficAt >= start).length
}

/** The applications with traffic in the range, most recently used first. New ones are included: their first call may be recorded late. */
export function selectInUse<T extends Pick<Record3scale, 'id' | 'lastTrafficAt' | 'createdAt'>>(
  records: T[],
  range: UsageRange,
): { selected: T[]; othersInUse: number } {
  const start = firstDayOf(range)
  const inUse = records
    .filter(({ lastTrafficAt, createdAt }) => (lastTrafficAt || createdAt) >= start)
    .sort(compareByUse)
  const selected = inUse.splice(0, APPLICATIONS_PER_PAGE_OF_LARGE_ACCOUNT)
  return { selected, othersInUse: inUse.length }
}

/** 3scale records the first traffic of an application on each day in UTC. */
function firstDayOf({ since }: UsageRange): string {
  return new Date(Math.floor(since / DAY_MS) * DAY_MS).toISOString()
}
