import { type Answer, answers, page } from './answers.js'
import { withService } from './catalogue.js'
import { time } from './clock.js'
import { proxyConfig } from './represent/deployment.js'
import { oidcConfiguration } from './represent/people.js'
import type { Api, Call } from './router.js'
import type { Service } from './store.js'

const base = '/admin/api/services/:service'
/** A promotion keeps the version of staging (porta, app/models/proxy_config.rb, EnvironmentClone). */
const VERSIONS = [3, 4]

/** Gateway settings as edited, and the configurations that were deployed; secrets in both are canaries. */
export function deploymentRoutes(api: Api, identityPort: number): void {
  const configOf = (service: Service, environment: string, version = latestOf(service, environment)) => ({
    ...proxyConfig({ ...service, ...service.frozen?.[placeOf(environment)] }, identityPort),
    version,
    environment: placeOf(environment),
  })

  // by any host of the configuration, staging's too (porta, app/models/proxy_config.rb, by_host)
  const hostsOf = (service: Service, environment: string) =>
    configOf(service, environment).content.proxy.hosts as string[]

  api.get('/admin/api/account/proxy_configs/:environment', ({ state, query, piece }) => {
    const environment = piece('environment')
    if (!['sandbox', 'staging', 'production'].includes(environment)) return answers.error(422, 'invalid environment')
    const all = deployed(state.services, environment)
      .filter((service) => !query.host || hostsOf(service, environment).includes(String(query.host)))
      .flatMap((service) => {
        const known = versionsOf(service, environment)
        const wanted = query.version === 'latest' ? known.slice(-1) : query.version ? [Number(query.version)] : known
        return wanted.filter((version) => known.includes(version)).map((version) => ({ service, version }))
      })
    const { rows, metadata } = page(all, query)
    const proxy_configs = rows.map(({ service, version }) => ({
      proxy_config: configOf(service, environment, version),
    }))
    return answers.ok({ proxy_configs, ...(metadata && { metadata }) })
  })

  api.get(`${base}/proxy/configs/:environment`, (call) =>
    withDeployed(call, (service, environment) =>
      answers.ok({
        proxy_configs: versionsOf(service, environment).map((version) => ({
          proxy_config: configOf(service, environment, version),
        })),
      }),
    ),
  )
  api.get(`${base}/proxy/configs/:environment/:version`, (call) =>
    withDeployed(call, (service, environment) => {
      const version = call.piece('version') === 'latest' ? latestOf(service, environment) : call.id('version')
      return versionsOf(service, environment).includes(version)
        ? answers.ok({ proxy_config: configOf(service, environment, version) })
        : answers.notFound
    }),
  )

  api.get(`${base}/proxy`, (call) =>
    withService(call, (service) => {
      const { proxy } = proxyConfig(service, identityPort).content as { proxy: Record<string, unknown> }
      const { policy_chain, proxy_rules: _rules, hosts: _hosts, backend: _backend, ...settings } = proxy
      const filled = Object.entries(settings).filter(([name, value]) => value !== null || name === 'api_backend')
      return answers.ok({
        proxy: { ...Object.fromEntries(filled), policies_config: settled(policy_chain), lock_version: 3 },
      })
    }),
  )
  api.get(`${base}/proxy/mapping_rules`, (call) =>
    withService(call, (service) => answers.ok({ mapping_rules: rulesOf(service) })),
  )
  api.get(`${base}/proxy/oidc_configuration`, (call) =>
    withService(call, () => answers.ok({ oidc_configuration: oidcConfiguration })),
  )
}

function placeOf(environment: string): 'sandbox' | 'production' {
  return environment === 'production' ? 'production' : 'sandbox'
}

function versionsOf({ frozen }: Service, environment: string): number[] {
  return frozen?.production && placeOf(environment) === 'sandbox' ? [...VERSIONS, 5] : VERSIONS
}

function latestOf(service: Service, environment: string): number {
  return versionsOf(service, environment).at(-1) ?? 0
}

/** Only products whose configuration was promoted are in production; staging has them all. */
function deployed(services: Service[], environment: string): Service[] {
  return environment === 'production' ? services.filter(({ promoted }) => promoted) : services
}

function withDeployed(call: Call, work: (service: Service, environment: string) => Answer): Answer {
  const environment = call.piece('environment')
  if (!['sandbox', 'staging', 'production'].includes(environment)) return answers.error(400, 'invalid environment')
  return withService(call, (service) =>
    deployed([service], environment).length > 0 ? work(service, environment) : answers.notFound,
  )
}

/** As it is edited a policy also says whether it is on; the deployed chain holds those that are (porta, app/models/proxy.rb). */
function settled(chain: unknown): object[] {
  return (chain as object[]).map((policy) => ({ ...policy, enabled: true }))
}

function rulesOf(service: Service): object[] {
  return service.rules.map((rule, index) => ({
    mapping_rule: {
      id: rule.id,
      metric_id: service.metrics.find(({ system_name }) => system_name === rule.metric)?.id,
      pattern: rule.pattern,
      http_method: rule.http_method,
      delta: rule.delta ?? 1,
      position: index + 1,
      last: rule.last ?? false,
      created_at: time(service.created_at),
      updated_at: time(service.updated_at),
    },
  }))
}
