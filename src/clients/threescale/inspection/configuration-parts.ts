import { hashJson } from '../../../infra/crypto/json-hash.js'
import { array, flag, number, object, text, type WireObject } from '../mapping/wire-values.js'
import type { Backend, BackendRules, BackendUsage, ConfigurationPart, ConfigurationParts } from './types.js'

type Fingerprints = ConfigurationParts['fingerprints']

/** The comparable parts of a deployed configuration. */
export function deployedParts(content: WireObject): ConfigurationParts {
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
 * The comparable parts of `proxy.json`, the edited settings. Only enabled policies are deployed (porta, app/models/proxy.rb,
 * PoliciesConfig#chain). Only OpenID Connect products have its settings (app/representers/proxy_representer.rb). Its `api_backend` is
 * the address of the first backend at any path, so it is not compared.
 */
export function partsOfSettings(proxy: WireObject): Fingerprints {
  const chain = array(proxy.policies_config).filter(({ enabled }) => flag(enabled, false))
  const hasOidc = oidcColumns.some((column) => column in proxy)
  return { ...proxyParts(proxy, chain), ...(hasOidc ? oidcPart(proxy) : {}) }
}

export function authenticationPart(authentication: string): Fingerprints {
  return authentication === '' ? {} : { authentication }
}

export function rulesPart(rules: WireObject[]): Fingerprints {
  return { 'mapping rules': fingerprint(inOrder(rules).map((rule) => ruleOf(rule))) }
}

/** The rules of backends are deployed below the path of their usage (porta, app/decorators/proxy_rule_decorator.rb). */
export function backendRulesPart(usages: BackendUsage[], known: BackendRules[]): Fingerprints {
  const rows = [...usages]
    .sort((a, b) => a.backendId - b.backendId)
    .flatMap(({ backendId, path }) =>
      inOrder(known.find((each) => each.backendId === backendId)?.rules ?? []).map((rule) => ruleOf(rule, path)),
    )
  return { 'mapping rules of backends': fingerprint(rows) }
}

/** Undefined if the address of a backend is unknown. */
export function editedBackends(usages: BackendUsage[], backends: Map<number, Backend>): ConfigurationParts['backends'] {
  if (usages.some(({ backendId }) => !backends.has(backendId))) return undefined
  return new Map(
    usages.map(({ path, backendId }) => [path, addressPrint(backends.get(backendId)?.privateAddress ?? '')]),
  )
}

/** The names of the parts that differ. Parts that are unknown on either side are ignored. */
export function differencesOf(now: ConfigurationParts, deployed: ConfigurationParts): string[] {
  const names = Object.keys(now.fingerprints) as ConfigurationPart[]
  const parts = names.filter((part) => {
    const other = deployed.fingerprints[part]
    return other !== undefined && other !== now.fingerprints[part]
  })
  return [...parts, ...backendDifferences(now.backends, deployed.backends)]
}

function backendDifferences(now: ConfigurationParts['backends'], deployed: ConfigurationParts['backends']): string[] {
  if (!now || !deployed) return []
  const added = [...now.keys()].filter((path) => !deployed.has(path))
  const removed = [...deployed.keys()].filter((path) => !now.has(path))
  const differences = [...now.keys()]
    .filter((path) => deployed.has(path) && deployed.get(path) !== now.get(path))
    .map((path) => `the private address of the backend at ${path}`)
  for (const from of removed) {
    const moved = added.findIndex((path) => now.get(path) === deployed.get(from))
    if (moved === -1) differences.push(`the backend at ${from}, which was removed`)
    else differences.push(`the backend at ${from}, which was moved to ${added.splice(moved, 1)[0]}`)
  }
  return [...differences, ...added.map((path) => `the backend at ${path}, which was added`)]
}

/**
 * With a backend at a path, the routing policy has the addresses and `api_backend` is null; else `api_backend` is the one
 * backend at `/` (porta, app/lib/backend_api_logic/routing_policy.rb, app/services/apicast_v2_deployment_service.rb).
 */
function deployedBackends(proxy: WireObject, chain: WireObject[]): Map<string, string> {
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

function routingRules(chain: WireObject[]): WireObject[] {
  return chain
    .filter(({ name }) => name === 'routing')
    .flatMap(({ configuration }) => array(object(configuration).rules))
}

function isOfBackend({ owner_type }: WireObject): boolean {
  return owner_type === 'BackendApi'
}

function proxyParts(proxy: WireObject, chain: WireObject[]): Fingerprints {
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

function oidcPart(proxy: WireObject): Fingerprints {
  return { 'OpenID Connect settings': fingerprint(oidcColumns.map((column) => proxy[column] ?? null)) }
}

const responseColumns = ['auth_failed', 'auth_missing', 'no_match', 'limits_exceeded'].flatMap((kind) => [
  `error_${kind}`,
  `error_status_${kind}`,
  `error_headers_${kind}`,
])

/** Deleted rules leave gaps in the positions, so only their order counts. */
function inOrder(rules: WireObject[]): WireObject[] {
  return [...rules].sort((a, b) => number(a.position) - number(b.position))
}

function byOwner(rules: WireObject[]): WireObject[][] {
  const owners = [...new Set(rules.map(({ owner_id }) => number(owner_id)))].sort((a, b) => a - b)
  return owners.map((owner) => rules.filter(({ owner_id }) => number(owner_id) === owner))
}

function ruleOf({ http_method, pattern, metric_id, delta, last }: WireObject, path = '/'): unknown[] {
  const whole = `${path.replace(/\/+$/, '')}/${text(pattern)}`.replace(/\/{2,}/g, '/')
  return [http_method, whole, number(metric_id), number(delta), flag(last, false)]
}

/** 3scale includes `:443` and `:80`, but earlier rows do not have them. */
function addressPrint(address: string): string {
  return fingerprint(URL.canParse(address) ? new URL(address).href : address)
}

/** Policies and addresses contain secrets, so only whether two are equal is reported. */
function fingerprint(value: unknown): string {
  return hashJson(value, 43)
}
