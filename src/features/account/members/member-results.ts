import type { User } from '../../../clients/threescale/types.js'
import { problem } from '../../../errors.js'
import { scopeName } from '../../../idempotency/fingerprint.js'
import type { Caller } from '../../../web/auth/caller.js'

/** The user that a request created. */
export interface RecordedMember {
  user: number
}

/** The required part of a cache; null is never stored. */
interface MemberResultStore {
  sync(key: string): Promise<void>
  peek(key: string): { value: RecordedMember | null; ageSeconds: number } | undefined
  put(key: string, value: RecordedMember): Promise<void>
}

export const MEMBER_RESULT_SECONDS = 86_400

export type MemberResults = ReturnType<typeof createMemberResults>

/**
 * Results of invitations by idempotency key. An open invitation is found in 3scale by the tag in its username. A removed or
 * declined one leaves nothing there, and a late repeat would create it again. So each creation is recorded for a day, under a
 * digest, because an Idempotency-Key may be a secret of the caller.
 */
export function createMemberResults(store: MemberResultStore) {
  return {
    async record(caller: Caller, idempotencyKey: string, { id }: User): Promise<void> {
      await store.put(keyOf(caller, idempotencyKey), { user: id })
    },

    /** Undefined where nothing is recorded. Rejects with result_deleted where the user no longer exists. */
    async find(caller: Caller, idempotencyKey: string, users: User[]): Promise<User | undefined> {
      const key = keyOf(caller, idempotencyKey)
      await store.sync(key)
      const entry = store.peek(key)
      if (!entry?.value || entry.ageSeconds >= MEMBER_RESULT_SECONDS) return undefined
      const { user: userId } = entry.value
      const user = users.find(({ id }) => id === userId)
      if (!user) throw problem('result_deleted')
      return user
    },
  }
}

function keyOf({ accountId }: Caller, idempotencyKey: string): string {
  return scopeName('member', { account: accountId, attempt: idempotencyKey })
}
