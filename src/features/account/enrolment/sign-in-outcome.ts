import type { Caller } from '../../../web/auth/caller.js'
import type { CompletionAnswers, CompletionQuestions, CompletionStep } from './completion.js'
import type { DeclinedInvitation } from './join-account.js'
import type { JoinConsent, JoinOffer } from './join-offer.js'

export type SignInOutcome = SignedInOutcome | QuestionsOutcome

export interface DeclineRequest {
  /** The declined offer; undefined: the current one. */
  consent: JoinConsent | undefined
  /** For the user's own account; undefined: the questions are returned next. */
  answers?: CompletionAnswers
  /** Called once the invitation is removed, whatever the outcome of the request. */
  onDeclined(declined: DeclinedInvitation): void
}

export interface SignedInOutcome {
  kind: 'signed_in'
  caller: Caller
  signedUp: boolean
  /** The username that a linked user had before. */
  linkedUsername: string | undefined
  /** True where an invitation or a claim led to a shared account. */
  joined: boolean
}

/** Nothing was written: input is required, or the input referred to an offer that has changed. */
export interface QuestionsOutcome extends CompletionQuestions {
  kind: 'questions'
  step: CompletionStep
  /** The existing account that the questions are about. */
  offer?: JoinOffer | undefined
}
