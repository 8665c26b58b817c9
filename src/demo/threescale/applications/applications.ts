import { columnTexts, definedFields, overflows } from '../accounts/fields.js'
import { addSubscription, isSubscribed, servicePlanToSubscribe } from '../accounts/subscriptions.js'
import type { Sync } from '../backend/sync.js'
import type { Behaviour } from '../behaviour.js'
import { type Params, textOf } from '../http/params.js'
import { update } from '../http/records.js'
import { type Answer, answers, page, Refusal } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import { listTag, recordTag } from '../http/tags.js'
import { presentService } from '../products/services.js'
import * as show from '../represent/accounts.js'
import { viewOf } from '../represent/representation.js'
import { applicationsXml, applicationXml } from '../represent/xml-people.js'
import { rowsWith, rowWith } from '../row-index.js'
import { type Application, nextId, type Service } from '../store.js'
import { changeErrors, errorsOf, fireCreated, newApplication, textsOf } from './new-application.js'

const base = '/admin/api/accounts/:account/applications'

/** Applications (porta, app/controllers/admin/api/buyers_applications_controller.rb, app/models/cinstance.rb). */
export function applicationRoutes(api: Api, { sync, behaviour }: { sync: Sync; behaviour(): Behaviour }): void {
  // not paged, and the names of plan, product and account in it do not count for its tag
  api.get(
    base,
    (call) => (call.account() ? listed(inList(call), call) : answers.notFound),
    (call) => (call.account() ? listTag(inList(call), call) : undefined),
  )

  api.get(`${base}/find`, (call) => found(findByCredential(ofAccount(call), call), call))

  api.get(
    '/admin/api/applications',
    (call) => {
      const { rows, metadata } = page(filtered(call), call.query)
      return listed(rows, call, metadata)
    },
    (call) => listTag(page(filtered(call), call.query).rows, call),
  )

  api.get('/admin/api/applications/find', (call) => {
    const { state, params } = call
    const service = textOf(params, 'service_id')
    const inScope =
      service === undefined ? state.applications : rowsWith(state.applications, 'service_id', Number(service))
    if ('user_key' in params || 'app_id' in params) return found(findByCredential(inScope, call), call)
    const requested = Number(textOf(params, 'application_id') ?? textOf(params, 'id'))
    const row = rowWith(state.applications, 'id', requested)
    return found(service === undefined || row?.service_id === Number(service) ? row : undefined, call)
  })

  api.post(base, async (call) => {
    const account = call.account()
    const plan = rowWith(call.state.plans, 'id', Number(textOf(call.params, 'plan_id')))
    const service = presentService(call.state, plan?.service_id)
    if (!account || !plan || !service) return answers.notFound
    // The subscription remains even if the application is not valid.
    if (!isSubscribed(call, account.id, service)) {
      const servicePlan = servicePlanToSubscribe(call, service)
      if (!servicePlan) return answers.error(422, 'You cannot subscribe to that service.')
      await call.write(() => addSubscription(call, account.id, servicePlan))
    }
    const requested = newApplication(call, { account_id: account.id, plan, service, params: call.params })
    const errors = errorsOf(call.state, requested, keysLimit(service))
    if (Object.keys(errors).length > 0) return answers.invalid(errors)
    refuseOverflow(requested.fields)
    const record = await call.write(
      () => {
        const stored = { ...requested, id: nextId(call.state, 'cinstance') }
        call.state.applications.push(stored)
        return stored
      },
      { texts: columnsOf(requested), ...lockOf(call.params, service) },
    )
    sync.saveApplication(record)
    for (const { value } of record.keys) sync.saveKey(record, value)
    fireCreated(call, record)
    return answers.created(record.id, one(record, call), applicationXml(record, viewOf(call)))
  })

  api.get(
    `${base}/:id`,
    (call) => found(applicationOf(call), call),
    (call) => (applicationOf(call) ? recordTag(call) : undefined),
  )

  api.update(`${base}/:id`, (call) =>
    withApplication(call, async (record) => {
      const user_key = textOf(call.params, 'user_key') ?? record.user_key
      const fields = { ...record.fields, ...definedFields(call.state, 'Cinstance', call.params) }
      const changed: Application = { ...record, ...textsOf(call.params), user_key, fields }
      const errors = changeErrors(call.state, changed)
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      refuseOverflow(fields)
      const service = rowWith(call.state.services, 'id', record.service_id)
      const previous = record.user_key
      // Unchanged values are not written to the database, so a read-only token may send them.
      if (call.readsOnly && JSON.stringify(changed) === JSON.stringify(record)) return found(record, call)
      await call.write(() => update(record, changed, call.clock), {
        texts: columnsOf(changed),
        ...(service ? lockOf(call.params, service) : {}),
      })
      sync.saveApplication(record, previous)
      call.fire({ type: 'application', action: 'updated', record })
      if (user_key !== previous) call.fire({ type: 'application', action: 'key_updated', record })
      return found(record, call)
    }),
  )

  api.delete(`${base}/:id`, (call) =>
    withApplication(call, async (record) => {
      await call.write(() => {
        call.state.applications = call.state.applications.filter(({ id }) => id !== record.id)
      })
      sync.removeApplication(record)
      call.fire({ type: 'application', action: 'deleted', record })
      return answers.empty
    }),
  )

  /** The column for extra fields of MySQL ends at 65,535 bytes. */
  function refuseOverflow(fields: Record<string, string>): void {
    if (behaviour().database === 'mysql' && overflows('Cinstance', fields)) throw new Refusal(answers.internal)
  }
}

export function withApplication(
  call: Call,
  work: (record: Application) => Answer | Promise<Answer>,
): Answer | Promise<Answer> {
  const record = applicationOf(call)
  return record ? work(record) : answers.notFound
}

export function one(record: Application, call: Call): object {
  return { application: show.application(record, viewOf(call)) }
}

/** porta returns 404 for an application of another account: the path itself is the check. */
export function applicationOf(call: Call): Application | undefined {
  return ofAccount(call).find(({ id }) => id === call.id('id'))
}

/** porta, app/models/application_key.rb: five keys, one for OpenID Connect. */
export function keysLimit(service: Service | undefined): number {
  return service?.backend_version === 'oidc' ? 1 : 5
}

function columnsOf({ name, description, redirect_url, fields }: Application): (string | undefined)[] {
  return [name, description, redirect_url, ...columnTexts('Cinstance', fields)]
}

/** Rows of one key or id lock each other on MySQL: of two at a time one ends in a deadlock. */
function lockOf(params: Params, { id }: Service): { lock?: string } {
  const value = textOf(params, 'user_key') ?? textOf(params, 'application_id')
  return value === undefined ? {} : { lock: `application|${id}|${value}` }
}

function ofAccount(call: Call): readonly Application[] {
  return rowsWith(call.state.applications, 'account_id', call.id('account'))
}

function inList(call: Call): Application[] {
  return ofAccount(call).filter((row) => !call.query.state || row.state === call.query.state)
}

function found(record: Application | undefined, call: Call): Answer {
  return record ? answers.ok(one(record, call), applicationXml(record, viewOf(call))) : answers.notFound
}

function listed(rows: readonly Application[], call: Call, metadata?: object): Answer {
  const json = { applications: rows.map((row) => one(row, call)), ...(metadata && { metadata }) }
  return answers.ok(json, () => applicationsXml(rows, viewOf(call), metadata))
}

/** A user_key finds only applications of products with keys, an app_id only the others. */
function findByCredential(rows: readonly Application[], { state, params }: Call): Application | undefined {
  const userKey = textOf(params, 'user_key')
  const appId = textOf(params, 'app_id')
  return rows.find((row) => {
    const byKey = rowWith(state.services, 'id', row.service_id)?.backend_version === '1'
    return byKey
      ? userKey !== undefined && row.user_key === userKey
      : appId !== undefined && row.application_id === appId
  })
}

/** Unknown filters are ignored, so a misspelled filter returns all applications. */
function filtered({ state, query }: Call): Application[] {
  const is = (name: string, value: string | number) => !query[name] || String(query[name]) === String(value)
  const cost = (row: Application) => {
    const plan = rowWith(state.plans, 'id', row.plan_id)
    return plan && (plan.cost_per_month || plan.setup_fee || plan.pricing_rules.length > 0) ? 'paid' : 'free'
  }
  const since = Date.parse(String(query.active_since ?? ''))
  const rows = query.account ? rowsWith(state.applications, 'account_id', Number(query.account)) : state.applications
  return rows.filter(
    (row) =>
      is('service_id', row.service_id) &&
      is('plan_id', row.plan_id) &&
      is('state', row.state) &&
      is('user_key', row.user_key) &&
      is('plan_type', cost(row)) &&
      (Number.isNaN(since) || (row.first_daily_traffic_at ?? 0) >= since) &&
      (row.name ?? '').toLowerCase().includes(String(query.name ?? '').toLowerCase()),
  )
}
