import { connect } from 'node:net'

export interface Reply {
  /** 0: the connection ended without a response. */
  status: number
  head: string
  body: Buffer
}

/**
 * Sends requests exactly as written, pipelined on one connection (RFC 9112 section 9.3.2).
 * If the server closes the connection, the remaining requests use a new one. If a request body is too long, the server
 * closes with unread bytes, and TCP then drops pending responses (RFC 9112 section 9.6), so a first request without a
 * response is sent again without the others. `bodiless` marks requests whose response has no body.
 */
export async function pipeline(port: number, requests: { bytes: Buffer; bodiless: boolean }[]): Promise<Reply[]> {
  const replies: Reply[] = []
  while (replies.length < requests.length) {
    const left = requests.slice(replies.length)
    const last = left.findIndex(wantsUpgrade)
    const row = last < 0 ? left : left.slice(0, last + 1)
    const got = await once(port, row)
    const [alone] = got.length > 0 || row.length === 1 ? [] : await once(port, row.slice(0, 1))
    replies.push(...(got.length > 0 ? got : [alone ?? { status: 0, head: '', body: Buffer.alloc(0) }]))
  }
  return replies
}

/** Node.js parses nothing after an upgrade as HTTP (RFC 9110 section 7.8), so the following requests would get no response. */
function wantsUpgrade({ bytes }: { bytes: Buffer }): boolean {
  const head = bytes.toString('latin1')
  return /\r\nconnection: upgrade/i.test(head) && /\r\nupgrade:/i.test(head)
}

const START = Buffer.from('HTTP/1.1 ')

function once(port: number, requests: { bytes: Buffer; bodiless: boolean }[]): Promise<Reply[]> {
  return new Promise((resolve) => {
    const replies: Reply[] = []
    let rest: Buffer = Buffer.alloc(0)
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.concat(requests.map(({ bytes }) => bytes))))
    socket.setTimeout(60_000, () => socket.destroy())
    socket.on('data', (chunk) => {
      rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
      // Data after a response to HEAD that has a body nevertheless, which the HTTP parser reports as invalid.
      if (rest.length > 8 && !rest.subarray(0, 9).equals(START)) return void socket.destroy()
      for (let read = readReply(rest, requests[replies.length]?.bodiless); read; ) {
        replies.push(read.reply)
        rest = rest.subarray(read.end)
        if (replies.length === requests.length) return void socket.destroy()
        if (rest.length > 8 && !rest.subarray(0, 9).equals(START)) return void socket.destroy()
        read = readReply(rest, requests[replies.length]?.bodiless)
      }
    })
    socket.on('error', () => {})
    socket.once('close', () => resolve(replies))
  })
}

/** The first complete response in these bytes. */
function readReply(bytes: Buffer, bodiless = false): { reply: Reply; end: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const head = bytes.subarray(0, headEnd).toString('latin1')
  const status = Number(head.slice(9, 12))
  const start = headEnd + 4
  // An interim response does not count.
  if (status < 200) {
    const next = readReply(bytes.subarray(start), bodiless)
    return next && { reply: next.reply, end: start + next.end }
  }
  if (bodiless || status === 204 || status === 304)
    return { reply: { status, head, body: Buffer.alloc(0) }, end: start }
  if (/\r\ntransfer-encoding: chunked/i.test(head)) {
    const body = readChunks(bytes, start)
    return body && { reply: { status, head, body: body.content }, end: body.end }
  }
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
  if (bytes.length < start + length) return undefined
  return { reply: { status, head, body: bytes.subarray(start, start + length) }, end: start + length }
}

function readChunks(bytes: Buffer, start: number): { content: Buffer; end: number } | undefined {
  const pieces: Buffer[] = []
  for (let at = start; ; ) {
    const line = bytes.indexOf('\r\n', at)
    if (line < 0) return undefined
    const size = Number.parseInt(bytes.subarray(at, line).toString('latin1'), 16)
    const end = line + 2 + size + 2
    if (bytes.length < end) return undefined
    if (size === 0) return { content: Buffer.concat(pieces), end }
    pieces.push(bytes.subarray(line + 2, line + 2 + size))
    at = end
  }
}
