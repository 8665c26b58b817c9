import type { Metric } from '../../../clients/threescale/nouns.js'
import { chats, listed, type ProductCheck, reportsTokens } from '../look.js'

/** Names of APIcast's own policies (3scale/APIcast, gateway/src/apicast/policy). */
const builtin = new Set(
  `3scale_batcher 3scale_referrer apicast caching camel clear_context conditional content_caching cors custom_metrics
  default_credentials anonymous_access echo ephemeral fapi find_service grpc headers http_proxy ip_check jwt_claim_check
  jwt_parser keycloak_role_check liquid_context_debug load_configuration local_chain logging maintenance_mode metrics
  nginx_filter nginx_filters nginx_metrics oauth_mtls on_failed payload_limits phase_logger prometheus rate_limit
  rate_limit_headers request_unbuffered response_request_content_limits retry rewrite_url_captures routing soap
  statuscode_overwrite tls tls_validation token_introspection upstream upstream_connection upstream_mtls url_rewriting
  websocket`.split(/\s+/),
)

/** Names and order of the chain. */
export const chain: ProductCheck = ({ config }, find) => {
  if (!config) return []
  const names = config.policies.map(({ name }) => name)
  const unknown = config.policies.filter(({ name, version }) => version === 'builtin' && !builtin.has(name))
  const found = []
  if (unknown.length > 0)
    found.push(find('policy_unknown', `Not known as built in: ${listed(unknown.map(({ name }) => name))}.`))
  if (after(names, 'cors', 'apicast')) found.push(find('policy_cors_order'))
  return found
}

/** The policy that counts tokens, its settings and the metrics that it reports to (gateway.md 4). */
export const tokenCounts: ProductCheck = (look, find) => {
  const { config, metrics } = look
  if (!config || !reportsTokens(look)) return []
  const { tokens, rules } = config
  if (!tokens) {
    if (!metrics) return []
    const units = metrics.filter(({ unit }) => unit === 'token').map(({ systemName }) => systemName)
    return rules.some(({ metric }) => units.includes(metric)) ? [] : [find('token_policy_missing')]
  }
  const found = []
  const names = config.policies.map(({ name }) => name)
  if (after(names, 'llm-metrics', 'apicast')) found.push(find('token_policy_order'))
  if (chats(look) && !tokens.countsStreams) found.push(find('token_policy_streams'))
  if (tokens.rules.length === 0) return [...found, find('token_policy_rules')]
  if (tokens.rules.some(({ metric }) => metric.includes('{{'))) return [...found, find('token_policy_swapped')]
  if (!metrics) return found
  const missing = [...new Set(tokens.rules.map(({ metric }) => metric))]
    .map((metric) => reasonFor(metric, metrics))
    .filter((reason) => reason !== undefined)
  if (missing.length > 0) found.push(find('token_metric_missing', missing.join(' ')))
  return found
}

/** A method counts in hits too, so tokens there would be calls. */
function reasonFor(name: string, metrics: Metric[]): string | undefined {
  const metric = metrics.find(({ systemName }) => systemName === name)
  if (metric && metric.parentId === undefined) return undefined
  if (metric) return `${name} is a method, so that its tokens would count as calls.`
  const letters = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '')
  const alike = metrics.find(({ systemName }) => letters(systemName) === letters(name))
  return alike ? `There is no metric ${name}; the product has ${alike.systemName}.` : `There is no metric ${name}.`
}

function after(names: string[], one: string, other: string): boolean {
  return names.includes(one) && names.includes(other) && names.indexOf(one) > names.indexOf(other)
}
