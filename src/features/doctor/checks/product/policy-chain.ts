import type { Metric } from '../../../../clients/threescale/types.js'
import { countsTokens, formatList, generatesText, type ProductCheck } from '../../product-context.js'
import { policyChainMessages } from './messages.js'

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
export const checkPolicyChain: ProductCheck = ({ config }, finding) => {
  if (!config) return []
  const names = config.policies.map(({ name }) => name)
  const unknown = config.policies.filter(({ name, version }) => version === 'builtin' && !builtin.has(name))
  const found = []
  if (unknown.length > 0)
    found.push(finding('policy_unknown', policyChainMessages.unknown(formatList(unknown.map(({ name }) => name)))))
  if (comesAfter(names, 'cors', 'apicast')) found.push(finding('policy_cors_order'))
  return found
}

/** The llm-metrics policy, its settings and the metrics that it reports to. */
export const checkTokenCounts: ProductCheck = (context, finding) => {
  const { config, metrics } = context
  if (!config || !countsTokens(context)) return []
  const { tokens, rules } = config
  if (!tokens) {
    if (!metrics) return []
    const units = metrics.filter(({ unit }) => unit === 'token').map(({ systemName }) => systemName)
    return rules.some(({ metric }) => units.includes(metric)) ? [] : [finding('token_policy_missing')]
  }
  const found = []
  const names = config.policies.map(({ name }) => name)
  if (comesAfter(names, 'llm-metrics', 'apicast')) found.push(finding('token_policy_order'))
  if (generatesText(context) && !tokens.countsStreams) found.push(finding('token_policy_streams'))
  if (tokens.rules.length === 0) return [...found, finding('token_policy_rules')]
  if (tokens.rules.some(({ metric }) => metric.includes('{{'))) return [...found, finding('token_policy_swapped')]
  if (!metrics) return found
  const missing = [...new Set(tokens.rules.map(({ metric }) => metric))]
    .map((metric) => describeMetric(metric, metrics))
    .filter((reason) => reason !== undefined)
  if (missing.length > 0) found.push(finding('token_metric_missing', missing.join(' ')))
  return found
}

/** A method also counts in hits, so tokens reported to it would count as calls. */
function describeMetric(name: string, metrics: Metric[]): string | undefined {
  const metric = metrics.find(({ systemName }) => systemName === name)
  if (metric && metric.parentId === undefined) return undefined
  if (metric) return policyChainMessages.metricIsMethod(name)
  const normalized = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '')
  const similar = metrics.find(({ systemName }) => normalized(systemName) === normalized(name))
  return policyChainMessages.metricMissing(name, similar?.systemName)
}

function comesAfter(names: string[], one: string, other: string): boolean {
  return names.includes(one) && names.includes(other) && names.indexOf(one) > names.indexOf(other)
}
