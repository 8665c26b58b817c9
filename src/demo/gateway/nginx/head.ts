import type { ByteReader } from './byte-reader.js'
import { pages, type Refusal } from './error-pages.js'

export type Header = readonly [name: string, value: string]

/** The request line and headers as received: not joined, renamed or reordered. */
export interface Head {
  method: string
  /** path and query as sent */
  target: string
  version: '1.0' | '1.1'
  /** lower case, without port and trailing dot; empty where HTTP/1.0 sends none */
  host: string
  headers: Header[]
}

/** One buffer of `large_client_header_buffers`, and all four of them with the first small one. */
const LINE_BYTES = 8192
const TOTAL_BYTES = 4 * LINE_BYTES + 1024

/** Headers that nginx 1.22 refuses if they are repeated. Of all others, it uses the first. */
const once = [
  ...['host', 'authorization', 'content-length', 'transfer-encoding', 'content-range', 'expect'],
  ...['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range'],
]

/** Undefined: the client closed the connection. */
export async function readHead(bytes: ByteReader): Promise<Head | Refusal | undefined> {
  let first = await bytes.line(LINE_BYTES)
  while (first === '') first = await bytes.line(LINE_BYTES)
  if (first === undefined) return undefined
  if (isTooLong(first)) return pages.uriTooLarge
  const start = requestLine(first)
  if ('status' in start) return start

  const headers: Header[] = []
  for (let total = first.length; ; ) {
    const line = await bytes.line(LINE_BYTES)
    if (line === undefined) return undefined
    if (line === '') break
    total += line.length + 2
    if (isTooLong(line) || total > TOTAL_BYTES) return pages.headerTooLarge
    const header = headerLine(line)
    if (!header) return pages.badRequest
    headers.push(header)
  }
  if (once.some((name) => allOf(headers, name).length > 1)) return pages.badRequest
  const [sent] = allOf(headers, 'host')
  const host = hostOf(start.authority ?? sent)
  if (host === undefined || (sent === undefined && start.version === '1.1')) return pages.badRequest
  return { ...start, host, headers }
}

/** Values of a header by its exact name, in any case, in the order they came. */
export function allOf(headers: readonly Header[], name: string): string[] {
  return headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value)
}

function isTooLong(line: string): boolean {
  return line.length > LINE_BYTES - 2
}

function requestLine(line: string): Refusal | (Pick<Head, 'method' | 'target' | 'version'> & { authority?: string }) {
  const [, method = '', target = '', major, minor] =
    /^([A-Z_-]+) +([!-~\x80-\xff]+) +HTTP\/(\d)\.(\d+) *$/.exec(line) ?? []
  if (major === undefined || method === 'CONNECT') return pages.badRequest
  if (major !== '1') return pages.versionNotSupported
  if (method === 'TRACE') return pages.notAllowed
  const [, authority, path] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(target) ?? []
  const relative = path === undefined ? target : path.startsWith('/') ? path : `/${path}`
  return {
    method,
    target: relative,
    version: minor === '0' ? '1.0' : '1.1',
    ...(authority === undefined ? {} : { authority }),
  }
}

/** A name that is no token and a control character in a value are refused here; nginx passes some of them on. */
function headerLine(line: string): Header | undefined {
  const colon = line.indexOf(':')
  const name = colon === -1 ? line : line.slice(0, colon)
  const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ +| +$/g, '')
  return /^[!#$%&'*+.^_`|~0-9a-zA-Z-]+$/.test(name) && /^[\t -~\x80-\xff]*$/.test(value) ? [name, value] : undefined
}

/** As nginx reads it: lower case, no port, no trailing dot. Undefined: not a host (ngx_http_validate_host). */
function hostOf(sent: string | undefined): string | undefined {
  if (sent === undefined) return ''
  const [, name = ''] = /^(\[[^\]]*\]|[^:]*)/.exec(sent) ?? []
  if (name.includes('..') || !/^[!-.0-~\x80-\xff]*$/.test(name)) return undefined
  return name.replace(/\.$/, '').toLowerCase() || undefined
}
