import { domainOf, isListedDomain } from '../../../clients/mail/email-address.js'
import {
  COLUMN_CHARACTERS,
  extraFieldsTooLong,
  longestIfTooLong,
  textError,
  toSingleLine,
} from '../../../clients/threescale/tenant-rules/text-limits.js'
import type { FieldDefinition } from '../../../clients/threescale/types.js'
import type { PortalConfig } from '../../../config/portal-config.js'
import { problem } from '../../../errors.js'
import { enforce } from '../../../policies.js'
import type { Identity } from '../../../web/auth/caller.js'
import { signUpErrors } from './messages.js'

export type SignUpPolicy = NonNullable<PortalConfig['sign_up']>

/** A field of the completion form, such as `account.department` or `user.job_title`. */
export interface CompletionField {
  target: 'account' | 'user'
  name: string
  label: string
  required: boolean
  choices: string[]
}

/** Rejects with the reason where this identity may not sign up. Returns its verified address. */
export function assertMaySignUp(identity: Identity, policy: SignUpPolicy, signupsEnabled: boolean): string | undefined {
  enforce(['signups_enabled'], { signupsEnabled })
  // API_CLIENTS lists the services that may.
  if (identity.kind === 'service') return undefined
  const email = assertVerifiedEmail(identity)
  // 3scale does not validate the address of a sign-up by its API, and sends e-mail to it.
  const domain = domainOf(email)
  if (domain === undefined) throw problem('sign_up_refused', { detail: signUpErrors.malformedEmail })
  if (policy.email_domains && !isListedDomain(domain, policy.email_domains)) throw problem('sign_up_refused')
  if (policy.groups && !policy.groups.some((group) => identity.groups.includes(group))) throw notInGroup(identity)
  for (const { name, values } of policy.claims ?? []) {
    const claimValues = [identity.claims[name] ?? []].flat()
    if (!values.some((value) => claimValues.includes(value))) throw problem('sign_up_refused')
  }
  return email
}

/** Rejects with email_missing and with email_not_verified; the cause names the missing setting for the operator. */
export function assertVerifiedEmail({ email, emailVerified }: Identity): string {
  if (!email) throw problem('email_missing')
  if (emailVerified) return email
  if (emailVerified === false) throw problem('email_not_verified')
  throw problem('email_not_verified', {
    detail: signUpErrors.unknownVerification,
    cause: new Error(
      'no claim states that the address is verified: see identity_provider.trust_email in PORTAL_CONFIG',
    ),
  })
}

function notInGroup({ groupsOmitted }: Identity) {
  return groupsOmitted ? problem('sign_up_refused', { detail: signUpErrors.groupsOmitted }) : problem('sign_up_refused')
}

/**
 * Fields that the form omits. Every sign-in provides the first three, which 3scale reads from one flat form of account and user,
 * so no other field may have their names. An address is an object (porta, app/models/account.rb: `internal_fields_are`).
 */
const OMITTED_FIELDS = new Set(['org_name', 'username', 'email', 'billing_address'])

/**
 * `claimValues`: the values of mapped claims. `questions`: the fields that the form shows. `missing`: the labels of required fields
 * that the user can neither see nor change.
 */
export function resolveFields(
  definitions: FieldDefinition[],
  identity: Identity,
  policy: SignUpPolicy,
  termsField: string | undefined,
) {
  const claimValues: Record<string, string> = {}
  const questions = new Map<string, CompletionField>()
  const missing: string[] = []
  for (const field of definitions) {
    const { target, name, label, required, choices } = field
    if (target === 'application' || OMITTED_FIELDS.has(name) || name === termsField) continue
    const value = claimValue(identity, policy.fields?.[target]?.[name])
    if (value !== undefined && (choices.length === 0 || choices.includes(value)))
      claimValues[`${target}.${name}`] = value
    else if (field.hidden || field.readOnly) missing.push(...(required ? [label] : []))
    // A field name that account and user share has one value in 3scale.
    else if (!questions.has(name)) questions.set(name, { target, name, label, required, choices })
  }
  const requiredFirst = [...questions.values()].sort((a, b) => Number(b.required) - Number(a.required))
  return { claimValues, questions: requiredFirst, missing }
}

function claimValue(identity: Identity, claim: string | undefined): string | undefined {
  const value = claim === undefined ? undefined : [identity.claims[claim] ?? []].flat()[0]
  return (
    Array.from(toSingleLine(value ?? ''))
      .slice(0, COLUMN_CHARACTERS)
      .join('') || undefined
  )
}

/**
 * Validates the submitted form; the keys are of the form `account.department`. 3scale does not check the choices of extra fields.
 * Rejects with invalid_fields, `otherErrors` included.
 */
export function validateAnswers(
  questions: CompletionField[],
  values: Record<string, string>,
  otherErrors: Record<string, string>,
  claimValues: Record<string, string> = {},
): Record<string, string> {
  const errors = { ...otherErrors }
  const answers: Record<string, string> = {}
  for (const field of questions) {
    const key = `${field.target}.${field.name}`
    const value = (values[key] ?? '').trim()
    const error = answerError(field, value)
    if (error) errors[key] = error
    else if (value !== '') answers[key] = value
  }
  for (const target of ['account', 'user']) {
    const texts = Object.entries({ ...claimValues, ...answers }).filter(([key]) => key.startsWith(`${target}.`))
    const longest = longestIfTooLong(Object.fromEntries(texts))
    if (longest !== undefined) errors[longest] = extraFieldsTooLong
  }
  if (Object.keys(errors).length > 0) throw problem('invalid_fields', { fields: errors })
  return answers
}

function answerError({ target, name, label, required, choices }: CompletionField, value: string): string | undefined {
  if (value === '') return required ? signUpErrors.fieldRequired(label) : undefined
  if (choices.length > 0) return choices.includes(value) ? undefined : signUpErrors.fieldChoice(label, choices)
  // The column is a decimal, for which any text is zero.
  if (target === 'account' && name === 'vat_rate' && !/^\d{1,3}(\.\d{1,2})?$/.test(value)) return signUpErrors.number
  return textError(value, { max: COLUMN_CHARACTERS, lines: true })
}
