import { type Answer, answers, page } from './answers.js'
import { withService } from './catalogue.js'
import { time } from './clock.js'
import { proxyConfig } from './represent/deployment.js'
import { oidcConfiguration } from './represent/people.js'
import type { Api, Call } from './router.js'
import type { Service } from './store.js'

const base = '/admin/api/services/:service'
const VERSIONS = [3, 4]

/** Gateway settings as edited, and the configurations that were deployed; secrets in both are canaries. */
export function deploymentRoutes(api: Api, identityPort: number): void {
  const configOf = (service: Service, version = 4) => ({ ...proxyConfig(service, identityPort), version })

  api.get('/admin/api/account/proxy_configs/:environment', ({ state, query, piece }) => {
    const environment = piece('environment')
    if (!['sandbox', 'staging', 'production'].includes(environment)) return answers.error(422, 'invalid environment')
    const versions = query.version === 'latest' ? [4] : query.version ? [Number(query.version)] : VERSIONS
    const all = deployed(state.services, environment)
      .filter((service) => !query.host || new URL(service.endpoint).hostname === query.host)
      .flatMap((service) =>
        versions.filter((version) => VERSIONS.includes(version)).map((version) => ({ service, version })),
      )
    const { rows, metadata } = page(all, query)
    const proxy_configs = rows.map(({ service, version }) => ({ proxy_config: configOf(service, version) }))
    return answers.ok({ proxy_configs, ...(metadata && { metadata }) })
  })

  api.get(`${base}/proxy/configs/:environment`, (call) =>
    withDeployed(call, (service) =>
      answers.ok({ proxy_configs: VERSIONS.map((version) => ({ proxy_config: configOf(service, version) })) }),
    ),
  )
  api.get(`${base}/proxy/configs/:environment/:version`, (call) =>
    withDeployed(call, (service) => {
      const version = call.piece('version') === 'latest' ? 4 : call.id('version')
      return VERSIONS.includes(version) ? answers.ok({ proxy_config: configOf(service, version) }) : answers.notFound
    }),
  )

  api.get(`${base}/proxy`, (call) =>
    withService(call, (service) => {
      const { proxy } = proxyConfig(service, identityPort).content as { proxy: Record<string, unknown> }
      const { policy_chain, proxy_rules: _rules, hosts: _hosts, backend: _backend, ...settings } = proxy
      const filled = Object.entries(settings).filter(([name, value]) => value !== null || name === 'api_backend')
      return answers.ok({
        proxy: { ...Object.fromEntries(filled), policies_config: policy_chain, lock_version: 3 },
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

/** Only products whose configuration was promoted are in production; staging has them all. */
function deployed(services: Service[], environment: string): Service[] {
  return environment === 'production' ? services.filter(({ promoted }) => promoted) : services
}

function withDeployed(call: Call, work: (service: Service) => Answer): Answer {
  const environment = call.piece('environment')
  if (!['sandbox', 'staging', 'production'].includes(environment)) return answers.error(400, 'invalid environment')
  return withService(call, (service) =>
    deployed([service], environment).length > 0 ? work(service) : answers.notFound,
  )
}

function rulesOf(service: Service): object[] {
  return service.rules.map((rule, index) => ({
    mapping_rule: {
      id: rule.id,
      metric_id: service.metrics.find(({ system_name }) => system_name === rule.metric)?.id,
      pattern: rule.pattern,
      http_method: rule.http_method,
      delta: 1,
      position: index + 1,
      last: false,
      created_at: time(service.created_at),
      updated_at: time(service.updated_at),
    },
  }))
}
