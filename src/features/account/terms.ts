import type { Threescale } from '../../clients/threescale/nouns.js'
import { problem } from '../../errors.js'
import type { Found } from './standing.js'

export interface Terms {
  version: string
  url: string
  title: string
  /** 3scale user field that records the accepted version */
  field: string
}

/** Rejects with invalid_fields unless this very version was accepted. */
export function checkAccepted(terms: Terms, accepted: string | undefined): void {
  if (accepted !== terms.version)
    throw problem('invalid_fields', { fields: { accept_terms: 'Accept the terms to go on.' } })
}

/** True where this person has to be asked: the version on record is another one. */
export function mustAccept(terms: Terms | undefined, { user }: Found): terms is Terms {
  return terms !== undefined && user.fields[terms.field] !== terms.version
}

/** Puts the accepted version on record, in a field of the 3scale user. */
export async function recordAccepted(threescale: Threescale, terms: Terms, found: Found): Promise<Found> {
  const fields = { [terms.field]: terms.version }
  const user = await threescale.updateUser(found.account.id, found.user.id, { fields })
  return { ...found, user: { ...user, fields: { ...user.fields, ...fields } } }
}
