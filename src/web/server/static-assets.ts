import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { compress, type Encoding, preferredEncoding } from '../pages/compression/encodings.js'
import { STATIC_FILE_NOT_FOUND } from './errors/messages.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** the URL of a file in static/, with the fingerprint */
    asset(path: string): string
  }
}

const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}

/** Static files are compressed once per process. */
const EFFORT = 9

interface Asset {
  type: string
  plain: Buffer
  /** too small to compress, or compressed already */
  small: boolean
  /** compressed forms, by request */
  encoded: Partial<Record<Encoding, Promise<Buffer>>>
}

/** Serves static/ and more files from memory. The URL has a fingerprint of all files. A file is compressed at its first request. */
export function serveStaticAssets(
  app: FastifyInstance,
  { root, more }: { root: string; more: Map<string, Buffer> },
): void {
  const files = readAll(root)
  for (const [path, content] of more) files.set(path, assetOf(path, content))
  const hash = createHash('sha256')
  for (const [path, { plain }] of files) hash.update(path).update(plain)
  const prefix = `/static/${hash.digest('hex').slice(0, 12)}`
  app.decorate('asset', (path: string) => `${prefix}/${path}`)

  app.get<{ Params: { '*': string } }>(
    `${prefix}/*`,
    { config: { open: true, limit: 'free' } },
    async (request, reply) => {
      const file = files.get(request.params['*'])
      if (!file) return reply.code(404).type('text/plain; charset=utf-8').send(STATIC_FILE_NOT_FOUND)
      const encoding = file.small ? undefined : preferredEncoding(request.headers['accept-encoding'])
      reply
        .type(file.type)
        .header('cache-control', 'public, max-age=31536000, immutable')
        .header('vary', 'accept-encoding')
      if (!encoding) return reply.send(file.plain)
      file.encoded[encoding] ??= compress(file.plain, encoding, EFFORT)
      return reply.header('content-encoding', encoding).send(await file.encoded[encoding])
    },
  )
}

function readAll(root: string): Map<string, Asset> {
  const files = new Map<string, Asset>()
  for (const entry of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(root, entry)
    if (!types[extname(entry)] || !statSync(path).isFile()) continue
    files.set(relative(root, path).replaceAll('\\', '/'), assetOf(path, readFileSync(path)))
  }
  return files
}

function assetOf(path: string, plain: Buffer): Asset {
  const type = types[extname(path)] ?? ''
  const small = type.startsWith('font/') || type === 'image/png' || plain.length < 200
  return { type, plain, small, encoded: {} }
}
