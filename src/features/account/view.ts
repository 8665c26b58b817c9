import type { Account } from '../../clients/threescale/nouns.js'
import type { ErrorCode } from '../../errors.js'
import type { Caller } from '../../web/caller.js'

interface AskedField {
  target: string
  name: string
  label: string
  required: boolean
  choices: string[]
  value: string
  error?: string | undefined
}

export function completionView(i: {
  fields: AskedField[]
  terms: { version: string; url: string; title: string } | undefined
  termsError?: string | undefined
  returnTo: string
  failure?: string | undefined
  email: string
}) {
  return {
    title: i.fields.length > 0 ? 'One more step' : 'New terms',
    lead:
      i.fields.length > 0
        ? 'Your account is made from your sign-in. These are the only questions, and they are asked once.'
        : 'The terms have changed since you last signed in.',
    email: i.email,
    failure: i.failure ?? '',
    fields: i.fields.map((field) => ({
      id: `${field.target}.${field.name}`,
      label: field.label,
      required: field.required,
      value: field.value,
      error: field.error ?? '',
      isChoice: field.choices.length > 0,
      choices: field.choices.map((value) => ({ value, selected: value === field.value })),
    })),
    terms: i.terms,
    termsError: i.termsError ?? '',
  }
}

const stops: Partial<Record<ErrorCode, { title: string; next: string; retry?: boolean }>> = {
  account_pending: {
    title: 'Your account waits for approval',
    next: 'An operator looks at new accounts. You get a mail when it is decided; then sign in again.',
  },
  account_rejected: {
    title: 'Your account was not approved',
    next: 'If you think this is a mistake, ask the contact below.',
  },
  account_suspended: {
    title: 'Your account is suspended',
    next: 'Keys that are live may go on working. Ask the contact below to resume your access.',
  },
  email_not_verified: {
    title: 'Verify your e-mail address first',
    next: 'Follow the link in the mail of the sign-in service, then sign in again. Nothing was made here.',
    retry: true,
  },
  email_missing: {
    title: 'Your profile has no e-mail address',
    next: 'Add one in the sign-in service, then sign in again.',
    retry: true,
  },
  email_taken: {
    title: 'This address belongs to somebody else here',
    next: 'For your safety, accounts are not joined by themselves. The contact below can sort it out.',
  },
  sign_up_closed: { title: 'Sign-up is closed', next: 'The contact below can tell you how to get access.' },
  sign_up_refused: {
    title: 'This portal is not open to you yet',
    next: 'Access depends on your group or organisation. The contact below can help.',
  },
  sign_in_cancelled: { title: 'Sign-in was cancelled', next: 'Nothing was changed.', retry: true },
  sign_in_failed: {
    title: 'This sign-in is no longer valid',
    next: 'It may have taken too long, or the page was opened twice. Starting again usually helps; cookies must be on.',
    retry: true,
  },
  identity_unavailable: {
    title: 'The sign-in service does not answer',
    next: 'Try again in a minute. If you are signed in already, you can go on.',
    retry: true,
  },
  threescale_unavailable: {
    title: 'Your account cannot be read at the moment',
    next: 'The API management service does not answer. Nothing is lost; try again in a minute.',
    retry: true,
  },
  threescale_denied: {
    title: 'The portal is not set up correctly',
    next: 'Tell the contact below; they need the reference.',
  },
}

export function stopView(i: {
  code: ErrorCode
  detail: string
  contact: { email?: string; url?: string; text?: string } | undefined
  reference: string
  signedIn: boolean
  returnTo?: string
}) {
  const known = stops[i.code] ?? { title: 'Sign-in did not work', next: '', retry: true }
  return {
    title: known.title,
    detail: i.detail,
    next: known.next,
    retryHref: known.retry ? `/login?return_to=${encodeURIComponent(i.returnTo ?? '/')}` : '',
    contact: i.contact,
    reference: i.reference,
  }
}

export function linkedView({ oldUsername, returnTo }: { oldUsername: string; returnTo: string }) {
  return { title: 'Your account has moved', oldUsername, returnTo }
}

export function profileView({ caller, account }: { caller: Caller; account: Account | undefined }) {
  return {
    title: 'Account',
    facts: [
      { label: 'Name', value: caller.name },
      { label: 'E-mail', value: caller.email ?? 'none' },
      { label: 'Organisation', value: account?.orgName ?? caller.orgName },
      { label: 'Role', value: caller.role === 'admin' ? 'Admin' : 'Member' },
      { label: 'User name in 3scale', value: caller.username },
      ...(caller.groups.length > 0 ? [{ label: 'Groups', value: caller.groups.join(', ') }] : []),
    ],
  }
}

export function signedOutView() {
  return { title: 'Signed out' }
}

export function termsView({ title, version, textHtml }: { title: string; version: string; textHtml: string }) {
  return { title, heading: title, version, textHtml }
}
