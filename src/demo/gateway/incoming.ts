import type { IncomingMessage } from 'node:http'

/** A request as nginx shows it to APIcast. */
export interface Incoming {
  method: string
  /** normalised and escaped again, as rules are matched against it */
  path: string
  /** with its question mark, as it was sent */
  search: string
  /** lower-case names, `-` read as `_` */
  headers: Record<string, string>
  query: URLSearchParams
  /** arguments of an urlencoded body of a POST, PUT or PATCH; nothing else is looked into */
  form: URLSearchParams
  body: Buffer
}

/** Reads the whole body. Undefined: an address that nginx answers with 400. */
export async function read(request: IncomingMessage): Promise<Incoming | undefined> {
  const [address = '/', ...rest] = (request.url ?? '/').split('?')
  const path = normalisePath(address)
  if (path === undefined) return undefined
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const method = request.method ?? 'GET'
  const isForm =
    ['POST', 'PUT', 'PATCH'].includes(method) &&
    (request.headers['content-type'] ?? '').toLowerCase().includes('application/x-www-form-urlencoded')
  const search = rest.length > 0 ? `?${rest.join('?')}` : ''
  return {
    method,
    path,
    search,
    headers: headersOf(request),
    query: new URLSearchParams(search),
    form: new URLSearchParams(isForm ? body.toString('utf8') : ''),
    body,
  }
}

/** nginx's `$arg_name`: any case, the first one, neither name nor value decoded, and only with its `=`. */
export function rawArg(search: string, name: string): string | undefined {
  for (const pair of search.slice(1).split('&')) {
    const equals = pair.indexOf('=')
    if (equals !== -1 && pair.slice(0, equals).toLowerCase() === name.toLowerCase()) return pair.slice(equals + 1)
  }
  return undefined
}

/** The path as nginx sees it: decoded, slashes collapsed, dots resolved; then escaped again. Undefined: not a path. */
export function normalisePath(raw: string): string | undefined {
  let decoded: string
  try {
    decoded = decodeURIComponent(raw)
  } catch {
    return undefined
  }
  if (!decoded.startsWith('/')) return undefined
  const pieces = decoded.split(/\/+/).slice(1)
  const kept: string[] = []
  for (const [index, piece] of pieces.entries()) {
    const dots = piece === '.' || piece === '..'
    if (piece === '..' && kept.pop() === undefined) return undefined
    if (!dots) kept.push(escapePiece(piece))
    else if (index === pieces.length - 1) kept.push('')
  }
  return `/${kept.join('/')}`
}

function escapePiece(piece: string): string {
  return encodeURIComponent(piece).replace(/%(24|26|2B|2C|3A|3B|3D|40)/g, (code) => decodeURIComponent(code))
}

function headersOf(request: IncomingMessage): Record<string, string> {
  const entries = Object.entries(request.headers).map(
    ([name, value]) => [name.replaceAll('-', '_'), Array.isArray(value) ? value.join(', ') : (value ?? '')] as const,
  )
  return Object.fromEntries(entries)
}
