import type { IncomingMessage, ServerResponse } from 'node:http'
import { authrep, clientOfToken, report } from './authorize.js'
import { type AuthCache, isCached } from './cache.js'
import { corsHeaders, isPreflight } from './cors.js'
import { type Credentials, credentialsOf } from './credentials.js'
import type { Faults } from './faults.js'
import { read } from './incoming.js'
import { llmMetricsOf } from './llm-metrics.js'
import { encodeUsage, usageOf } from './mapping.js'
import type { Product } from './product.js'
import { addressAt, forward, nginxPage } from './upstream.js'

export interface Context {
  product: Product
  cache: AuthCache
  faults: Faults
  threescale: string
}

/** One request in the order that decides the status: host, CORS, credentials, token, mapping, authorisation, upstream. */
export async function handle(request: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  const { product, threescale } = context
  if (await context.faults.answers(request, response)) return
  const incoming = await read(request)
  if (!incoming || isSentTwice(request, 'authorization')) return nginxPage(response, 400, 'Bad Request')
  if (incoming.path === '/_threescale/healthz') return void response.writeHead(200).end()
  if (!product.hosts.includes(hostOf(request))) return void response.writeHead(404).end()
  for (const [name, value] of Object.entries(corsHeaders(product, request))) response.setHeader(name, value)
  if (isPreflight(request) && product.policies.some(({ name }) => name === 'cors'))
    return void response.writeHead(204).end()

  const credentials = credentialsOf(product, incoming)
  if (!credentials) return refuse(response, product.errors.authMissing)
  const known = await parametersOf(product, credentials)
  if (!known) return refuse(response, product.errors.authFailed)
  const { parameters, expires } = known
  const { usage, patterns } = usageOf(product.rules, incoming)
  if (Object.keys(usage).length === 0) return refuse(response, product.errors.noMatch)
  if (request.headers['x-3scale-debug'] === product.serviceToken)
    tell(response, product, { patterns, parameters, usage })

  const pod = context.cache.pod()
  const key = `${product.id}:${Object.values(parameters).join(':')}:${encodeUsage(usage)}`
  const cached = isCached(pod, key)
  if (!cached) {
    const verdict = await authrep(threescale, product, parameters, usage)
    if (typeof verdict === 'object') response.setHeader('retry-after', verdict.retryAfter)
    if (verdict !== 'ok')
      return refuse(response, typeof verdict === 'object' ? product.errors.limitsExceeded : product.errors.authFailed)
    pod?.set(key, expires)
  }
  if (!product.upstream) return void response.writeHead(404).end()
  const metrics = llmMetricsOf(product)
  const { status, tokens } = await forward(request, response, {
    product,
    upstream: product.upstream,
    address: addressAt(product.upstream, incoming.path, incoming.search),
    body: metrics ? metrics.rewrite(incoming.body) : incoming.body,
    metrics,
  })
  // a hit is reported after its answer; refused, the entry goes and that usage is not counted
  if (cached) {
    const verdict = await authrep(threescale, product, parameters, { ...usage, ...tokens }, status)
    if (verdict !== 'ok') pod?.delete(key)
  } else if (Object.keys(tokens).length > 0) await report(threescale, product, parameters, tokens)
}

async function parametersOf(product: Product, credentials: Credentials) {
  if (!('token' in credentials)) return { parameters: { ...credentials } as Record<string, string>, expires: 0 }
  const found = await clientOfToken(product, credentials.token)
  return found && { parameters: { app_id: found.client } as Record<string, string>, expires: found.expires }
}

/** Chunked, and without a line end, as APIcast prints them. */
function refuse(response: ServerResponse, { status, body, type }: Product['errors']['authFailed']): void {
  response.writeHead(status, { 'content-type': type, 'transfer-encoding': 'chunked' })
  response.end(body)
}

/** For who knows the service token (gateway/src/apicast/proxy.lua, output_debug_headers). */
function tell(
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
  response.setHeader('x-3scale-service-id', String(product.id))
  response.setHeader('x-3scale-service-name', product.systemName)
}

export function hostOf({ headers }: IncomingMessage): string {
  return (headers.host ?? '').replace(/:\d+$/, '').toLowerCase()
}

function isSentTwice({ rawHeaders }: IncomingMessage, name: string): boolean {
  return rawHeaders.filter((value, index) => index % 2 === 0 && value.toLowerCase() === name).length > 1
}
