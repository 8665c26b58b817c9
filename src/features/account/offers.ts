import { createHash } from 'node:crypto'
import type { User } from '../../clients/threescale/nouns.js'
import { type OpenAccount, type PortalError, problem } from '../../errors.js'
import type { Found } from './standing.js'

/** An account that an identity may become part of instead of having one of its own. */
export interface Offer {
  by: 'invitation' | 'claim' | 'link'
  /** id of the account; undefined: there is none yet, and this sign-up creates it */
  id: number | undefined
  /** organisation, shortened: it travels in a cookie */
  name: string
  role: User['role']
  /** user name in 3scale of the user that is linked */
  username?: string | undefined
  /** false where nobody uses the account yet, so that there is nobody to agree with */
  needsConsent: boolean
  /** identifies everything above: a form returns it, so that only what was shown is accepted */
  shown: string
}

/** What was agreed to: the offer that a page showed (`''`: none), or the account that an API call names. */
export type Consent = { shown: string } | { account: number }

const NAME_CHARACTERS = 80

/** `needsConsent`: true unless the account has nobody in it. */
export function offerOf(
  by: Offer['by'],
  there: Found | undefined,
  more: { role: User['role']; name?: string; needsConsent?: boolean },
): Offer {
  const { role, needsConsent = true } = more
  const name = there?.account.orgName ?? more.name ?? ''
  const username = by === 'link' ? there?.user.username : undefined
  const facts = JSON.stringify([by, there?.account.id, there?.user.id, there?.user.username, name, role])
  return {
    by,
    id: there?.account.id,
    name: Array.from(name).slice(0, NAME_CHARACTERS).join(''),
    role,
    username,
    needsConsent,
    shown: needsConsent ? createHash('sha256').update(facts).digest('base64url').slice(0, 22) : '',
  }
}

/** True where exactly this offer was agreed to; without an offer, where none was. */
export function isAgreed(offer: Offer | undefined, consent: Consent | undefined): boolean {
  const open = offer?.needsConsent ? offer : undefined
  if (consent === undefined) return open === undefined
  return 'account' in consent ? consent.account === open?.id : consent.shown === (open?.shown ?? '')
}

/** The answers, where they agree to this offer; undefined: they were given to another one, so it has to be asked. */
export function agreed<Answers extends { consent?: Consent | undefined }>(
  offer: Offer | undefined,
  answers: Answers | undefined,
): Answers | undefined {
  return answers && isAgreed(offer, answers.consent) ? answers : undefined
}

/** As the API describes it. */
export function openAccount({ id, name, role, by, username }: Offer): OpenAccount {
  return { id: id ?? null, name, role, by, username: username ?? null, can_decline: by === 'invitation' }
}

/** For API calls that do not say whether they accept the offer. */
export function joinRequired(offer: Offer): PortalError {
  return problem('join_required', { joins: openAccount(offer), detail: `${whatIsOpen(offer)} ${howToJoin(offer)}` })
}

function whatIsOpen({ by, id, name, role, username = '' }: Offer): string {
  const as = role === 'admin' ? 'an admin' : 'a member'
  if (by === 'invitation') return `${name} (account ${id}) invites you as ${as}.`
  if (by === 'claim') return `The sign-in service assigns you to ${name} (account ${id}) as ${as}.`
  return `The user ${username} of ${name} (account ${id}) has your e-mail address.`
}

function howToJoin({ by, id }: Offer): string {
  if (by === 'invitation')
    return `Send "join": ${id} to join it, or "decline": true to remove the invitation and sign up with your own account.`
  return by === 'claim' ? `Send "join": ${id} to join it.` : `Send "join": ${id} to link that user to your sign-in.`
}
