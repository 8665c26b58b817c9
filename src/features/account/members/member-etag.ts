import { entityTag } from '../../../web/api/preconditions.js'
import type { Member } from '../schemas.js'

/** First what a member or an admin can change, then what depends on the reader. */
export function memberEtag({ you, claimed_organisation, ...member }: Member): string {
  const { id, kind, state, role, email, client_id, created_at, ...rest } = member
  return entityTag([id, kind, state, role, email, client_id, created_at], [you, claimed_organisation, rest])
}
