import type { Readable } from 'node:stream'
import {
  binaryOmitted,
  byteCount,
  connectionClosed,
  eventStream,
  moreThanOneMegabyte,
  timedOut,
  truncated,
} from './messages.js'

/** A response to display, with bounded length. */
export interface TryItResponse {
  status: number
  ms: number
  headers: [name: string, value: string][]
  /** empty if the body is empty or not text */
  text: string
  type: string
  /** messages about omissions and the end of the response */
  remarks: string[]
}

/** Limit of the displayed text, in characters. */
export const MAX_SHOWN = 64 * 1024
const MAX_BYTES = 1_000_000

/** Headers that help to understand a response. Others, such as cookies, are not displayed. */
const shownHeaders =
  /^(content-(type|length|language|encoding)|retry-after|ratelimit(-.*)?|x-ratelimit-.*|x-request-id|allow|location|www-authenticate|deprecation|sunset|server-timing)$/

/** Reads a response to its end, to the limit or until `signal` aborts. Never rejects. */
export async function readResponse(
  response: { status: number; headers: Record<string, string>; body: Readable },
  { signal, ms }: { signal: AbortSignal; ms: () => number },
): Promise<TryItResponse> {
  const type = response.headers['content-type'] ?? ''
  const { bytes, size, end } = await collect(response.body, isTextual(type))
  const isText = isTextual(type) && !(type === '' && bytes.includes(0))
  const text = bytes.toString('utf8')
  const isTruncated = isText && (text.length > MAX_SHOWN || end === 'limit')
  return {
    status: response.status,
    ms: ms(),
    headers: Object.entries(response.headers)
      .filter(([name]) => shownHeaders.test(name))
      .map(([name, value]) => [name, value.slice(0, 500)]),
    text: isText ? text.slice(0, MAX_SHOWN) : '',
    type,
    remarks: [
      ...(/event-stream/.test(type) ? [eventStream] : []),
      ...(isText || size === 0 ? [] : [binaryOmitted(end === 'limit' ? moreThanOneMegabyte : byteCount(size), type)]),
      ...(isTruncated ? [truncated] : []),
      ...(end === 'interrupted' && signal.aborted ? [timedOut] : []),
      ...(end === 'interrupted' && !signal.aborted ? [connectionClosed] : []),
    ],
  }
}

async function collect(body: Readable, isText: boolean) {
  const chunks: Buffer[] = []
  let size = 0
  let end: 'complete' | 'limit' | 'interrupted' = 'complete'
  const limit = isText ? MAX_SHOWN * 4 : MAX_BYTES
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (isText) chunks.push(chunk)
      if (size <= limit) continue
      end = 'limit'
      break
    }
  } catch {
    end = 'interrupted'
  }
  return { bytes: Buffer.concat(chunks), size, end }
}

function isTextual(type: string): boolean {
  return type === '' || /^text\/|json|xml|yaml|javascript|x-www-form-urlencoded/i.test(type)
}
