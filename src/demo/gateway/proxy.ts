import { request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import { asParameters, authrep, clientOfToken } from './authorize.js'
import type { AuthCache } from './cache.js'
import { corsHeaders, isPreflight } from './cors.js'
import { credentialsOf } from './credentials.js'
import { normalisePath, usageOf } from './mapping.js'
import type { Product } from './product.js'
import { tokenCounter } from './tokens.js'

interface Context {
  product: Product
  cache: AuthCache
  threescale: string
}

/** One request in the order that decides the status: host, CORS, credentials, token, mapping, authorisation, upstream. */
export async function handle(request: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  const { product } = context
  const url = new URL(request.url ?? '/', 'http://gateway')
  if (url.pathname === '/_threescale/healthz') return void response.writeHead(200).end()
  if (request.rawHeaders.filter((name, index) => index % 2 === 0 && /^authorization$/i.test(name)).length > 1)
    return nginxPage(response, 400, 'Bad Request')
  const cors = corsHeaders(product, request)
  for (const [name, value] of Object.entries(cors)) response.setHeader(name, value)
  if (isPreflight(request) && product.policies.some(({ name }) => name === 'cors'))
    return void response.writeHead(204).end()

  const body = await readBody(request)
  const form = /^application\/x-www-form-urlencoded/i.test(request.headers['content-type'] ?? '')
    ? new URLSearchParams(body.toString('utf8'))
    : new URLSearchParams()
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  )
  const credentials = credentialsOf(product, { headers, query: url.searchParams, form })
  if (!credentials) return refuse(response, product.errors.authMissing)
  const client = 'token' in credentials ? await clientOfToken(product, credentials.token) : undefined
  if ('token' in credentials && client === undefined) return refuse(response, product.errors.authFailed)

  const path = normalisePath(url.pathname)
  if (path === undefined) return nginxPage(response, 400, 'Bad Request')
  const usage = usageOf(product.rules, request.method ?? 'GET', path, url.searchParams, form)
  if (Object.keys(usage).length === 0) return refuse(response, product.errors.noMatch)

  const parameters = asParameters(credentials, client)
  const pod = context.cache.pod()
  const cacheKey = `${product.id}:${JSON.stringify(parameters)}:${JSON.stringify(usage)}`
  const cached = pod?.has(cacheKey) === true
  if (!cached) {
    const verdict = await authrep(context.threescale, product, parameters, usage)
    if (verdict === 'auth_failed' || verdict === 'unavailable') return refuse(response, product.errors.authFailed)
    if (typeof verdict === 'object') {
      response.setHeader('retry-after', verdict.retryAfter)
      return refuse(response, product.errors.limitsExceeded)
    }
    pod?.add(cacheKey)
  }
  if (!product.upstream) return void response.writeHead(404).end()
  response.once('close', () => {
    if (!cached) return
    // a hit is reported after the answer; a refusal then deletes the entry, and that usage is not counted
    void authrep(context.threescale, product, parameters, usage).then((verdict) => {
      if (verdict !== 'ok') pod?.delete(cacheKey)
    })
  })
  pass(request, response, body, path + url.search, context, parameters)
}

function pass(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  path: string,
  context: Context,
  parameters: Record<string, string>,
): void {
  const { product, threescale } = context
  const base = product.upstream as URL
  const headers: Record<string, string | string[] | undefined> = {
    ...request.headers,
    host: base.host,
    'x-real-ip': request.socket.remoteAddress ?? '',
    'x-3scale-proxy-secret-token': product.secretToken,
  }
  delete headers['x-3scale-debug']
  delete headers.connection
  delete headers['transfer-encoding']
  const counter = product.policies.some(({ name }) => name === 'llm-metrics') ? tokenCounter() : undefined
  const upstream = forward(
    {
      host: base.hostname,
      port: base.port,
      method: request.method,
      path: base.pathname.replace(/\/$/, '') + path,
      headers: { ...headers, 'content-length': String(body.length) },
    },
    (answer) => {
      const passed = { ...answer.headers }
      delete passed.connection
      response.writeHead(answer.statusCode ?? 502, passed)
      answer.on('data', (chunk: Buffer) => counter?.add(chunk))
      answer.pipe(response)
      answer.once('end', () => {
        const tokens = counter?.usage()
        if (tokens) void authrep(threescale, product, parameters, tokens)
      })
    },
  )
  upstream.once('error', () => {
    if (response.headersSent) response.destroy()
    else nginxPage(response, 502, 'Bad Gateway')
  })
  response.once('close', () => upstream.destroy())
  upstream.end(body)
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function refuse(
  response: ServerResponse,
  { status, body, type }: { status: number; body: string; type: string },
): void {
  response.writeHead(status, { 'content-type': type, 'transfer-encoding': 'chunked' })
  response.end(body)
}

function nginxPage(response: ServerResponse, status: number, title: string): void {
  response.writeHead(status, { 'content-type': 'text/html' })
  response.end(
    `<html>\r\n<head><title>${status} ${title}</title></head>\r\n<body>\r\n<center><h1>${status} ${title}</h1></center>\r\n<hr><center>openresty</center>\r\n</body>\r\n</html>\r\n`,
  )
}
