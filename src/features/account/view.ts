import type { Account, User } from '../../clients/threescale/nouns.js'
import { COLUMN_CHARACTERS } from '../../clients/threescale/text.js'
import { isProblem, type PortalError } from '../../errors.js'
import type { Caller } from '../../web/caller.js'
import { initials } from '../../web/words.js'
import type { Joins } from './joining.js'
import type { WantedField } from './sign-up-rules.js'
import { stopFor } from './stops.js'

export interface Contact {
  email?: string
  url?: string
  text?: string
}

export function completionView(i: {
  fields: WantedField[]
  terms: { version: string; url: string; title: string } | undefined
  typed?: { values: Record<string, string>; error: PortalError } | undefined
  joins?: string | undefined
  into?: Joins | undefined
  email: string
}) {
  const errors = i.typed?.error.fields ?? {}
  const isDown = isProblem(i.typed?.error, 'threescale_unavailable', 'threescale_busy')
  return {
    ...(i.into ? joinHeading(i.into) : heading(i.fields.length > 0, i.joins)),
    declinable: i.into?.by === 'invitation',
    email: i.email,
    joins: i.joins ?? '',
    failure: isDown ? `${i.typed?.error.message ?? ''} What you typed is kept.` : '',
    fields: i.fields.map((field) => {
      const id = `${field.target}.${field.name}`
      const value = i.typed?.values[id] ?? ''
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

function joinHeading({ account, role, by, isNew }: Joins) {
  const rights = role === 'admin' ? 'as an admin, who also manages its people' : 'as a member'
  const lead =
    by === 'invitation'
      ? `${account} invites you ${rights}. Its people see and use the same applications and keys.`
      : `The sign-in service says that you belong to ${account}. You join ${rights}, and all its people see and use the same applications and keys.`
  return {
    title: isNew ? `You are the first of ${account}` : `Join ${account}`,
    lead,
    label: by === 'invitation' ? 'Invitation' : 'Shared account',
    button: `Join ${account}`,
  }
}

function heading(isNew: boolean, joins: string | undefined) {
  if (joins) {
    return {
      title: 'Welcome back',
      lead: 'We found your account of the old portal by your e-mail address. Your applications and keys come with you.',
      label: 'Your account moves',
      button: 'Accept and move my account',
    }
  }
  if (!isNew) {
    return {
      title: 'New terms',
      lead: 'The terms have changed since you last signed in. Accept them to go on.',
      label: 'Terms',
      button: 'Accept and go on',
    }
  }
  return {
    title: 'One more step',
    lead: 'Your account is made from your sign-in. These are the only questions, and they are asked once.',
    label: 'Your new account',
    button: 'Make my account',
  }
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

export function linkedView({ oldUsername, returnTo }: { oldUsername: string; returnTo: string }) {
  return { title: 'Your account has moved', oldUsername, returnTo }
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

export function signedOutView({ providerAway }: { providerAway: boolean }) {
  return {
    title: 'You are signed out',
    lead: providerAway
      ? 'You are signed out here. The sign-in service does not answer, so its own session may still be open. Close the browser on a shared computer.'
      : 'Your applications and their keys go on working.',
  }
}

export function termsView({ title, version, textHtml }: { title: string; version: string; textHtml: string }) {
  return { title, heading: title, version: `Version ${version}`, textHtml }
}
