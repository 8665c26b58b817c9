import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { LRUCache } from 'lru-cache'
import Negotiator from 'negotiator'

export type Encoding = 'br' | 'gzip'

/** The encodings of a response: `all`, or only gzip. */
export type Encodings = 'all' | 'gzip'

/** The types of negotiator do not have its option for encodings of equal quality. */
interface EncodingNegotiator {
  encoding(available: string[], options: { preferred: string[] }): string | undefined
}

const brotliAsync = promisify(brotliCompress)
const gzipAsync = promisify(gzip)

/** The smaller form first. */
const AVAILABLE = { all: ['br', 'gzip', 'identity'], gzip: ['gzip', 'identity'] }

/** The encodings of recent headers, because browsers send few different ones. The limit is in characters. */
const negotiated = new LRUCache<string, Encoding | 'identity'>({
  maxSize: 10_000,
  sizeCalculation: (_encoding, key) => key.length,
})

/** The encoding that an Accept-Encoding header prefers; undefined for the plain form (RFC 9110 section 12.5.3). */
export function preferredEncoding(
  acceptEncoding: string | string[] | undefined,
  encodings: Encodings = 'all',
): Encoding | undefined {
  if (acceptEncoding === undefined) return undefined
  const header = String(acceptEncoding)
  const key = `${encodings} ${header}`
  let encoding = negotiated.get(key)
  if (encoding === undefined) {
    encoding = negotiate(header, encodings)
    negotiated.set(key, encoding)
  }
  return encoding === 'identity' ? undefined : encoding
}

/** `effort` is brotli's quality (0 to 11) or gzip's level (0 to 9). */
export function compress(plain: Buffer, encoding: Encoding, effort: number): Promise<Buffer> {
  if (encoding === 'gzip') return gzipAsync(plain, { level: effort })
  return brotliAsync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: effort } })
}

function negotiate(header: string, encodings: Encodings): Encoding | 'identity' {
  const negotiator: EncodingNegotiator = new Negotiator({ headers: { 'accept-encoding': header } })
  const available = AVAILABLE[encodings]
  const preferred = negotiator.encoding(available, { preferred: available })
  return preferred === 'br' || preferred === 'gzip' ? preferred : 'identity'
}
