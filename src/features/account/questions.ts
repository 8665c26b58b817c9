import type { Consent } from './offers.js'
import type { WantedField } from './sign-up-rules.js'
import type { Terms } from './terms.js'

/** Answers of the completion form; keys as `account.department`. */
export interface Completion {
  values: Record<string, string>
  acceptTerms: string | undefined
  /** to an existing account that is joined */
  consent?: Consent | undefined
}

/**
 * What the form asks: `all`: about account and person; `person`: not about the account, which exists; `terms`: only the terms;
 * `consent`: only whether an account is joined
 */
export type Asks = 'all' | 'person' | 'terms' | 'consent'

/** What a person has to answer before going on. */
export interface Questions {
  fields: WantedField[]
  terms: Terms | undefined
}
