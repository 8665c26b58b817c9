import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { FastifyReply } from 'fastify'
import { LRUCache } from 'lru-cache'

const brotli = promisify(brotliCompress)
const gzipped = promisify(gzip)
/** bytes of compressed pages kept in memory */
const KEPT_BYTES = 8_000_000

/**
 * How a page leaves: with an entity tag, so that a page that did not change costs a 304, and compressed once for as long as
 * it stays the same. Pages are private: the tag is only ever compared by the browser that has the page.
 */
export function createHtmlSender() {
  const kept = new LRUCache<string, Buffer>({ maxSize: KEPT_BYTES, sizeCalculation: (body) => body.length })

  return async (reply: FastifyReply, html: string): Promise<FastifyReply> => {
    const body = Buffer.from(html)
    // a page that shows a secret is `no-store`; it is not compressed either, so its length tells nothing (BREACH)
    if (reply.getHeader('cache-control') === 'no-store') return reply.send(body)
    const tag = `"${createHash('sha1').update(body).digest('base64url')}"`
    const { method, headers } = reply.request
    if (reply.statusCode === 200 && method === 'GET') {
      reply.header('etag', tag)
      if (headers['if-none-match'] === tag) return reply.code(304).send()
    }
    const encoding = encodingOf(String(headers['accept-encoding'] ?? ''))
    if (!encoding) return reply.send(body)
    const key = `${encoding}${tag}`
    const compressed = kept.get(key) ?? (await compress(body, encoding))
    kept.set(key, compressed)
    return reply.header('content-encoding', encoding).send(compressed)
  }
}

function encodingOf(accepted: string): 'br' | 'gzip' | undefined {
  if (/\bbr\b/.test(accepted)) return 'br'
  return /\bgzip\b/.test(accepted) ? 'gzip' : undefined
}

function compress(body: Buffer, encoding: 'br' | 'gzip'): Promise<Buffer> {
  return encoding === 'br'
    ? brotli(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })
    : gzipped(body, { level: 6 })
}
