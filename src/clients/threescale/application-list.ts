import { LRUCache } from 'lru-cache'
import { isProblem, problem } from '../../errors.js'
import { HttpError } from '../../infra/http/http-error.js'
import type { LargeLists } from './large-lists.js'
import { toApplication } from './mapping/mappers.js'
import type { ThreescaleRequests } from './requests/requests.js'
import { SINGLE_MS } from './requests/timeouts.js'
import type { AccountApi, ThreescaleApplication } from './types.js'

export interface ApplicationLists
  extends Pick<
    AccountApi,
    'listApplications' | 'readListedApplication' | 'hasManyApplications' | 'listNewestApplications'
  > {
  countApplications(accountId: number): Promise<number>
}

export interface ApplicationListsDeps
  extends Pick<ThreescaleRequests, 'rows' | 'pages' | 'page'>,
    Pick<AccountApi, 'readApplication'> {
  /** whether the account is known to have many subscriptions and applications */
  isLarge(accountId: number): boolean
  largeLists: LargeLists
}

/** The most recently used ones first, by the precision of 3scale: one update per day. Then the newest ones. */
export function compareByUse(
  a: Pick<ThreescaleApplication, 'id' | 'lastTrafficAt'>,
  b: Pick<ThreescaleApplication, 'id' | 'lastTrafficAt'>,
): number {
  // Times of one format; collation rules take twenty times as long.
  if (a.lastTrafficAt !== b.lastTrafficAt) return a.lastTrafficAt < b.lastTrafficAt ? 1 : -1
  return b.id - a.id
}

/** 3scale takes about 5 ms for each row, so a list of more is read in pages. */
const MANY = 300
const TOO_LONG_MS = 10 * 60_000
const REMEMBERED_MS = 24 * 3_600_000
const LIST = '/admin/api/applications'

/**
 * The applications of an account: in one response, which has no pages, or for an account with many of them in pages of the list of the
 * tenant (porta, admin/api/applications_controller.rb: by `account`, in the order of their ids).
 */
export function createApplicationLists({
  rows,
  pages,
  page,
  isLarge,
  largeLists,
  readApplication,
}: ApplicationListsDeps): ApplicationLists {
  /** The number of applications where there are many. */
  const many = new LRUCache<number, number>({ max: 5000, ttl: REMEMBERED_MS })
  /** Accounts that have more subscriptions than applications. */
  const few = new LRUCache<number, true>({ max: 5000, ttl: REMEMBERED_MS })
  /** Lists that timed out. A list that arrives in time is not long, whatever its length. */
  const tooLong = new LRUCache<number, true>({ max: 1000, ttl: TOO_LONG_MS })
  return {
    listApplications,
    countApplications,

    async readListedApplication(accountId, id) {
      if (hasMany(accountId) !== false) return readApplication(accountId, id)
      return findRow(await listApplications(accountId), accountId, id)
    },

    hasManyApplications: hasMany,

    async listNewestApplications(accountId, count) {
      for (let total = many.get(accountId) ?? (await countApplications(accountId)), tries = 1; ; tries++) {
        const last = Math.max(1, Math.ceil(total / count))
        const [before, final] = await Promise.all([
          last === 1 ? { rows: [], total } : readPage(accountId, last - 1, count),
          readPage(accountId, last, count),
        ])
        const isLast = Math.max(1, Math.ceil(final.total / count)) === last
        total = final.total
        if (isLast || tries === 3) return { applications: [...before.rows, ...final.rows].slice(-count), total }
      }
    },
  }

  function hasMany(accountId: number): boolean | 'unknown' {
    const isKnown = many.has(accountId) || (isLarge(accountId) && !few.has(accountId))
    return isKnown || (tooLong.has(accountId) ? 'unknown' : false)
  }

  async function listApplications(accountId: number): Promise<ThreescaleApplication[]> {
    if (hasMany(accountId) !== true) {
      const reading = readUnpaged(accountId)
      if (!tooLong.has(accountId)) return reading
      // Another time-out can be the fault of a slow 3scale. The number of rows shows the reason.
      const counting = countApplications(accountId).catch(() => 0)
      const byCount = async () => ((await counting) > MANY ? counting : reading)
      const first = await Promise.race<number | ThreescaleApplication[]>([reading.catch(byCount), byCount()])
      if (typeof first !== 'number') return first
      reading.catch(() => {})
      setCount(accountId, first)
    }
    return largeLists.read(accountId, async () => {
      const query = { account: String(accountId) }
      const rows = ownRows(accountId, await pages(LIST, 'applications', 'application', { toRow: toApplication, query }))
      setCount(accountId, rows.length)
      return rows
    })
  }

  async function readUnpaged(accountId: number): Promise<ThreescaleApplication[]> {
    try {
      const path = `/admin/api/accounts/${accountId}/applications`
      const list = [
        ...(await rows(path, 'applications', 'application', { toRow: toApplication, timeoutMs: SINGLE_MS })),
      ]
      tooLong.delete(accountId)
      return list
    } catch (error) {
      if (isTooLong(error)) tooLong.set(accountId, true)
      throw error
    }
  }

  function setCount(accountId: number, count: number): void {
    tooLong.delete(accountId)
    if (count > MANY) many.set(accountId, count)
    else many.delete(accountId)
    if (count <= MANY && isLarge(accountId)) few.set(accountId, true)
    else few.delete(accountId)
  }

  async function readPage(accountId: number, number: number, perPage: number) {
    const query = { account: String(accountId), page: number, perPage }
    const { rows, total } = await page(LIST, 'applications', 'application', query)
    return { rows: ownRows(accountId, rows.map(toApplication)), total }
  }

  async function countApplications(accountId: number): Promise<number> {
    return (await readPage(accountId, 1, 1)).total
  }
}

export function findRow(rows: readonly ThreescaleApplication[], accountId: number, id: number): ThreescaleApplication {
  const row = rows.find((application) => application.id === id && application.accountId === accountId)
  if (!row) throw problem('not_found')
  return row
}

/** 3scale ignores filters that it does not know, and would return the applications of everyone. */
function ownRows(accountId: number, rows: ThreescaleApplication[]): ThreescaleApplication[] {
  if (rows.every((row) => row.accountId === accountId)) return rows
  throw problem('threescale_unavailable', { cause: new Error('3scale returned applications of another account') })
}

function isTooLong(error: unknown): boolean {
  const cause = isProblem(error, 'threescale_unavailable', 'threescale_busy') ? error.cause : undefined
  return cause instanceof HttpError && (cause.kind === 'timeout' || cause.kind === 'too_large')
}
