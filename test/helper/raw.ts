import { connect } from 'node:net'

export interface Received {
  status: number
  /** In the original order and case. */
  headers: [name: string, value: string][]
  text: string
  /** The received body, with chunks joined. */
  bytes: Buffer
  header(name: string): string | undefined
  all(name: string): string[]
}

/**
 * Sends one request exactly as written, without corrections by a client. `lines` are header lines, including `Host` if it matters.
 * `framed` is a body with the framing that the lines describe, as text or bytes.
 */
export async function raw(
  port: number,
  first: string,
  lines: string[] = [],
  body = '',
  framed: string | Buffer = '',
): Promise<Received> {
  const [method = 'GET', ...path] = first.split(' ')
  const has = (name: string) => lines.some((line) => line.toLowerCase().startsWith(`${name}:`))
  const head = [
    `${method} ${path.join(' ')} HTTP/1.1`,
    ...(has('host') ? [] : [`Host: localhost:${port}`]),
    ...lines,
    ...(body && !has('transfer-encoding') ? [`Content-Length: ${Buffer.byteLength(body)}`] : []),
    'Connection: close',
  ]
  const answer = await exchange(
    port,
    Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`), Buffer.from(framed)]),
  )
  const end = answer.indexOf('\r\n\r\n')
  const [statusLine = '', ...headerLines] = answer.subarray(0, end).toString('latin1').split('\r\n')
  const headers = headerLines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const all = (name: string) => headers.filter(([input]) => input.toLowerCase() === name).map(([, value]) => value)
  const rest = answer.subarray(end + 4)
  const chunked = all('transfer-encoding').includes('chunked')
  const bytes = chunked ? unchunked(rest) : rest
  return {
    status: Number(statusLine.split(' ')[1]),
    headers,
    text: bytes.toString('utf8'),
    bytes,
    header: (name) => all(name)[0],
    all,
  }
}

function exchange(port: number, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.once('error', reject)
    socket.once('end', () => socket.end())
    socket.once('close', () => resolve(Buffer.concat(chunks)))
  })
}

function unchunked(body: Buffer): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const line = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.subarray(at, line).toString('latin1'), 16)
    if (!size) break
    pieces.push(body.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
  return Buffer.concat(pieces)
}
