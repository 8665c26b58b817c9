import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { FastifyInstance, FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyInstance {
    /** the address of a file below static/, with the fingerprint of all of them */
    asset(path: string): string
  }
}

const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}

interface Asset {
  type: string
  plain: Buffer
  gzip?: Buffer
  brotli?: Buffer
}

/** Everything in static/, read and compressed once, under one fingerprint that is a piece of the path. */
export function assets(app: FastifyInstance, { root }: { root: string }): void {
  const files = readAll(root)
  const hash = createHash('sha256')
  for (const [path, { plain }] of files) hash.update(path).update(plain)
  const prefix = `/static/${hash.digest('hex').slice(0, 12)}`
  app.decorate('asset', (path: string) => `${prefix}/${path}`)

  app.get<{ Params: { '*': string } }>(`${prefix}/*`, { config: { open: true } }, async (request, reply) => {
    const file = files.get(request.params['*'])
    if (!file) return reply.code(404).type('text/plain; charset=utf-8').send('There is no such file.')
    const encoding = encodingFor(request, file)
    reply
      .type(file.type)
      .header('cache-control', 'public, max-age=31536000, immutable')
      .header('vary', 'accept-encoding')
    if (encoding === 'br') return reply.header('content-encoding', 'br').send(file.brotli)
    if (encoding === 'gzip') return reply.header('content-encoding', 'gzip').send(file.gzip)
    return reply.send(file.plain)
  })
}

function readAll(root: string): Map<string, Asset> {
  const files = new Map<string, Asset>()
  for (const entry of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(root, entry)
    const type = types[extname(entry)]
    if (!type || !statSync(path).isFile()) continue
    const plain = readFileSync(path)
    const small = type.startsWith('font/') || plain.length < 200
    files.set(
      relative(root, path).replaceAll('\\', '/'),
      small ? { type, plain } : { type, plain, ...compressed(plain) },
    )
  }
  return files
}

function compressed(plain: Buffer) {
  return {
    gzip: gzipSync(plain, { level: 9 }),
    brotli: brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  }
}

function encodingFor(request: FastifyRequest, file: Asset): 'br' | 'gzip' | undefined {
  const accepted = String(request.headers['accept-encoding'] ?? '')
  if (file.brotli && /\bbr\b/.test(accepted)) return 'br'
  if (file.gzip && /\bgzip\b/.test(accepted)) return 'gzip'
  return undefined
}
