import type { SignUpTerms } from '../terms.js'
import type { JoinConsent } from './join-offer.js'
import type { CompletionField } from './sign-up-policy.js'

/** Answers of the completion form; the keys are of the form `account.department`. */
export interface CompletionAnswers {
  values: Record<string, string>
  acceptTerms: string | undefined
  /** Consent to join an existing account. */
  consent?: JoinConsent | undefined
}

/**
 * The questions of the form. `all`: about account and person; `person`: about the person, because the account exists; `terms`:
 * the terms only; `consent`: only whether to join the account.
 */
export type CompletionStep = 'all' | 'person' | 'terms' | 'consent'

export interface CompletionQuestions {
  fields: CompletionField[]
  terms: SignUpTerms | undefined
}
