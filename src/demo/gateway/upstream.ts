import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LlmMetrics } from './llm-metrics.js'
import type { Usage } from './mapping.js'
import type { Product } from './product.js'

interface Forward {
  product: Product
  upstream: URL
  /** path and query, as the model server gets them */
  address: string
  body: Buffer
  metrics: LlmMetrics | undefined
}

/** What is known when the answer has ended: its status and the tokens that it told. */
export interface Outcome {
  status: number
  tokens: Usage
}

/** Hands the request on, its credentials included, and the answer back unchanged. Never rejects. */
export function forward(request: IncomingMessage, response: ServerResponse, to: Forward): Promise<Outcome> {
  const { product, upstream, address, body, metrics } = to
  const counter = metrics?.counter()
  return new Promise((resolve) => {
    let status = 0
    response.once('close', () => {
      outgoing.destroy()
      resolve({ status, tokens: counter?.usage(status) ?? {} })
    })
    const send = upstream.protocol === 'https:' ? httpsRequest : httpRequest
    const outgoing = send(
      {
        host: upstream.hostname,
        port: upstream.port,
        method: request.method,
        path: address,
        headers: headersFor(request, product, upstream, body),
      },
      (answer) => {
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
      },
    )
    outgoing.once('error', () => {
      if (response.headersSent) response.destroy()
      else nginxPage(response, 502, 'Bad Gateway')
    })
    outgoing.end(body)
  })
}

/** One backend at `/`: its private address and the path; a lone slash adds nothing. */
export function addressAt(upstream: URL, path: string, search: string): string {
  const base = upstream.pathname.replace(/\/$/, '')
  return (base !== '' && path === '/' ? base : base + path) + search
}

export function nginxPage(response: ServerResponse, status: number, title: string): void {
  response.writeHead(status, { 'content-type': 'text/html' })
  response.end(
    `<html>\r\n<head><title>${status} ${title}</title></head>\r\n<body>\r\n<center><h1>${status} ${title}</h1></center>\r\n<hr><center>openresty</center>\r\n</body>\r\n</html>\r\n`,
  )
}

function headersFor(request: IncomingMessage, product: Product, upstream: URL, body: Buffer) {
  const headers: Record<string, string | string[] | undefined> = {
    ...request.headers,
    host: product.hostnameRewrite ?? upstream.host,
    'x-real-ip': request.socket.remoteAddress ?? '',
    'x-3scale-proxy-secret-token': product.secretToken,
  }
  for (const name of ['x-3scale-debug', 'connection', 'transfer-encoding', 'expect']) delete headers[name]
  const carriesBody = body.length > 0 || ['POST', 'PUT', 'PATCH'].includes(request.method ?? '')
  return carriesBody ? { ...headers, 'content-length': String(body.length) } : headers
}

function passedBack({ headers }: IncomingMessage) {
  const { connection: _hop, 'keep-alive': _alive, 'transfer-encoding': _coding, ...rest } = headers
  return rest
}
