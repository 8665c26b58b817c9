import type { Threescale } from '../../clients/threescale/types.js'
import { problem } from '../../errors.js'
import type { AccountUser } from './account-status.js'
import { ACCEPT_TERMS } from './messages.js'

export interface SignUpTerms {
  version: string
  url: string
  title: string
  /** Field of the 3scale user that records the accepted version. */
  field: string
}

/** True where the user has not accepted the current version. */
export function requiresAcceptance(terms: SignUpTerms | undefined, { user }: AccountUser): terms is SignUpTerms {
  return terms !== undefined && user.fields[terms.field] !== terms.version
}

/** The error of the field where the current version was not accepted. */
export function acceptanceErrors(terms: SignUpTerms | undefined, accepted: string | undefined): Record<string, string> {
  return !terms || accepted === terms.version ? {} : { accept_terms: ACCEPT_TERMS }
}

/** Rejects with invalid_fields unless the current version was accepted. */
export function assertTermsAccepted(terms: SignUpTerms, accepted: string | undefined): void {
  const fields = acceptanceErrors(terms, accepted)
  if (fields.accept_terms) throw problem('invalid_fields', { fields })
}

/** The accepted version as a field of the 3scale user. */
export function acceptanceField(terms: SignUpTerms | undefined): Record<string, string> {
  return terms ? { [terms.field]: terms.version } : {}
}

export async function recordAcceptance(
  threescale: Pick<Threescale, 'updateUser'>,
  { account, user }: AccountUser,
  fields: Record<string, string>,
): Promise<AccountUser> {
  const updated = await threescale.updateUser(account.id, user.id, { fields })
  return { account, user: { ...updated, fields: { ...updated.fields, ...fields } } }
}
