import { COLUMN_CHARACTERS } from '../../../clients/threescale/tenant-rules/text-limits.js'
import type { PortalError } from '../../../errors.js'
import type { JoinOffer } from '../enrolment/join-offer.js'
import type { CompletionField } from '../enrolment/sign-up-policy.js'
import { signInErrorMessage } from './error-messages.js'
import { completionMessages, consequences, firstMemberMessages, joinMessages, termsMessages } from './messages.js'

export interface Contact {
  email?: string
  url?: string
  text?: string
}

interface CompletionViewInput {
  /** False: the user has an account and accepts new terms. */
  isNew: boolean
  fields: CompletionField[]
  terms: { version: string; url: string; title: string } | undefined
  submitted?: { values: Record<string, string>; error: PortalError } | undefined
  offer?: JoinOffer | undefined
  email: string
}

export function completionView({ isNew, fields, terms, submitted, offer, email }: CompletionViewInput) {
  const errors = submitted?.error.fields ?? {}
  const { newAccount, newTerms } = completionMessages
  return {
    ...(offer ? offerView(offer) : { ...(isNew ? newAccount : newTerms), facts: [], meaning: [], decline: '' }),
    fingerprint: offer?.fingerprint ?? '',
    email,
    failure: submitted ? failureMessage(submitted.error) : '',
    fields: fields.map((field) => {
      const id = `${field.target}.${field.name}`
      const value = submitted?.values[id] ?? ''
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
    terms,
    termsError: errors.accept_terms ?? '',
  }
}

/** Errors of single fields are shown at the field. */
function failureMessage(error: PortalError): string {
  const isTemporary = error.code === 'threescale_unavailable' || error.code === 'threescale_busy'
  if (isTemporary) return `${error.message} ${completionMessages.inputPreserved}`
  return error.fields ? '' : error.message
}

/** What joining an account means, before anything is written. */
function offerView(offer: JoinOffer) {
  const { name, role, basis, username = '' } = offer
  const { facts: labels, roles } = completionMessages
  const facts = [
    { label: labels.organisation, value: name },
    ...(basis === 'link' ? [{ label: labels.username, value: username }] : []),
    { label: labels.role, value: roles[role] },
  ]
  const shared = consequences.shared(name)
  const removal = consequences.removal(name)
  if (basis === 'link') {
    const meaning = [consequences.linkedApplications(name), shared, removal, consequences.linkedUsername(username)]
    return { ...completionMessages.link, facts, meaning }
  }
  if (!offer.needsConsent) return { ...firstMemberMessages(name), facts, meaning: [shared] }
  return { ...joinMessages(name, basis), facts, meaning: [consequences.access(name), shared, removal] }
}

interface SignInErrorViewInput {
  failure: PortalError
  contact: Contact | undefined
  reference: string
  /** Address or name of the user by the identity provider; undefined where it returned none. */
  signedInAs: string | undefined
  retryHref: string
}

export function signInErrorView({ failure, contact, reference, signedInAs, retryHref }: SignInErrorViewInput) {
  const { retry, ...message } = signInErrorMessage(failure.code)
  return {
    ...message,
    detail: failure.message,
    retry: retry ?? '',
    retryHref,
    contact: contactView(contact),
    signedInAs: signedInAs ?? '',
    reference,
  }
}

function contactView(contact: Contact | undefined): { text: string; href: string } | undefined {
  if (!contact) return undefined
  const { email, url, text } = contact
  if (email) return { text: text ? `${text} (${email})` : email, href: `mailto:${email}` }
  return { text: text ?? url ?? '', href: url ?? '' }
}

export function termsView({ title, version, textHtml }: { title: string; version: string; textHtml: string }) {
  return { title, heading: title, version: termsMessages.version(version), textHtml }
}
