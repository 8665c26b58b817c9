import type { ServerResponse } from 'node:http'
import { hostname } from 'node:os'
import type { Faults } from '../faults.js'
import type { ClientRequest } from '../nginx/server.js'
import { authrep, type Backend, clientOfToken, report } from './authorization.js'
import { type AuthCache, isCached } from './authorization-cache.js'
import { corsHeaders, isPreflight } from './cors-policy.js'
import { type Credentials, credentialsOf, unreadable } from './credentials.js'
import { llmMetricsOf } from './llm-metrics-policy.js'
import { encodeUsage, usageOf } from './mapping-rules.js'
import { incomingOf } from './policy-request.js'
import type { Product } from './product.js'
import { addressFor, routeFor } from './routing-policy.js'
import { forward } from './upstream.js'

export interface Gateway {
  cache: AuthCache
  faults: Faults
  backend(): Backend
}

/**
 * One request in the order that decides the status: host, CORS, credentials, token, mapping, authorisation, upstream.
 * Resolves after the report to apisonator, which comes after the response.
 */
export async function handle(
  request: ClientRequest,
  response: ServerResponse,
  find: (host: string) => Promise<Product | undefined>,
  { cache, faults, backend }: Gateway,
): Promise<void> {
  if (await faults.answers(request, response)) return
  // a location of nginx, and so a prefix (gateway/conf.d/apicast.conf)
  if (request.uri.startsWith('/_threescale/healthz'))
    return void response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 0 }).end()
  const product = await find(request.host)
  if (!product?.hosts.includes(request.host)) return notFound(response)
  const incoming = incomingOf(request)
  for (const [name, value] of Object.entries(corsHeaders(product, incoming))) response.setHeader(name, value)
  if (isPreflight(incoming) && product.policies.some(({ name }) => name === 'cors'))
    return void response.writeHead(204).end()

  const credentials = credentialsOf(product, incoming)
  if (!credentials) return refuse(response, product.errors.authMissing)
  if (credentials === unreadable) return notFound(response)
  const known = await parametersOf(product, credentials)
  if (!known) return refuse(response, product.errors.authFailed)
  const { parameters, expires } = known
  const route = routeFor(product, request)
  const { usage, patterns } = usageOf(product.rules, incoming, route?.owner)
  if (Object.keys(usage).length === 0) return refuse(response, product.errors.noMatch)
  if (incoming.header('x-3scale-debug') === product.serviceToken)
    setDebugHeaders(response, product, { patterns, parameters, usage })

  const pod = cache.pod()
  const key = `${product.id}:${Object.values(credentials).join(':')}:${encodeUsage(usage)}`
  const cached = isCached(pod, key)
  if (!cached) {
    const verdict = await authrep(backend(), product, parameters, usage)
    if (typeof verdict === 'object' && verdict.retryAfter) response.setHeader('retry-after', verdict.retryAfter)
    if (verdict !== 'ok') {
      pod?.delete(key)
      return refuse(response, typeof verdict === 'object' ? product.errors.limitsExceeded : product.errors.authFailed)
    }
    pod?.set(key, expires)
  }
  const { status, tokens } = await send()
  // A cached key is reported after its response. If the report is refused, the entry is removed and the usage is not counted.
  if (cached) {
    const verdict = await authrep(backend(), product, parameters, { ...usage, ...tokens }, status)
    if (verdict !== 'ok') pod?.delete(key)
  } else if (Object.keys(tokens).length > 0) await report(backend(), product, parameters, tokens)

  async function send() {
    const url = route?.url ?? product?.upstream
    if (!product || !url) {
      notFound(response)
      return { status: 404, tokens: {} }
    }
    const metrics = llmMetricsOf(product)
    const address = addressFor(url, route?.removed, request)
    const body = metrics ? metrics.rewrite(request.body) : request.body
    return forward(request, response, { product, url, address, body, metrics })
  }
}

async function parametersOf(product: Product, credentials: Credentials) {
  if (!('token' in credentials)) return { parameters: { ...credentials } as Record<string, string>, expires: 0 }
  const found = await clientOfToken(product, credentials.token)
  return found && { parameters: { app_id: found.client } as Record<string, string>, expires: found.expires }
}

/** Chunked, and without a line end, as APIcast prints them (gateway/src/apicast/errors.lua). */
function refuse(response: ServerResponse, { status, body, type }: Product['errors']['authFailed']): void {
  response.writeHead(status, { 'content-type': type }).end(body)
}

/** Of an unknown host, or without a backend for the path. */
function notFound(response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'text/plain' }).end()
}

/** For a caller that knows the service token (gateway/src/apicast/proxy.lua, output_debug_headers). */
function setDebugHeaders(
  response: ServerResponse,
  product: Product,
  {
    patterns,
    parameters,
    usage,
  }: { patterns: string[]; parameters: Record<string, string>; usage: Record<string, number> },
): void {
  response.setHeader('x-3scale-matched-rules', patterns.join(', '))
  response.setHeader('x-3scale-credentials', new URLSearchParams(parameters).toString())
  response.setHeader('x-3scale-usage', encodeUsage(usage))
  response.setHeader('x-3scale-hostname', hostname())
  response.setHeader('x-3scale-service-id', String(product.id))
  response.setHeader('x-3scale-service-name', product.systemName)
}
