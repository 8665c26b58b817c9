import { definedFields } from '../accounts/fields.js'
import { tooLong } from '../accounts/validation.js'
import { type Params, textOf } from '../http/params.js'
import type { Errors } from '../http/responses.js'
import type { Call } from '../http/router.js'
import { rowsWith } from '../row-index.js'
import { canary, hex } from '../secrets.js'
import type { Application, Plan, Service, State } from '../store.js'
import { nextId } from '../store.js'

const PRINTABLE = /^[\x21-\x7e]+$/

/** An application to be stored, without its ID. Missing values are generated. */
export function newApplication(
  { state, clock }: Call,
  { account_id, plan, service, params }: { account_id: number; plan: Plan; service: Service; params: Params },
): Application {
  const now = clock.now()
  const given = params.application_key
  const values = (Array.isArray(given) ? given : given === undefined ? [] : [given]).map(String)
  const needsKey =
    service.backend_version === 'oidc' || (service.backend_version === '2' && service.flags.mandatory_app_key)
  if (values.length === 0 && needsKey) values.push(hex(16))
  const first_traffic_at = Date.parse(textOf(params, 'first_traffic_at') ?? '')
  return {
    id: 0,
    account_id,
    service_id: service.id,
    plan_id: plan.id,
    ...textsOf(params),
    state: plan.approval_required ? 'pending' : 'live',
    user_key: textOf(params, 'user_key') ?? hex(16),
    application_id: textOf(params, 'application_id') ?? hex(4),
    provider_verification_key: canary(16),
    keys: values.map((value) => ({ id: nextId(state, 'key'), value, created_at: now })),
    referrer_filters: [],
    fields: definedFields(state, 'Cinstance', params),
    ...(Number.isNaN(first_traffic_at) ? {} : { first_traffic_at }),
    created_at: now,
    updated_at: now,
  }
}

export function textsOf(params: Params): Partial<Record<'name' | 'description' | 'redirect_url', string>> {
  const pairs = (['name', 'description', 'redirect_url'] as const).map((name) => [name, textOf(params, name)] as const)
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined))
}

/** porta, app/models/cinstance.rb. Messages of one attribute are in the order of its validations. */
export function errorsOf(state: State, requested: Application, limit: number): Errors {
  const { application_id, service_id, keys } = requested
  const taken = rowsWith(state.applications, 'service_id', service_id).some(
    (row) => row.id !== requested.id && row.application_id === application_id,
  )
  const values = keys.map(({ value }) => value)
  const badKey = values.some((value) => value.length < 5 || value.length > 255 || !PRINTABLE.test(value))
  const sameKey = new Set(values.map((value) => value.toLowerCase())).size < values.length
  return present({
    ...textErrors(requested),
    application_id: [
      ...(taken ? ['has already been taken'] : []),
      ...(PRINTABLE.test(application_id) ? [] : ['invalid']),
      ...(application_id.length < 4 ? ['is too short (minimum is 4 characters)'] : []),
      ...tooLong(application_id, 255),
    ],
    user_key: userKeyErrors(state, requested),
    application_keys: badKey || sameKey || keys.length > limit ? ['invalid'] : [],
  })
}

/** The first key of an application is an event too (porta, app/models/application_key.rb, push_webhook_key_created). */
export function fireCreated(call: Call, record: Application): void {
  call.fire({ type: 'application', action: 'created', record })
  for (const _ of record.keys) call.fire({ type: 'application', action: 'key_created', record })
}

export function changeErrors(state: State, requested: Application): Errors {
  return present({ ...textErrors(requested), user_key: userKeyErrors(state, requested) })
}

function textErrors({ name, description, redirect_url }: Application): Errors {
  return {
    name: tooLong(name ?? '', 255),
    description: tooLong(description ?? '', 65_535),
    redirect_url: tooLong(redirect_url ?? '', 65_535),
  }
}

/** Alphanumeric characters, `_`, `-` and `.`, or base64 in groups of four, without its slash. */
function userKeyErrors(state: State, { id, service_id, user_key }: Application): string[] {
  const readable = /^(?:[\w.-]+|(?:[A-Za-z0-9+]{4})*(?:[A-Za-z0-9+]{4}|[A-Za-z0-9+]{3}=|[A-Za-z0-9+]{2}==))$/
  const taken = rowsWith(state.applications, 'service_id', service_id).some(
    (row) => row.id !== id && row.user_key === user_key,
  )
  return [
    ...(taken ? ['has already been taken'] : []),
    ...(readable.test(user_key) ? [] : ['invalid']),
    ...tooLong(user_key, 256),
  ]
}

function present(errors: Errors): Errors {
  return Object.fromEntries(Object.entries(errors).filter(([, messages]) => messages.length > 0))
}
