import type { Caller } from '../../web/caller.js'
import type { Declined } from './joining.js'
import type { Consent, Offer } from './offers.js'
import type { Asks, Completion, Questions } from './questions.js'

/** What comes of a sign-in. */
export type SignInOutcome = SignedIn | Asked

export interface Declining {
  /** to which offer the answer is no; undefined: to the one that there is */
  consent: Consent | undefined
  /** for the own account; undefined: they are asked next */
  answers?: Completion
  /** called once the invitation is removed, whatever follows */
  declined(what: Declined): void
}

export interface SignedIn {
  kind: 'in'
  caller: Caller
  signedUp: boolean
  /** the user name of the stock portal that was given up for this sign-in */
  linkedFrom: string | undefined
  /** into an account of others, by invitation or by what the sign-in service says */
  joined: boolean
}

/** Nothing was written. After an answer: the answer was given to another offer than there is now. */
export interface Asked extends Questions {
  kind: 'asked'
  asks: Asks
  /** the existing account that is asked about */
  offer?: Offer | undefined
}
