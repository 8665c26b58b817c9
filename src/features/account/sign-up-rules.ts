import { domainOf, isListed } from '../../clients/email-address.js'
import type { FieldDefinition } from '../../clients/threescale/nouns.js'
import {
  COLUMN_CHARACTERS,
  extraFieldsTooLong,
  longestWhereTooLong,
  onOneLine,
  textFault,
} from '../../clients/threescale/text.js'
import { problem } from '../../errors.js'
import { check } from '../../rules.js'
import type { Identity } from '../../web/caller.js'

export interface SignUpRules {
  email_domains?: string[]
  groups?: string[]
  claims?: { name: string; values: string[] }[]
  fields?: { account?: Record<string, string>; user?: Record<string, string> }
  org_name_claim?: string
}

/** A field the person is asked for: `account.department` or `user.job_title`. */
export interface WantedField {
  target: 'account' | 'user'
  name: string
  label: string
  required: boolean
  choices: string[]
}

const GROUPS_OMITTED =
  'Sign-up is limited to members of certain groups. Your sign-in service left out your groups because there are too many. Ask the operator of this portal.'

const ODD_ADDRESS =
  'Your e-mail address is not of the form name@example.com. Change it in the sign-in service, then sign in again.'

/** Rejects with the reason why this identity may not sign up; nothing is written then. */
export function checkMaySignUp(identity: Identity, rules: SignUpRules, signupsEnabled: boolean): string | undefined {
  check(['signups_enabled'], { signupsEnabled })
  // which services there are is said in API_CLIENTS
  if (identity.kind === 'service') return undefined
  const email = verifiedAddress(identity)
  // 3scale checks no address of a sign-up by its API, and sends e-mail to it
  const domain = domainOf(email)
  if (domain === undefined) throw problem('sign_up_refused', { detail: ODD_ADDRESS })
  if (rules.email_domains && !isListed(domain, rules.email_domains)) throw problem('sign_up_refused')
  if (rules.groups && !rules.groups.some((group) => identity.groups.includes(group))) throw notInGroup(identity)
  for (const { name, values } of rules.claims ?? []) {
    const claimed = [identity.claims[name] ?? []].flat()
    if (!values.some((value) => claimed.includes(value))) throw problem('sign_up_refused')
  }
  return email
}

/**
 * The address that may find or get an account. Rejects with email_missing, and with email_not_verified; the cause is for the
 * operator where it is a setting that is missing.
 */
export function verifiedAddress({ email, emailVerified }: Identity): string {
  if (!email) throw problem('email_missing')
  if (emailVerified) return email
  if (emailVerified === false) throw problem('email_not_verified')
  throw problem('email_not_verified', {
    detail:
      'The sign-in service does not state whether your e-mail address is verified, so no account can be created or joined. The operator of this portal can correct this.',
    cause: new Error('no claim says that the address is verified: see identity_provider.trust_email in PORTAL_CONFIG'),
  })
}

function notInGroup({ groupsOmitted }: Identity) {
  return groupsOmitted ? problem('sign_up_refused', { detail: GROUPS_OMITTED }) : problem('sign_up_refused')
}

/**
 * Not asked for: what every sign-in has, which 3scale takes in one flat form for account and user, so that no field of
 * either may have its name; and an address that is an object (porta, app/models/account.rb: `internal_fields_are`).
 */
const given = new Set(['org_name', 'username', 'email', 'billing_address'])

/** What has to be asked, what mapped claims tell, and what nobody can tell: required, yet hidden from people or not theirs. */
export function fieldsFor(
  definitions: FieldDefinition[],
  identity: Identity,
  rules: SignUpRules,
  ownField: string | undefined,
) {
  const known: Record<string, string> = {}
  const asked = new Map<string, WantedField>()
  const missing: string[] = []
  for (const field of definitions) {
    const { target, name, label, required, choices } = field
    if (target === 'application' || given.has(name) || name === ownField) continue
    const value = claimed(identity, rules.fields?.[target]?.[name])
    if (value !== undefined && (choices.length === 0 || choices.includes(value))) known[`${target}.${name}`] = value
    else if (field.hidden || field.readOnly) missing.push(...(required ? [label] : []))
    // 3scale gives a name that account and user share one value
    else if (!asked.has(name)) asked.set(name, { target, name, label, required, choices })
  }
  return { known, asked: [...asked.values()].sort((a, b) => Number(b.required) - Number(a.required)), missing }
}

function claimed(identity: Identity, claim: string | undefined): string | undefined {
  const value = claim === undefined ? undefined : [identity.claims[claim] ?? []].flat()[0]
  return (
    Array.from(onOneLine(value ?? ''))
      .slice(0, COLUMN_CHARACTERS)
      .join('') || undefined
  )
}

/**
 * Checks what was typed on the completion form; keys as `account.department`. 3scale itself checks no choices of extra
 * fields. Rejects with invalid_fields, `more` included. `known` are the claims of the sign-in, by the same keys.
 */
export function checkAnswers(
  asked: WantedField[],
  values: Record<string, string>,
  more: Record<string, string>,
  known: Record<string, string> = {},
): Record<string, string> {
  const errors = { ...more }
  const answers: Record<string, string> = {}
  for (const field of asked) {
    const key = `${field.target}.${field.name}`
    const value = (values[key] ?? '').trim()
    const fault = faultOf(field, value)
    if (fault) errors[key] = fault
    else if (value !== '') answers[key] = value
  }
  for (const target of ['account', 'user']) {
    const of = Object.entries({ ...known, ...answers }).filter(([key]) => key.startsWith(`${target}.`))
    const longest = longestWhereTooLong(Object.fromEntries(of))
    if (longest !== undefined) errors[longest] = extraFieldsTooLong
  }
  if (Object.keys(errors).length > 0) throw problem('invalid_fields', { fields: errors })
  return answers
}

function faultOf({ target, name, label, required, choices }: WantedField, value: string): string | undefined {
  if (value === '') return required ? `${label} is required.` : undefined
  if (choices.length > 0) return choices.includes(value) ? undefined : `${label} is one of: ${choices.join(', ')}.`
  // a decimal column, which takes any text for nought
  if (target === 'account' && name === 'vat_rate' && !/^\d{1,3}(\.\d{1,2})?$/.test(value))
    return 'Use a number, such as 19 or 7.5.'
  return textFault(value, { max: COLUMN_CHARACTERS, lines: true })
}
