import { createHash } from 'node:crypto'
import type { User } from '../../../clients/threescale/types.js'
import { type OpenAccount, type PortalError, problem } from '../../../errors.js'
import type { AccountUser } from '../account-status.js'
import { joinInstructions } from './messages.js'

/** An account that an identity may join instead of creating its own. */
export interface JoinOffer {
  basis: 'invitation' | 'claim' | 'link'
  /** The account; undefined: this sign-up creates it. */
  id: number | undefined
  /** The organisation, shortened for a cookie. */
  name: string
  role: User['role']
  /** The 3scale username of the user that is linked. */
  username?: string | undefined
  /** False where the account has no members yet. */
  needsConsent: boolean
  /** Identifies the properties above. The form returns it, so that only the displayed offer is accepted. */
  fingerprint: string
}

/** Consent to the offer of a page (`''`: there was none), or to the account that an API call names. */
export type JoinConsent = { fingerprint: string } | { account: number }

const NAME_CHARACTERS = 80

/** `account`: the account and the user on which the offer is based; undefined where this sign-up creates the account. */
export function createOffer(
  basis: JoinOffer['basis'],
  account: AccountUser | undefined,
  details: { role: User['role']; name?: string; needsConsent?: boolean },
): JoinOffer {
  const { role, needsConsent = true } = details
  const name = account?.account.orgName ?? details.name ?? ''
  const username = basis === 'link' ? account?.user.username : undefined
  const facts = JSON.stringify([basis, account?.account.id, account?.user.id, account?.user.username, name, role])
  return {
    basis,
    id: account?.account.id,
    name: Array.from(name).slice(0, NAME_CHARACTERS).join(''),
    role,
    username,
    needsConsent,
    fingerprint: needsConsent ? createHash('sha256').update(facts).digest('base64url').slice(0, 22) : '',
  }
}

/** True where the consent is to exactly this offer; without an offer, where there is no consent. */
export function matchesConsent(offer: JoinOffer | undefined, consent: JoinConsent | undefined): boolean {
  const required = offer?.needsConsent ? offer : undefined
  if (consent === undefined) return required === undefined
  return 'account' in consent ? consent.account === required?.id : consent.fingerprint === (required?.fingerprint ?? '')
}

/** Undefined where the answers were about another offer. */
export function answersForOffer<Answers extends { consent?: JoinConsent | undefined }>(
  offer: JoinOffer | undefined,
  answers: Answers | undefined,
): Answers | undefined {
  return answers && matchesConsent(offer, answers.consent) ? answers : undefined
}

export function toOpenAccount({ id, name, role, basis, username }: JoinOffer): OpenAccount {
  return { id: id ?? null, name, role, by: basis, username: username ?? null, can_decline: basis === 'invitation' }
}

/** For API calls that neither accept nor decline the offer. */
export function joinRequiredProblem(offer: JoinOffer): PortalError {
  return problem('join_required', { joiningAccount: toOpenAccount(offer), detail: joinInstructions(offer) })
}
