import { LRUCache } from 'lru-cache'
import { isProblem, problem } from '../../errors.js'
import { HttpFailure } from '../http-failure.js'
import type { AccountApi } from './nouns.js'

const TOO_LONG_MS = 10 * 60_000

/** Reads one application from the list of its account. */
export function createListed({
  listApplications,
  readApplication,
}: Pick<AccountApi, 'listApplications' | 'readApplication'>): Pick<AccountApi, 'listedApplication'> {
  // This list has no pages, and 3scale takes about 5 ms for each row. These accounts have lists that time out.
  const tooLong = new LRUCache<number, true>({ max: 1000, ttl: TOO_LONG_MS })

  return {
    async listedApplication(accountId, id) {
      if (tooLong.has(accountId)) return readApplication(accountId, id)
      try {
        const rows = await listApplications(accountId)
        const row = rows.find((application) => application.id === id && application.accountId === accountId)
        if (row) return row
      } catch (error) {
        if (isTooLong(error)) tooLong.set(accountId, true)
        throw error
      }
      throw problem('not_found')
    },
  }
}

function isTooLong(error: unknown): boolean {
  const cause = isProblem(error, 'threescale_unavailable') ? error.cause : undefined
  return cause instanceof HttpFailure && (cause.kind === 'timeout' || cause.kind === 'too_large')
}
