import { flagOf, type Params, textOf, wrapped } from '../http/params.js'
import { update } from '../http/records.js'
import { type Answer, answers, type Errors, page } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import { listTag } from '../http/tags.js'
import * as show from '../represent/products.js'
import { viewOf } from '../represent/representation.js'
import { servicesXml, serviceXml } from '../represent/xml-products.js'
import { rowsWith, rowWith } from '../row-index.js'
import { canary } from '../secrets.js'
import { type Flags, nextId, type Service, type State } from '../store.js'
import { hitsOf } from './metrics.js'
import { newProxy } from './proxy-columns.js'

const base = '/admin/api/services'

const FLAGS: Flags = {
  buyers_manage_apps: true,
  buyers_manage_keys: true,
  referrer_filters_required: false,
  custom_keys_enabled: true,
  buyer_key_regenerate_enabled: true,
  mandatory_app_key: true,
  buyer_can_select_plan: false,
  buyer_plan_change_permission: 'request',
}
const ATTRIBUTES = [
  'name',
  'system_name',
  'description',
  'backend_version',
  'deployment_option',
  'intentions_required',
  ...Object.keys(FLAGS),
]

/** Products, which the API calls services (porta, app/controllers/admin/api/services_controller.rb, app/models/service.rb). */
export function serviceRoutes(api: Api): void {
  api.get(
    base,
    (call) => {
      const view = viewOf(call)
      const { rows, metadata } = page(present(call.state), call.query)
      const json = {
        services: rows.map((row) => ({ service: show.service(row, view) })),
        ...(metadata && { metadata }),
      }
      return answers.ok(json, () => servicesXml(rows, view, metadata))
    },
    (call) => listTag(page(present(call.state), call.query).rows, call),
  )

  api.get(`${base}/:service`, (call) => withService(call, (service) => shown(service, call)))

  api.post(base, async (call) => {
    const given = wrapped(call, 'service', ATTRIBUTES)
    if ('refusal' in given) return given.refusal
    const name = textOf(given.attributes, 'name') ?? ''
    const system_name = textOf(given.attributes, 'system_name') || systemNameOf(name)
    const errors = errorsOf(call.state, name, given.attributes, system_name)
    if (Object.keys(errors).length > 0) return answers.invalid(errors)
    return call.write(() => {
      const service = createService(call, { name, system_name, ...valuesOf(given.attributes) })
      return { ...shown(service, call), status: 201, id: service.id }
    })
  })

  api.update(`${base}/:service`, (call) =>
    withService(call, async (service) => {
      const given = wrapped(call, 'service', ATTRIBUTES)
      if ('refusal' in given) return given.refusal
      const name = textOf(given.attributes, 'name') ?? service.name
      const errors = errorsOf(call.state, name, given.attributes)
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      const { flags, ...values } = valuesOf(given.attributes)
      return call.write(() => {
        update(service, { name, ...values, flags: { ...service.flags, ...flags } }, call.clock)
        return shown(service, call)
      })
    }),
  )

  // A background job removes the dependent records. The system_name cannot be used again.
  api.delete(`${base}/:service`, (call) =>
    withService(call, async (service) => {
      if (present(call.state).length === 1) return answers.refused({ base: ['This service cannot be removed'] })
      return call.write(() => {
        const { state } = call
        service.state = 'deleted'
        const ofService = ({ service_id }: { service_id: number }) => service_id === service.id
        state.plans = state.plans.filter((row) => !ofService(row))
        state.servicePlans = state.servicePlans.filter((row) => !ofService(row))
        state.applications = state.applications.filter((row) => !ofService(row))
        state.subscriptions = state.subscriptions.filter((row) => !ofService(row))
        state.configurations = state.configurations.filter((row) => !ofService(row))
        state.docs = state.docs.filter((row) => row.service_id !== service.id)
        return answers.empty
      })
    }),
  )

  api.get(`${base}/:service/features`, (call) =>
    withService(call, (service) => {
      const rows = rowsWith(call.state.features, 'service_id', service.id)
      return answers.ok({ features: rows.map((row) => ({ feature: show.feature(row, viewOf(call)) })) })
    }),
  )
}

/** A product with the records that porta creates with it: metric `hits`, mapping rule `GET /`, gateway settings, service plan. */
export function createService(
  { state, clock }: Pick<Call, 'state' | 'clock'>,
  values: Pick<Service, 'name' | 'system_name'> & Partial<Omit<Service, 'flags'>> & { flags?: Partial<Flags> },
): Service {
  const now = clock.now()
  const stamps = { created_at: now, updated_at: now }
  const hits = hitsOf(nextId(state, 'metric'), stamps)
  const id = nextId(state, 'service')
  const service: Service = {
    id,
    state: 'incomplete',
    backend_version: '1',
    deployment_option: 'hosted',
    intentions_required: false,
    ...values,
    flags: { ...FLAGS, ...values.flags },
    proxy: newProxy(id, stamps),
    usages: [],
    rules: [
      {
        id: nextId(state, 'rule'),
        http_method: 'GET',
        pattern: '/',
        metric_id: hits.id,
        delta: 1,
        position: 1,
        last: false,
        ...stamps,
      },
    ],
    metrics: [hits],
    service_token: serviceToken(id),
    ...stamps,
  }
  state.services.push(service)
  state.servicePlans.push({
    id: nextId(state, 'plan'),
    service_id: id,
    name: 'Default',
    state: 'published',
    approval_required: false,
    ...stamps,
  })
  return service
}

/** Ends in the product's id, so that a test that plays the operator can say it. */
export function serviceToken(id: number): string {
  return `${canary(5)}${String(id).padStart(54, '0')}`
}

/** Products that were not deleted. */
export function present({ services }: State): Service[] {
  return services.filter(({ state }) => state !== 'deleted')
}

export function presentService({ services }: State, requested: number | undefined): Service | undefined {
  const service = rowWith(services, 'id', requested)
  return service?.state === 'deleted' ? undefined : service
}

export function withService(
  call: Call,
  work: (service: Service) => Answer | Promise<Answer>,
): Answer | Promise<Answer> {
  const service = presentService(call.state, call.id('service'))
  return service ? work(service) : answers.notFound
}

function valuesOf(attributes: Params): Partial<Omit<Service, 'flags'>> & { flags: Partial<Flags> } {
  const texts = (['description', 'backend_version', 'deployment_option'] as const)
    .map((name) => [name, textOf(attributes, name)] as const)
    .filter(([, value]) => value !== undefined)
  const intentions_required = flagOf(attributes, 'intentions_required')
  const flags = Object.entries(FLAGS)
    .map(([name, usual]) => [name, typeof usual === 'boolean' ? flagOf(attributes, name) : permissionOf(attributes)])
    .filter(([, value]) => value !== undefined)
  return {
    ...Object.fromEntries(texts),
    ...(intentions_required === undefined ? {} : { intentions_required }),
    flags: Object.fromEntries(flags),
  }
}

function permissionOf(attributes: Params): string | undefined {
  return textOf(attributes, 'buyer_plan_change_permission')
}

function errorsOf(state: State, name: string, attributes: Params, systemName?: string): Errors {
  const errors: Errors = {}
  if (name.trim() === '') errors.name = ["can't be blank"]
  if (systemName !== undefined && state.services.some(({ system_name }) => system_name === systemName))
    errors.system_name = ['has already been taken']
  const version = textOf(attributes, 'backend_version')
  if (version !== undefined && !['1', '2', 'oidc'].includes(version))
    errors.backend_version = ['is not included in the list']
  const permission = permissionOf(attributes)
  const permissions = ['request', 'direct', 'none', 'credit_card', 'request_credit_card']
  if (permission !== undefined && !permissions.includes(permission))
    errors.buyer_plan_change_permission = ['is not included in the list']
  return errors
}

function systemNameOf(name: string): string {
  return name.trim().toLowerCase().replace(/\W+/g, '_')
}

function shown(service: Service, call: Call): Answer {
  return answers.ok({ service: show.service(service, viewOf(call)) }, serviceXml(service, viewOf(call)))
}
