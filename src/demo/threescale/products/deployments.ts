import { flagOf, type Params, textOf, wrapped } from '../http/params.js'
import { update } from '../http/records.js'
import { type Answer, answers, page } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import { listTag } from '../http/tags.js'
import { filled, type Json, stamps, viewOf } from '../represent/representation.js'
import { rowsWith } from '../row-index.js'
import { type Configuration, nextId, type OidcFlow, type Policy, type Service, type State } from '../store.js'
import { configurationOf, firstPrivateEndpoint, hostsOf } from './configuration.js'
import { EDITABLE, errorsOf, SHOWN, SHOWN_WITH_OIDC, valuesOf } from './proxy-columns.js'
import { present, withService } from './services.js'

const base = '/admin/api/services/:service/proxy'
type Environment = Configuration['environment']

/** Gateway settings as they are edited, and the configurations that were deployed; both hold secrets of the gateway. */
export function deploymentRoutes(api: Api, { backendEndpoint }: { backendEndpoint: string }): void {
  api.get(
    '/admin/api/account/proxy_configs/:environment',
    (call) => {
      const environment = environmentOf(call)
      if (!environment) return answers.error(422, 'invalid environment')
      const { rows, metadata } = page(listed(call, environment), call.query)
      return answers.ok({ proxy_configs: rows.map(shownConfiguration), ...(metadata && { metadata }) })
    },
    (call) => {
      const environment = environmentOf(call)
      return environment && listTag(page(listed(call, environment), call.query).rows.map(taggable), call)
    },
  )

  api.get(`${base}/configs/:environment`, (call) =>
    withEnvironment(call, (service, environment) =>
      answers.ok({ proxy_configs: deployed(call.state, service, environment).map(shownConfiguration) }),
    ),
  )
  api.get(`${base}/configs/:environment/:version`, (call) =>
    withEnvironment(call, (service, environment) => {
      const found = versionOf(call, deployed(call.state, service, environment))
      return found ? answers.ok(shownConfiguration(found)) : answers.notFound
    }),
  )
  // A promotion preserves the version (app/models/proxy_config.rb, EnvironmentClone).
  api.post(`${base}/configs/:environment/:version/promote`, (call) =>
    withEnvironment(call, async (service, environment) => {
      const to = textOf(call.params, 'to')
      if (to === undefined) return answers.missing('to')
      const found = versionOf(call, deployed(call.state, service, environment))
      if (!found) return answers.notFound
      if (to !== 'production' && to !== 'sandbox')
        return answers.invalid({ environment: ['is not included in the list'] })
      const known = deployed(call.state, service, to).some(({ version }) => version === found.version)
      if (known) return answers.invalid({ version: ['has already been taken'] })
      return call.write(() => {
        const promoted = { ...found, id: nextId(call.state, 'configuration'), environment: to as Environment }
        call.state.configurations.push(promoted)
        return { ...answers.ok(shownConfiguration(promoted)), status: 201, id: promoted.id }
      })
    }),
  )

  api.get(base, (call) => withService(call, (service) => shown(service, call)))
  api.update(base, (call) =>
    withService(call, async (service) => {
      const given = wrapped(call, 'proxy', [...EDITABLE, 'api_backend', 'lock_version'])
      if ('refusal' in given) return given.refusal
      const columns = valuesOf(given.attributes)
      const errors = errorsOf(columns)
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      return call.write(() => {
        const { proxy } = service
        const next = { ...proxy.columns, ...columns }
        if (JSON.stringify(next) !== JSON.stringify(proxy.columns))
          update(proxy, { columns: next, lock_version: proxy.lock_version + 1 }, call.clock)
        deploy(call, service)
        return shown(service, call)
      })
    }),
  )
  api.post(`${base}/deploy`, (call) =>
    withService(call, async (service) =>
      call.write(() => {
        deploy(call, service)
        return { ...shown(service, call), status: 201, id: service.proxy.id }
      }),
    ),
  )

  api.get(`${base}/policies`, (call) =>
    withService(call, ({ proxy }) => answers.ok({ policies_config: proxy.policies })),
  )
  api.update(`${base}/policies`, (call) =>
    withService(call, async (service) => {
      const policies = policiesOf(call.params)
      if (!policies) return answers.invalid({ policies_config: ['is invalid'] })
      return call.write(() => {
        update(service.proxy, { policies }, call.clock)
        deploy(call, service)
        return answers.ok({ policies_config: service.proxy.policies })
      })
    }),
  )

  api.get(`${base}/oidc_configuration`, (call) =>
    withService(call, ({ proxy }) => answers.ok({ oidc_configuration: proxy.oidc })),
  )
  api.update(`${base}/oidc_configuration`, (call) =>
    withService(call, async ({ proxy }) => {
      const given = wrapped(call, 'oidc_configuration', Object.keys(proxy.oidc))
      if ('refusal' in given) return given.refusal
      const oidc = Object.fromEntries(
        Object.entries(proxy.oidc).map(([name, previous]) => [name, flagOf(given.attributes, name) ?? previous]),
      ) as unknown as OidcFlow
      return call.write(() => {
        update(proxy, { oidc }, call.clock)
        return answers.ok({ oidc_configuration: proxy.oidc })
      })
    }),
  )

  /** Creates a new version in staging, even if nothing has changed since the last one. */
  function deploy({ state }: Pick<Call, 'state'>, service: Service): void {
    if (service.usages.length === 0) return
    const version = Math.max(0, ...deployed(state, service, 'sandbox').map((row) => row.version)) + 1
    state.configurations.push({
      id: nextId(state, 'configuration'),
      service_id: service.id,
      version,
      environment: 'sandbox',
      hosts: hostsOf(service),
      content: configurationOf(service, state, backendEndpoint),
    })
  }
}

function environmentOf(call: Call): Environment | undefined {
  const given = call.piece('environment')
  if (given === 'production' || given === 'sandbox') return given
  return given === 'staging' ? 'sandbox' : undefined
}

function deployed({ configurations }: State, { id }: Service, environment: Environment): Configuration[] {
  return rowsWith(configurations, 'service_id', id).filter((row) => row.environment === environment)
}

function versionOf(call: Call, all: Configuration[]): Configuration | undefined {
  if (call.piece('version') === 'latest') return all.at(-1)
  return all.find(({ version }) => version === call.id('version'))
}

/** For each product, the latest or the requested version; otherwise all versions. */
function listed({ state, query }: Call, environment: Environment): Configuration[] {
  const ids = new Set(present(state).map(({ id }) => id))
  const all = state.configurations
    .filter((row) => ids.has(row.service_id) && row.environment === environment)
    .filter(({ hosts }) => !query.host || hosts.includes(String(query.host)))
  if (!query.version) return all
  if (query.version !== 'latest') return all.filter(({ version }) => version === Number(query.version))
  const newest = new Map(all.map((row) => [row.service_id, row]))
  return all.filter((row) => newest.get(row.service_id) === row)
}

/** A configuration never changes, so its id is all that counts. */
function taggable({ id }: Configuration) {
  return { id, updated_at: 0 }
}

function shownConfiguration({ id, version, environment, content }: Configuration): Json {
  return { proxy_config: { id, version, environment, content } }
}

function withEnvironment(
  call: Call,
  work: (service: Service, environment: Environment) => Answer | Promise<Answer>,
): Answer | Promise<Answer> {
  const environment = environmentOf(call)
  if (!environment) return answers.error(400, 'invalid environment')
  return withService(call, (service) => work(service, environment))
}

function shown(service: Service, call: Call): Answer {
  const { proxy, id } = service
  const names = service.backend_version === 'oidc' ? [...SHOWN, ...SHOWN_WITH_OIDC] : SHOWN
  const columns = Object.fromEntries(names.map((name) => [name, proxy.columns[name]]))
  const self = `/admin/api/services/${id}`
  return answers.ok({
    proxy: {
      service_id: id,
      ...filled(columns),
      api_backend: firstPrivateEndpoint(service, call.state),
      policies_config: proxy.policies,
      ...stamps(proxy, viewOf(call)),
      deployment_option: service.deployment_option,
      lock_version: proxy.lock_version,
      links: [
        { rel: 'mapping_rules', href: `${self}/proxy/mapping_rules` },
        { rel: 'self', href: `${self}/proxy` },
        { rel: 'service', href: self },
      ],
    },
  })
}

function policiesOf(params: Params): Policy[] | undefined {
  try {
    const given = params.policies_config
    const list: unknown = typeof given === 'string' ? JSON.parse(given) : given
    if (!Array.isArray(list)) return undefined
    return list.map((row: Partial<Policy>) => ({
      name: String(row.name),
      version: String(row.version ?? 'builtin'),
      configuration: row.configuration ?? {},
      enabled: row.enabled ?? true,
    }))
  } catch {
    return undefined
  }
}
