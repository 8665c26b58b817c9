import type { Account, User } from '../../clients/threescale/nouns.js'
import { COLUMN_CHARACTERS } from '../../clients/threescale/text.js'
import type { PortalError } from '../../errors.js'
import type { Caller } from '../../web/caller.js'
import { initials } from '../../web/words.js'
import type { Offer } from './offers.js'
import type { WantedField } from './sign-up-rules.js'
import { stopFor } from './stops.js'

export interface Contact {
  email?: string
  url?: string
  text?: string
}

export function completionView(i: {
  /** false: somebody who has an account accepts new terms */
  isNew: boolean
  fields: WantedField[]
  terms: { version: string; url: string; title: string } | undefined
  typed?: { values: Record<string, string>; error: PortalError } | undefined
  offer?: Offer | undefined
  email: string
}) {
  const { offer, typed } = i
  const errors = typed?.error.fields ?? {}
  return {
    ...(offer ? offerText(offer) : heading(i.isNew)),
    shown: offer?.shown ?? '',
    email: i.email,
    failure: typed ? failureText(typed.error) : '',
    fields: i.fields.map((field) => {
      const id = `${field.target}.${field.name}`
      const value = typed?.values[id] ?? ''
      return {
        id,
        label: field.label,
        required: field.required,
        value,
        max: String(COLUMN_CHARACTERS),
        error: errors[id] ?? errors[field.name] ?? '',
        isChoice: field.choices.length > 0,
        choices: field.choices.map((choice) => ({ value: choice, selected: choice === value })),
      }
    }),
    terms: i.terms,
    termsError: errors.accept_terms ?? '',
  }
}

/** Errors of single fields are shown at the field. */
function failureText(error: PortalError): string {
  const isDown = error.code === 'threescale_unavailable' || error.code === 'threescale_busy'
  if (isDown) return `${error.message} What you typed is kept.`
  return error.fields ? '' : error.message
}

/** What joining an account means, before anything is written. */
function offerText(offer: Offer) {
  const { name, role, by, username = '' } = offer
  const facts = [
    { label: 'Organisation', value: name },
    ...(by === 'link' ? [{ label: 'User name', value: username }] : []),
    { label: 'Your role', value: role === 'admin' ? 'Admin: also manages people and services' : 'Member' },
  ]
  const shared = `Everybody in ${name} sees and uses the applications and keys that you create there.`
  const removal = `Admins of ${name} can change your role and remove you. Applications and keys stay with the account.`
  if (by === 'link') {
    return {
      title: 'Link your existing account',
      lead: 'A user in 3scale has your e-mail address. Link it to your sign-in only if you recognise it.',
      label: 'Existing user',
      facts,
      meaning: [
        `The applications and keys of ${name} become available to you here, and keep working.`,
        shared,
        removal,
        `From now on you sign in here. The user name ${username} and its password no longer work in the old portal.`,
      ],
      button: 'Link this account',
      decline: 'Do not link',
    }
  }
  if (!offer.needsConsent) {
    return {
      title: `You are the first of ${name}`,
      lead: `The sign-in service assigns you to ${name}, and its account is created now.`,
      label: 'Shared account',
      facts,
      meaning: [shared],
      button: `Create the account of ${name}`,
      decline: '',
    }
  }
  return {
    title: `Join ${name}`,
    lead:
      by === 'invitation'
        ? `${name} invites you to its account. Join it only if you recognise this organisation.`
        : `The sign-in service assigns you to ${name}, which already has an account.`,
    label: by === 'invitation' ? 'Invitation' : 'Shared account',
    facts,
    meaning: [`You see and use the applications and keys of ${name}.`, shared, removal],
    button: `Join ${name}`,
    decline: by === 'invitation' ? 'Decline and create my own account' : '',
  }
}

function heading(isNew: boolean) {
  const text = isNew
    ? {
        title: 'One more step',
        lead: 'Your account is created from your sign-in. These questions are asked only once.',
        label: 'Your new account',
        button: 'Create account',
      }
    : {
        title: 'New terms',
        lead: 'The terms have changed since you last signed in. Accept them to continue.',
        label: 'Terms',
        button: 'Accept terms',
      }
  return { ...text, facts: [], meaning: [], decline: '' }
}

export function stopView(i: {
  failure: PortalError
  contact: Contact | undefined
  reference: string
  /** who the sign-in service says it is; undefined where it said nothing */
  who: string | undefined
  retryHref: string
}) {
  const { retry, ...stop } = stopFor(i.failure.code)
  return {
    ...stop,
    detail: i.failure.message,
    retry: retry ?? '',
    retryHref: i.retryHref,
    contact: contactOf(i.contact),
    who: i.who ?? '',
    reference: i.reference,
  }
}

/** One way to somebody who can help, as words and a link. */
function contactOf(contact: Contact | undefined): { words: string; href: string } | undefined {
  if (!contact) return undefined
  const { email, url, text } = contact
  if (email) return { words: text ? `${text} (${email})` : email, href: `mailto:${email}` }
  return { words: text ?? url ?? '', href: url ?? '' }
}

export function profileView(i: { caller: Caller; account: Account | undefined; user: User | undefined }) {
  const { caller } = i
  return {
    title: 'Account',
    name: caller.name,
    initials: initials(caller.name),
    email: caller.email ?? i.user?.email ?? '',
    person: [
      { label: 'Name', value: caller.name },
      { label: 'E-mail', value: caller.email ?? i.user?.email ?? 'None' },
      ...(caller.groups.length > 0 ? [{ label: 'Groups', value: caller.groups.join(', ') }] : []),
    ],
    account: [
      { label: 'Organisation', value: i.account?.orgName ?? caller.orgName },
      { label: 'Your role', value: caller.role === 'admin' ? 'Admin' : 'Member' },
      { label: 'Account number', value: String(caller.accountId) },
      { label: 'User name in 3scale', value: caller.username },
    ],
    access: [
      'Everybody of this account sees and uses all of its applications and keys.',
      caller.role === 'admin'
        ? 'As an admin you also invite, change and remove people and services.'
        : 'Its admins also invite, change and remove people and services.',
      'Who leaves or is removed loses access at once; applications stay with the account.',
    ],
  }
}

/** On the way to the sign-in service. */
export const toSignIn = { title: 'Sign in', lead: 'You are being taken to the sign-in service.' }
export const toSignOut = {
  title: 'Signing out',
  lead: 'You are signed out here. The sign-in service ends its own session next.',
}

const signedOut = new Map([
  [
    'away',
    'You are signed out here. The sign-in service does not answer, so its own session may still be open. Close the browser on a shared computer.',
  ],
  [
    'stays',
    'You are signed out here. The sign-in service offers no way to sign out from here, so its own session may still be open and the next sign-in may not ask for a password. On a shared computer, sign out there too, then close the browser.',
  ],
])

/** `provider`: why its own session may still be open; undefined: it has ended, or nobody was signed in. */
export function signedOutView(provider = '') {
  return {
    title: 'You are signed out',
    lead: signedOut.get(provider) ?? 'Your applications and their keys go on working.',
  }
}

export function termsView({ title, version, textHtml }: { title: string; version: string; textHtml: string }) {
  return { title, heading: title, version: `Version ${version}`, textHtml }
}
