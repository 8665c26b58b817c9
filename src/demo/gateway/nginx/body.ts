import type { ByteReader } from './byte-reader.js'
import { pages, type Refusal } from './error-pages.js'
import { allOf, type Head } from './head.js'

const CHUNK_LINE_BYTES = 4096

/**
 * The whole body: nginx buffers it before it asks the model server. `isFramed`: the client said how long it is, be it 0.
 * Undefined: the client closed the connection.
 */
export async function readBody(
  { headers, version }: Head,
  bytes: ByteReader,
  sendContinue: () => void,
): Promise<{ body: Buffer; isFramed: boolean } | Refusal | undefined> {
  const [length] = allOf(headers, 'content-length')
  const [coding] = allOf(headers, 'transfer-encoding')
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked') return pages.notImplemented
    if (length !== undefined || version === '1.0') return pages.badRequest
  }
  if (length !== undefined && !/^\d+$/.test(length)) return pages.badRequest
  if (length === undefined && coding === undefined) return { body: Buffer.alloc(0), isFramed: false }
  if (allOf(headers, 'expect')[0]?.toLowerCase() === '100-continue') sendContinue()
  const body = coding === undefined ? await bytes.exactly(Number(length)) : await chunked(bytes)
  return Buffer.isBuffer(body) ? { body, isFramed: true } : body
}

async function chunked(bytes: ByteReader): Promise<Buffer | Refusal | undefined> {
  const chunks: Buffer[] = []
  for (;;) {
    const line = await bytes.line(CHUNK_LINE_BYTES)
    if (line === undefined) return undefined
    const [, hex] = /^([0-9a-f]{1,8})\s*(;.*)?$/i.exec(line) ?? []
    if (hex === undefined) return pages.badRequest
    const size = Number.parseInt(hex, 16)
    if (size === 0) break
    const chunk = await bytes.exactly(size)
    if (!chunk) return undefined
    chunks.push(chunk)
    if ((await bytes.line(CHUNK_LINE_BYTES)) !== '') return pages.badRequest
  }
  // trailers are read and dropped
  for (let line = await bytes.line(CHUNK_LINE_BYTES); line !== ''; line = await bytes.line(CHUNK_LINE_BYTES))
    if (line === undefined) return undefined
  return Buffer.concat(chunks)
}
