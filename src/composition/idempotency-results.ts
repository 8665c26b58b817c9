import {
  createMemberResults,
  MEMBER_RESULT_SECONDS,
  type MemberResults,
  type RecordedMember,
} from '../features/account/members/member-results.js'
import {
  type CreatedResult,
  createDeletedResults,
  DELETION_SECONDS,
  type DeletedResults,
} from '../features/applications/lifecycle/deleted-results.js'
import type { Cache } from '../infra/cache.js'

const MONTH = 30 * 86_400

/** Results of idempotency keys and their deletion, cached in memory and in Redis if configured. */
export function composeDeletedResults(cache: Cache): DeletedResults {
  return createDeletedResults({
    created: cachedRecord<CreatedResult>(cache, 'attempt-results', MONTH),
    deleted: cachedRecord<true>(cache, 'attempt-removals', DELETION_SECONDS),
  })
}

/** Results of invitations. */
export function composeMemberResults(cache: Cache): MemberResults {
  return createMemberResults(cachedRecord<RecordedMember>(cache, 'member-results', MEMBER_RESULT_SECONDS))
}

function cachedRecord<T>(cache: Cache, name: string, seconds: number) {
  return cache.cached<T | null>(
    name,
    { freshSeconds: seconds, maxAgeSeconds: seconds, nullMeansUnknown: true },
    async () => null,
  )
}
