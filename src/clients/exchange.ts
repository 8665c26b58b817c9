import type { Dispatcher } from 'undici'
import type { HttpRequest } from './http.js'
import { HttpFailure } from './http-failure.js'

/** As undici takes a request. */
export function asked({
  method,
  url,
  headers,
  body,
}: Pick<HttpRequest, 'method' | 'url' | 'headers'> & { body: string | undefined }) {
  return {
    method: method as Dispatcher.HttpMethod,
    origin: url.origin,
    path: url.pathname + url.search,
    headers: headers ?? {},
    body: body ?? null,
  }
}

export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : ''
}

/** The body as text; rejects with HttpFailure `too_large` beyond that many bytes. */
export async function readText(body: Dispatcher.ResponseData['body'], maxBytes: number, host: string): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) {
      body.destroy()
      throw new HttpFailure('too_large', host)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Headers that came several times are joined with commas. */
export function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  )
}
