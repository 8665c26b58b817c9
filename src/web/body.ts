import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { FastifyReply } from 'fastify'

const brotli = promisify(brotliCompress)
const gzipped = promisify(gzip)

export type Encoding = 'br' | 'gzip'

/** The bytes of an answer with its entity tag; each compressed form is made once. */
export interface Body {
  tag: string
  plain: Buffer
  br?: Buffer
  gzip?: Buffer
}

export function bodyOf(text: string): Body {
  const plain = Buffer.from(text)
  return { tag: `"${createHash('sha1').update(plain).digest('base64url')}"`, plain }
}

/** Headers of a 304 response: what the client needs besides the response that it has (RFC 9110 section 15.4.5). */
const headersOf304 = new Set([
  'access-control-allow-origin',
  'access-control-expose-headers',
  'age',
  'cache-control',
  'etag',
  'ratelimit',
  'ratelimit-policy',
  'set-cookie',
  'vary',
])

/** Bytes in memory, the compressed forms guessed. */
export function sizeOf({ plain }: Body): number {
  return 200 + Math.ceil(plain.length * 1.4)
}

/** Sends a body as small as the client takes it, or 304 to who has it already (RFC 9110 section 13.1.2). */
export function sendBody(reply: FastifyReply, body: Body): FastifyReply | Promise<FastifyReply> {
  const { headers, method } = reply.request
  if (reply.statusCode === 200 && (method === 'GET' || method === 'HEAD')) {
    reply.header('etag', body.tag)
    if (has(headers['if-none-match'], body.tag)) return notModified(reply)
  }
  const encoding = encodingOf(headers['accept-encoding'])
  if (!encoding) return reply.send(body.plain)
  reply.header('content-encoding', encoding)
  const kept = body[encoding]
  return kept ? reply.send(kept) : encoded(body, encoding).then((bytes) => reply.send(bytes))
}

/** Whoever has the answer has its other headers too (RFC 9110 section 15.4.5). */
function notModified(reply: FastifyReply): FastifyReply {
  for (const name of Object.keys(reply.getHeaders())) if (!headersOf304.has(name)) reply.removeHeader(name)
  return reply.code(304).send()
}

function has(known: string | undefined, tag: string): boolean {
  if (known === undefined) return false
  if (known === tag || known.trim() === '*') return true
  return known.split(',').some((one) => one.trim().replace(/^W\//, '') === tag)
}

/** The smaller one of those that an Accept-Encoding header allows. */
export function encodingOf(accepted: string | string[] | undefined): Encoding | undefined {
  const text = String(accepted ?? '')
  if (/\bbr\b/.test(text)) return 'br'
  return /\bgzip\b/.test(text) ? 'gzip' : undefined
}

/** With how much effort what changes is compressed. */
const QUICK = { br: 4, gzip: 6 }

async function encoded(body: Body, encoding: Encoding): Promise<Buffer> {
  const bytes = await compressed(body.plain, encoding, QUICK[encoding])
  body[encoding] = bytes
  return bytes
}

/** `effort` is brotli's quality (0 to 11) or gzip's level (0 to 9). */
export function compressed(plain: Buffer, encoding: Encoding, effort: number): Promise<Buffer> {
  if (encoding === 'gzip') return gzipped(plain, { level: effort })
  return brotli(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: effort } })
}
