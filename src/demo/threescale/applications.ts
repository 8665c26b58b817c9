import { randomBytes } from 'node:crypto'
import { type Answer, answers, type Errors, page } from './answers.js'
import { definedFields, update } from './fields.js'
import { textOf } from './params.js'
import * as show from './represent/people.js'
import type { Api, Call } from './router.js'
import { type Application, nextId, type Plan, type Service, type State } from './store.js'
import { subscribe } from './subscriptions.js'
import { applicationsXml, applicationXml } from './xml.js'

const base = '/admin/api/accounts/:account/applications'
const PRINTABLE = /^[\x21-\x7e]+$/

/** Applications (porta, app/controllers/admin/api/buyers_applications_controller.rb, app/models/cinstance.rb). */
export function applicationRoutes(api: Api): void {
  api.get(base, (call) => {
    if (!call.account()) return answers.notFound
    const rows = ofAccount(call).filter((row) => !call.query.state || row.state === call.query.state)
    return listed(rows, call)
  })

  api.get(`${base}/find`, (call) => found(findByCredential(ofAccount(call), call), call))

  api.get('/admin/api/applications', (call) => {
    const { rows, metadata } = page(filtered(call), call.query)
    return listed(rows, call, metadata)
  })

  api.get('/admin/api/applications/find', (call) => {
    const { state, params } = call
    const service = textOf(params, 'service_id')
    const inScope = state.applications.filter((row) => service === undefined || row.service_id === Number(service))
    if ('user_key' in params || 'app_id' in params) return found(findByCredential(inScope, call), call)
    const wanted = Number(textOf(params, 'application_id') ?? textOf(params, 'id'))
    return found(
      inScope.find(({ id }) => id === wanted),
      call,
    )
  })

  api.post(base, (call) => {
    const account = call.account()
    const plan = call.state.plans.find(({ id }) => id === Number(textOf(call.params, 'plan_id')))
    const service = call.state.services.find(({ id }) => id === plan?.service_id)
    if (!account || !plan || !service) return answers.notFound
    // it stays even if the application then is not valid
    if (!subscribe(call.state, account.id, service)) return answers.error(422, 'You cannot subscribe to that service.')
    const wanted = newApplication(account.id, call, plan, service)
    const errors = errorsOf(call.state, wanted)
    if (Object.keys(errors).length > 0) return answers.invalid(errors)
    const record = { ...wanted, id: nextId(call.state, 'cinstance') }
    call.state.applications.push(record)
    return answers.created(record.id, one(record, call), applicationXml(record, call.state))
  })

  api.get(`${base}/:id`, (call) => found(applicationOf(call), call))

  api.update(`${base}/:id`, (call) =>
    withApplication(call, (record) => {
      const user_key = textOf(call.params, 'user_key') ?? record.user_key
      const errors = userKeyErrors(call.state, { ...record, user_key })
      if (errors) return answers.invalid({ user_key: errors })
      const texts = (['name', 'description', 'redirect_url'] as const)
        .map((name) => [name, textOf(call.params, name)] as const)
        .filter(([, value]) => value !== undefined)
      const fields = { ...record.fields, ...definedFields(call.state, 'Cinstance', call.params) }
      update(record, { user_key, fields, ...Object.fromEntries(texts) })
      return found(record, call)
    }),
  )

  api.delete(`${base}/:id`, (call) =>
    withApplication(call, (record) => {
      call.state.applications = call.state.applications.filter(({ id }) => id !== record.id)
      return answers.empty
    }),
  )
}

export function withApplication(call: Call, work: (record: Application) => Answer): Answer {
  const record = applicationOf(call)
  return record ? work(record) : answers.notFound
}

export function one(record: Application, { state, host }: Call): object {
  return { application: show.application(record, state, host) }
}

/** porta answers 404 for another account's application: the path itself is the check. */
export function applicationOf(call: Call): Application | undefined {
  return ofAccount(call).find(({ id }) => id === call.id('id'))
}

export function hex(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}

function ofAccount(call: Call): Application[] {
  return call.state.applications.filter(({ account_id }) => account_id === call.id('account'))
}

function found(record: Application | undefined, call: Call): Answer {
  return record ? answers.ok(one(record, call), applicationXml(record, call.state)) : answers.notFound
}

function listed(rows: Application[], call: Call, metadata?: object): Answer {
  const json = { applications: rows.map((row) => one(row, call)), ...(metadata && { metadata }) }
  return answers.ok(json, applicationsXml(rows, call.state, metadata))
}

/** A user_key finds only applications of products with keys, an app_id only the others. */
function findByCredential(rows: Application[], { state, params }: Call): Application | undefined {
  const userKey = textOf(params, 'user_key')
  const appId = textOf(params, 'app_id')
  return rows.find((row) => {
    const byKey = state.services.find(({ id }) => id === row.service_id)?.backend_version === '1'
    return byKey
      ? userKey !== undefined && row.user_key === userKey
      : appId !== undefined && row.application_id === appId
  })
}

/** Filters that are not known are ignored, so that a mistyped one gives everything. */
function filtered({ state, query }: Call): Application[] {
  const is = (name: string, value: string | number) => !query[name] || String(query[name]) === String(value)
  const cost = (row: Application) => {
    const plan = state.plans.find(({ id }) => id === row.plan_id)
    return plan && (plan.cost_per_month || plan.setup_fee || plan.pricing_rules.length > 0) ? 'paid' : 'free'
  }
  return state.applications.filter(
    (row) =>
      is('service_id', row.service_id) &&
      is('plan_id', row.plan_id) &&
      is('state', row.state) &&
      is('account', row.account_id) &&
      is('user_key', row.user_key) &&
      is('plan_type', cost(row)) &&
      (row.name ?? '').toLowerCase().includes(String(query.name ?? '').toLowerCase()),
  )
}

function newApplication(account_id: number, { state, params }: Call, plan: Plan, service: Service): Application {
  const now = Date.now()
  const given = params.application_key
  const keys = (Array.isArray(given) ? given : given === undefined ? [] : [given]).map(String)
  const needsKey =
    service.backend_version === 'oidc' || (service.backend_version === '2' && service.flags.mandatory_app_key)
  if (keys.length === 0 && needsKey) keys.push(hex(16))
  const texts = (['name', 'description', 'redirect_url'] as const)
    .map((name) => [name, textOf(params, name)] as const)
    .filter(([, value]) => value !== undefined)
  return {
    id: 0,
    account_id,
    service_id: service.id,
    plan_id: plan.id,
    ...Object.fromEntries(texts),
    state: plan.approval_required ? 'pending' : 'live',
    user_key: textOf(params, 'user_key') || hex(16),
    application_id: textOf(params, 'application_id') || hex(4),
    keys: keys.map((value) => ({ value, created_at: now })),
    referrer_filters: [],
    fields: definedFields(state, 'Cinstance', params),
    created_at: now,
    updated_at: now,
  }
}

function errorsOf(state: State, wanted: Application): Errors {
  const errors: Errors = {}
  const { application_id, service_id } = wanted
  if (state.applications.some((row) => row.service_id === service_id && row.application_id === application_id))
    errors.application_id = ['has already been taken']
  else if (application_id.length < 4) errors.application_id = ['is too short (minimum is 4 characters)']
  else if (application_id.length > 255) errors.application_id = ['is too long (maximum is 255 characters)']
  else if (!PRINTABLE.test(application_id)) errors.application_id = ['invalid']
  const userKey = userKeyErrors(state, wanted)
  if (userKey) errors.user_key = userKey
  if (wanted.keys.some(({ value }) => value.length < 5 || value.length > 255 || !PRINTABLE.test(value)))
    errors.application_keys = ['invalid']
  return errors
}

function userKeyErrors(state: State, { id, service_id, user_key }: Application): string[] | undefined {
  if (user_key.length > 256) return ['is too long (maximum is 256 characters)']
  if (!/^[A-Za-z0-9_.-]+$|^[A-Za-z0-9+]+={0,2}$/.test(user_key)) return ['invalid']
  const taken = state.applications.some(
    (row) => row.id !== id && row.service_id === service_id && row.user_key === user_key,
  )
  return taken ? ['has already been taken'] : undefined
}
