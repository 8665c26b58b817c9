import type { MappingRule, Metric } from '../../../clients/threescale/nouns.js'
import { rulesFor, sampleOf } from '../../../clients/threescale/patterns.js'
import { endpointAt } from '../../../model-calls/openai-endpoints.js'
import { listed, type ProductCheck, pathOf } from '../look.js'

/** The public address and how a key is sent to it. */
export const credentials: ProductCheck = ({ tenant, product, config }, find) => {
  if (!config) return []
  const { endpoint, authentication, location, userKeyName, issuer } = config
  const found = []
  const host = hostOf(endpoint)
  if (host === undefined) found.push(find('endpoint_invalid'))
  else {
    const others = tenant.products.filter(
      ({ id }) => id !== product.id && hostOf(tenant.production?.get(id)?.endpoint ?? '') === host,
    )
    if (others.length > 0)
      found.push(find('endpoint_shared', `${endpoint} is also the address of ${listed(others.map(nameOf))}.`))
  }
  if (!['1', '2', 'oidc'].includes(authentication)) found.push(find('credentials_unsupported'))
  if (authentication === 'oidc' && issuer === undefined) found.push(find('issuer_missing'))
  if (authentication === '2' && !product.mandatoryAppKey) found.push(find('key_optional'))
  if (location === 'query' && (authentication === '1' || authentication === '2')) found.push(find('credentials_query'))
  if (authentication === '1' && location === 'headers' && userKeyName.toLowerCase() === 'authorization')
    found.push(find('credentials_raw_header'))
  return found
}

/** Mapping rules against the requests that clients make. */
export const mappingRules: ProductCheck = ({ config, metrics }, find) => {
  if (!config) return []
  const { rules } = config
  const wrong = rules.filter(
    ({ method, pattern }) =>
      method !== 'POST' &&
      method !== 'ANY' &&
      endpointAt('POST', pathOf(pattern)) &&
      !takesPost(rules, pathOf(pattern)),
  )
  const found = []
  if (wrong.length > 0)
    found.push(find('rule_verb', `${listed(wrong.map(callOf))}: these are POST requests, for which there is no rule.`))
  else if (!rules.some(({ method }) => method === 'POST' || method === 'ANY'))
    found.push(find('rule_none', noPost(rules)))
  const doubled = rules
    .map((rule) => ({ call: callOf(rule), hits: hitsOf(rule, rules, metrics ?? []) }))
    .filter(({ hits }) => hits.length > 1)
  if (doubled.length > 0)
    found.push(
      find(
        'rule_doubled',
        `${listed([...new Set(doubled.map(({ call }) => call))])} counts by ${doubled[0]?.hits.map(callOf).join(' and by ')}.`,
      ),
    )
  return found
}

function noPost(rules: MappingRule[]): string | undefined {
  const [only, ...more] = rules
  return only && more.length === 0 && callOf(only) === 'GET /'
    ? 'Its only rule is GET /, which 3scale creates with each product.'
    : undefined
}

function takesPost(rules: MappingRule[], path: string): boolean {
  return rulesFor(rules, 'POST', path).length > 0
}

/** The rules by which one request counts in hits: directly, or by a method below it. */
function hitsOf({ method, pattern }: MappingRule, rules: MappingRule[], metrics: Metric[]): MappingRule[] {
  const hits = metrics.find(({ systemName }) => systemName === 'hits')
  if (!hits || pattern.includes('?')) return []
  const counting = new Set(metrics.filter(({ id, parentId }) => id === hits.id || parentId === hits.id).map(nameOf))
  const met = rulesFor(rules, method === 'ANY' ? 'POST' : method, sampleOf(pathOf(pattern)))
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
