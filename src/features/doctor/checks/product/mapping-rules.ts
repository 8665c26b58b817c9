import { matchingRules, samplePath } from '../../../../clients/threescale/tenant-rules/mapping-rules.js'
import type { MappingRule, Metric } from '../../../../clients/threescale/types.js'
import { findEndpoint } from '../../../../model-calls/openai-endpoints.js'
import { formatList, type ProductCheck, pathOf } from '../../product-context.js'
import { mappingRuleMessages } from './messages.js'

/** The public base URL and how keys are sent to it. */
export const checkCredentials: ProductCheck = ({ tenant, product, config }, finding) => {
  if (!config) return []
  const { endpoint, authentication, location, userKeyName, issuer } = config
  const found = []
  const host = hostOf(endpoint)
  if (host === undefined) found.push(finding('endpoint_invalid'))
  else {
    const others = tenant.products.filter(
      ({ id }) => id !== product.id && hostOf(tenant.production?.get(id)?.endpoint ?? '') === host,
    )
    if (others.length > 0)
      found.push(
        finding('endpoint_shared', mappingRuleMessages.sharedEndpoint(endpoint, formatList(others.map(nameOf)))),
      )
  }
  if (!['1', '2', 'oidc'].includes(authentication)) found.push(finding('credentials_unsupported'))
  if (authentication === 'oidc' && issuer === undefined) found.push(finding('issuer_missing'))
  if (authentication === '2' && !product.mandatoryAppKey) found.push(finding('key_optional'))
  if (location === 'query' && (authentication === '1' || authentication === '2'))
    found.push(finding('credentials_query'))
  if (authentication === '1' && location === 'headers' && userKeyName.toLowerCase() === 'authorization')
    found.push(finding('credentials_raw_header'))
  return found
}

/** Compares mapping rules with the requests of clients. */
export const checkMappingRules: ProductCheck = ({ config, metrics }, finding) => {
  if (!config) return []
  const { rules } = config
  const wrong = rules.filter(
    ({ method, pattern }) =>
      method !== 'POST' &&
      method !== 'ANY' &&
      findEndpoint('POST', pathOf(pattern)) &&
      !acceptsPost(rules, pathOf(pattern)),
  )
  const found = []
  if (wrong.length > 0)
    found.push(finding('rule_method', mappingRuleMessages.wrongMethod(formatList(wrong.map(callOf)))))
  else if (!rules.some(({ method }) => method === 'POST' || method === 'ANY'))
    found.push(finding('rule_missing', describeOnlyRule(rules)))
  const doubled = rules
    .map((rule) => ({ call: callOf(rule), hits: hitsOf(rule, rules, metrics ?? []) }))
    .filter(({ hits }) => hits.length > 1)
  if (doubled.length > 0)
    found.push(
      finding(
        'rule_double_count',
        mappingRuleMessages.doubleCount(
          formatList([...new Set(doubled.map(({ call }) => call))]),
          (doubled[0]?.hits ?? []).map(callOf),
        ),
      ),
    )
  return found
}

function describeOnlyRule(rules: MappingRule[]): string | undefined {
  const [only, ...more] = rules
  return only && more.length === 0 && callOf(only) === 'GET /' ? mappingRuleMessages.onlyDefaultRule : undefined
}

function acceptsPost(rules: MappingRule[], path: string): boolean {
  return matchingRules(rules, 'POST', path).length > 0
}

/** The rules through which one request counts in hits, directly or through a method of it. */
function hitsOf({ method, pattern }: MappingRule, rules: MappingRule[], metrics: Metric[]): MappingRule[] {
  const hits = metrics.find(({ systemName }) => systemName === 'hits')
  if (!hits || pattern.includes('?')) return []
  const counting = new Set(metrics.filter(({ id, parentId }) => id === hits.id || parentId === hits.id).map(nameOf))
  const met = matchingRules(rules, method === 'ANY' ? 'POST' : method, samplePath(pathOf(pattern)))
  return met.filter(({ metric }) => counting.has(metric))
}

function callOf({ method, pattern }: MappingRule): string {
  return `${method} ${pattern}`
}

function nameOf({ systemName }: { systemName: string }): string {
  return systemName
}

function hostOf(endpoint: string): string | undefined {
  return /^https?:\/\//.test(endpoint) && URL.canParse(endpoint) ? new URL(endpoint).host : undefined
}
