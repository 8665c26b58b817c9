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

/** True where this person has to be asked: the version on record is another one. */
export function mustAccept(terms: Terms | undefined, { user }: Found): terms is Terms {
  return terms !== undefined && user.fields[terms.field] !== terms.version
}

/** The complaint where another version than the present one was accepted, or none. */
export function refusedTerms(terms: Terms | undefined, accepted: string | undefined): Record<string, string> {
  return !terms || accepted === terms.version ? {} : { accept_terms: 'Accept the terms to go on.' }
}

/** Rejects with invalid_fields unless the present version was accepted. */
export function checkAccepted(terms: Terms, accepted: string | undefined): void {
  const fields = refusedTerms(terms, accepted)
  if (fields.accept_terms) throw problem('invalid_fields', { fields })
}

/** The record of the accepted version, as a field of the 3scale user. */
export function acceptance(terms: Terms | undefined): Record<string, string> {
  return terms ? { [terms.field]: terms.version } : {}
}

/** Puts the accepted version on record. */
export async function recordAcceptance(
  threescale: Threescale,
  found: Found,
  fields: Record<string, string>,
): Promise<Found> {
  const user = await threescale.updateUser(found.account.id, found.user.id, { fields })
  return { ...found, user: { ...user, fields: { ...user.fields, ...fields } } }
}
