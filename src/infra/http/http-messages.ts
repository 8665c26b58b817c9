import type { Dispatcher } from 'undici'
import type { HttpRequest } from './http.js'
import { HttpError } from './http-error.js'

/** The request in the format of undici. */
export function toDispatcherRequest({
  method,
  url,
  headers,
  body,
}: Pick<HttpRequest, 'method' | 'url'> & { headers: HttpRequest['headers']; body: HttpRequest['body'] | undefined }) {
  return {
    method: method as Dispatcher.HttpMethod,
    origin: url.origin,
    path: url.pathname + url.search,
    headers: headers ?? {},
    body: body ?? null,
  }
}

export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : ''
}

/** Rejects with HttpError `too_large` if the body exceeds `maxBytes`. */
export async function readText(body: Dispatcher.ResponseData['body'], maxBytes: number, host: string): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) {
      body.destroy()
      throw new HttpError('too_large', host)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Repeated headers are joined with commas. */
export function joinHeaderValues(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const joined: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers))
    joined[name] = Array.isArray(value) ? value.join(', ') : (value ?? '')
  return joined
}
