import { createHash } from 'node:crypto'
import { array, flag, number, object, text, type Wire } from '../values.js'
import type { Backend, BackendRules, BackendUsage, Part, Parts } from './nouns.js'

type Fingerprints = Parts['fingerprints']

/** What a deployed configuration says of the parts that can be compared. */
export function deployedParts(content: Wire): Parts {
  const proxy = object(content.proxy)
  const chain = array(proxy.policy_chain)
  const rules = array(proxy.proxy_rules)
  const authentication = text(proxy.authentication_method) || text(content.backend_version)
  return {
    fingerprints: {
      ...proxyParts(proxy, chain),
      ...authenticationPart(authentication),
      ...(authentication === 'oidc' ? oidcPart(proxy) : {}),
      'mapping rules': fingerprint(inOrder(rules.filter((rule) => !isOfBackend(rule))).map((rule) => ruleOf(rule))),
      'mapping rules of backends': fingerprint(
        byOwner(rules.filter(isOfBackend)).flatMap((owned) => inOrder(owned).map((rule) => ruleOf(rule))),
      ),
    },
    backends: deployedBackends(proxy, chain),
  }
}

/**
 * `proxy.json`: the settings as they are edited. Only policies that are on get into a deployment (porta, app/models/proxy.rb,
 * PoliciesConfig#chain). OpenID Connect settings are there for such products alone (app/representers/proxy_representer.rb).
 * Its `api_backend` is the first backend's address whatever its path, so it is not compared.
 */
export function editedParts(proxy: Wire): Fingerprints {
  const chain = array(proxy.policies_config).filter(({ enabled }) => flag(enabled, false))
  const hasOidc = oidcColumns.some((column) => column in proxy)
  return { ...proxyParts(proxy, chain), ...(hasOidc ? oidcPart(proxy) : {}) }
}

export function authenticationPart(authentication: string): Fingerprints {
  return authentication === '' ? {} : { authentication }
}

export function rulesPart(rules: Wire[]): Fingerprints {
  return { 'mapping rules': fingerprint(inOrder(rules).map((rule) => ruleOf(rule))) }
}

/** The rules of backends get into a deployment below the path of their usage (porta, app/decorators/proxy_rule_decorator.rb). */
export function backendRulesPart(usages: BackendUsage[], known: BackendRules[]): Fingerprints {
  const rows = [...usages]
    .sort((a, b) => a.backendId - b.backendId)
    .flatMap(({ backendId, path }) =>
      inOrder(known.find((each) => each.backendId === backendId)?.rules ?? []).map((rule) => ruleOf(rule, path)),
    )
  return { 'mapping rules of backends': fingerprint(rows) }
}

/** Undefined where the address of a backend is not known. */
export function editedBackends(usages: BackendUsage[], backends: Map<number, Backend>): Parts['backends'] {
  if (usages.some(({ backendId }) => !backends.has(backendId))) return undefined
  return new Map(
    usages.map(({ path, backendId }) => [path, addressPrint(backends.get(backendId)?.privateAddress ?? '')]),
  )
}

/** What differs, in words; what is not known on either side is left out. */
export function differencesOf(now: Parts, deployed: Parts): string[] {
  const names = Object.keys(now.fingerprints) as Part[]
  const parts = names.filter((part) => {
    const other = deployed.fingerprints[part]
    return other !== undefined && other !== now.fingerprints[part]
  })
  return [...parts, ...backendDifferences(now.backends, deployed.backends)]
}

function backendDifferences(now: Parts['backends'], deployed: Parts['backends']): string[] {
  if (!now || !deployed) return []
  const added = [...now.keys()].filter((path) => !deployed.has(path))
  const removed = [...deployed.keys()].filter((path) => !now.has(path))
  const words = [...now.keys()]
    .filter((path) => deployed.has(path) && deployed.get(path) !== now.get(path))
    .map((path) => `the private address of the backend at ${path}`)
  for (const from of removed) {
    const moved = added.findIndex((path) => now.get(path) === deployed.get(from))
    if (moved === -1) words.push(`the backend at ${from}, which was removed`)
    else words.push(`the backend at ${from}, which was moved to ${added.splice(moved, 1)[0]}`)
  }
  return [...words, ...added.map((path) => `the backend at ${path}, which was added`)]
}

/**
 * With a backend at a path, the routing policy has the addresses and `api_backend` is null; else `api_backend` is the one
 * backend at `/` (porta, app/lib/backend_api_logic/routing_policy.rb, app/services/apicast_v2_deployment_service.rb).
 */
function deployedBackends(proxy: Wire, chain: Wire[]): Map<string, string> {
  const generated = routingRules(chain).filter(isOfBackend)
  if (generated.length > 0)
    return new Map(generated.map(({ url, replace_path }) => [pathOf(replace_path), addressPrint(text(url))]))
  const only = text(proxy.api_backend)
  return new Map(only === '' ? [] : [['/', addressPrint(only)]])
}

/** `{{uri | remove_first: '/embed'}}`; a backend at `/` has none. */
function pathOf(replacePath: unknown): string {
  return /remove_first: '([^']+)'/.exec(text(replacePath))?.[1] ?? '/'
}

function routingRules(chain: Wire[]): Wire[] {
  return chain
    .filter(({ name }) => name === 'routing')
    .flatMap(({ configuration }) => array(object(configuration).rules))
}

function isOfBackend({ owner_type }: Wire): boolean {
  return owner_type === 'BackendApi'
}

function proxyParts(proxy: Wire, chain: Wire[]): Fingerprints {
  // the rules of an operator's own routing policy follow those that 3scale generates
  const own = routingRules(chain).filter((rule) => !isOfBackend(rule))
  const policies = chain
    .filter(({ name }) => name !== 'routing')
    .map(({ name, version, configuration }) => [name, version, configuration])
  const { credentials_location, auth_user_key, auth_app_id, auth_app_key } = proxy
  return {
    policies: fingerprint([policies, own]),
    credentials: fingerprint([credentials_location, auth_user_key, auth_app_id, auth_app_key]),
    'public address': addressPrint(text(proxy.endpoint)),
    'gateway responses': fingerprint(responseColumns.map((column) => proxy[column] ?? null)),
    'host header': fingerprint(text(proxy.hostname_rewrite)),
  }
}

const oidcColumns = [
  'oidc_issuer_endpoint',
  'oidc_issuer_type',
  'jwt_claim_with_client_id',
  'jwt_claim_with_client_id_type',
]

function oidcPart(proxy: Wire): Fingerprints {
  return { 'OpenID Connect settings': fingerprint(oidcColumns.map((column) => proxy[column] ?? null)) }
}

const responseColumns = ['auth_failed', 'auth_missing', 'no_match', 'limits_exceeded'].flatMap((kind) => [
  `error_${kind}`,
  `error_status_${kind}`,
  `error_headers_${kind}`,
])

/** Positions have gaps where rules were deleted: only the order of them counts. */
function inOrder(rules: Wire[]): Wire[] {
  return [...rules].sort((a, b) => number(a.position) - number(b.position))
}

function byOwner(rules: Wire[]): Wire[][] {
  const owners = [...new Set(rules.map(({ owner_id }) => number(owner_id)))].sort((a, b) => a - b)
  return owners.map((owner) => rules.filter(({ owner_id }) => number(owner_id) === owner))
}

function ruleOf({ http_method, pattern, metric_id, delta, last }: Wire, path = '/'): unknown[] {
  const whole = `${path.replace(/\/+$/, '')}/${text(pattern)}`.replace(/\/{2,}/g, '/')
  return [http_method, whole, number(metric_id), number(delta), flag(last, false)]
}

/** 3scale writes `:443` and `:80` out, older rows do not have them. */
function addressPrint(address: string): string {
  return fingerprint(URL.canParse(address) ? new URL(address).href : address)
}

/** Policies and addresses hold secrets: only that two are the same may be reported. */
function fingerprint(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('base64url')
}

/** The same JSON whatever the order of its members. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join()}}`
}
