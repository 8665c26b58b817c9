import { hashJson } from '../../infra/crypto/json-hash.js'
import { KeyFailure } from './key-failure.js'
import type { KeyOptions } from './key-options.js'
import { applicationMessages as messages } from './messages.js'
import type { PortalApi } from './portal-api.js'

/** The fields that the command uses (schema `Application` of the REST API). */
export interface ListedApplication {
  id: number
  name: string
  state: string
  model: string
  plan: string
  created_at: string
  repair_required: boolean
  credentials: {
    mode: 'user_key' | 'app_id' | 'oidc'
    user_key?: string
    app_id?: string
    app_keys?: string[]
    client_id?: string
    client_secret?: string
    token_url?: string | null
  }
}

interface Me {
  signed_up: boolean
  required: { fields: { name: string }[]; terms: { version: string; url: string } | null }
}

interface Page<T> {
  items: T[]
  next_cursor: string | null
}

type ApplicationOptions = Pick<
  KeyOptions,
  'model' | 'name' | 'plan' | 'description' | 'field' | 'signUp' | 'join' | 'acceptTerms' | 'accountField'
>

/** Signs the caller up if requested. False: the caller already has an account. */
export async function ensureSignedUp(api: PortalApi, options: ApplicationOptions): Promise<boolean> {
  const { body: me } = await api.get<Me>('/me')
  if (me.signed_up) return false
  if (options.signUp !== true && options.join === undefined) throw new KeyFailure('rejected', notSignedUp(me, api))
  const body = {
    ...(options.accountField ? { fields: options.accountField } : {}),
    ...(options.acceptTerms === undefined ? {} : { accept_terms: options.acceptTerms }),
    ...(options.join === undefined ? {} : { join: options.join }),
  }
  await api.post('/me', { body, name: `key-sign-up-${fingerprint(body)}` })
  return true
}

/** Finds or creates the application with this name and model. Rejects with KeyFailure. */
export async function ensureApplication(
  api: PortalApi,
  options: ApplicationOptions,
): Promise<{ application: ListedApplication; created: boolean }> {
  const existing = await find(api, options)
  const result = existing ? { application: existing, created: false } : await create(api, options)
  const { application } = result
  if (application.state === 'pending') throw new KeyFailure('waiting', messages.pending(applicationName(application)))
  if (application.state === 'suspended')
    throw new KeyFailure('rejected', messages.suspended(applicationName(application)))
  if (application.repair_required)
    await api.post(`/applications/${application.id}/repair`, { name: `key-repair-${application.id}` })
  return result
}

export function applicationName({ id, name }: Pick<ListedApplication, 'id' | 'name'>): string {
  return messages.name(id, name)
}

/** Compares exactly: an application with a similar name must never be used. */
async function find(api: PortalApi, { name, model }: ApplicationOptions): Promise<ListedApplication | undefined> {
  const query = new URLSearchParams({ name, model, limit: '100' })
  const matching: ListedApplication[] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    if (cursor) query.set('cursor', cursor)
    const { body } = await api.get<Page<ListedApplication>>(`/applications?${query}`)
    matching.push(...body.items.filter((one) => one.name === name && one.model === model))
    cursor = body.next_cursor
  }
  if (matching.length > 1) {
    const ids = matching.map(({ id }) => id).join(', ')
    throw new KeyFailure('rejected', messages.ambiguous(ids))
  }
  return matching[0]
}

/** The idempotency key is derived from the request, so simultaneous runs create one application. */
async function create(api: PortalApi, { name, model, plan, description, field }: ApplicationOptions) {
  const body = {
    model,
    name,
    ...(plan === undefined ? {} : { plan }),
    ...(description === undefined ? {} : { description }),
    ...(field ? { fields: field } : {}),
  }
  const result = await api.post<ListedApplication>('/applications', {
    body,
    name: `key-create-${fingerprint({ model, name })}`,
  })
  return { application: result.body, created: !result.replayed }
}

function notSignedUp({ required: { fields, terms } }: Me, api: PortalApi): string {
  const required = [
    ...(terms ? [`--accept-terms ${terms.version} (${api.address(terms.url)})`] : []),
    ...fields.map(({ name }) => `--account-field ${name}=VALUE`),
  ]
  return messages.noAccount(required)
}

function fingerprint(value: object): string {
  return hashJson(value, 32, 'hex')
}
