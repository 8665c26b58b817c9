import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { pages, sendPage } from '../nginx/error-pages.js'
import type { ClientRequest } from '../nginx/server.js'
import type { LlmMetrics } from './llm-metrics-policy.js'
import type { Usage } from './mapping-rules.js'
import type { Product } from './product.js'

interface Forward {
  product: Product
  /** private endpoint of the backend */
  url: URL
  /** path and query, as the model server gets them */
  address: string
  body: Buffer
  metrics: LlmMetrics | undefined
}

/** The status of a completed response and the tokens that it reported. */
export interface Outcome {
  status: number
  tokens: Usage
}

/** Hands the request on, its credentials included, and the response back unchanged. Never rejects. */
export function forward(request: ClientRequest, response: ServerResponse, to: Forward): Promise<Outcome> {
  const { url, address, body, metrics } = to
  const counter = metrics?.counter()
  return new Promise((resolve) => {
    let status = 0
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const outgoing = send({
      host: url.hostname,
      port: url.port,
      method: request.method,
      path: address,
      setHost: false,
    })
    response.once('close', () => {
      outgoing.destroy()
      resolve({ status, tokens: counter?.usage(status) ?? {} })
    })
    outgoing.once('response', (answer) => {
      status = answer.statusCode ?? 502
      response.writeHead(status, passedBack(answer))
      const held: Buffer[] = []
      answer.on('data', (chunk: Buffer) => {
        counter?.add(chunk)
        if (metrics && !metrics.streams) held.push(chunk)
        else if (!response.write(chunk)) {
          answer.pause()
          response.once('drain', () => answer.resume())
        }
      })
      answer.once('end', () => response.end(Buffer.concat(held)))
      answer.once('error', () => response.destroy())
    })
    outgoing.once('error', () => {
      if (response.headersSent) response.destroy()
      else sendPage(response, pages.badGateway)
    })
    for (const [name, values] of headersFor(request, to)) outgoing.setHeader(name, values)
    // nginx sends neither. Node.js would add both, and a length to an empty POST request.
    outgoing.removeHeader('connection')
    outgoing.removeHeader('transfer-encoding')
    if (!request.isFramed) outgoing.removeHeader('content-length')
    outgoing.end(body)
  })
}

/** Headers that nginx replaces (gateway/conf.d/upstream_shared.conf) or removes (ngx_http_proxy_module.c). */
const replaced = ['host', 'x-real-ip', 'x-3scale-proxy-secret-token', 'content-length']
const removed = ['connection', 'keep-alive', 'te', 'expect', 'upgrade', 'transfer-encoding', 'x-3scale-debug']

/** Each header in the spelling and with all the values that the client sent. */
function headersFor(request: ClientRequest, { product, url, body }: Forward): Map<string, string[]> {
  const headers = new Map([
    ['X-Real-IP', [request.remoteAddress]],
    ['Host', [product.hostnameRewrite ?? url.host]],
    ['X-3scale-proxy-secret-token', [product.secretToken]],
  ])
  if (request.isFramed) headers.set('Content-Length', [String(body.length)])
  const spelling = new Map<string, string>()
  for (const [name, value] of request.headers) {
    const key = name.toLowerCase()
    if (replaced.includes(key) || removed.includes(key)) continue
    const spelt = spelling.get(key) ?? name
    spelling.set(key, spelt)
    headers.set(spelt, [...(headers.get(spelt) ?? []), value])
  }
  return headers
}

/** Headers of the model server that nginx does not forward (ngx_http_proxy_module.c, ngx_http_proxy_hide_headers). */
function passedBack({ rawHeaders }: IncomingMessage): string[] {
  const hidden = /^(connection|keep-alive|transfer-encoding|date|server|x-pad|x-accel-.*)$/i
  return rawHeaders.filter((_text, index) => !hidden.test(rawHeaders[index - (index % 2)] ?? ''))
}
