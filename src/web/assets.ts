import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { compressed, type Encoding, encodingOf } from './body.js'

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

/** They are made once for every start. */
const EFFORT = 9

interface Asset {
  type: string
  plain: Buffer
  /** not worth compressing */
  small: boolean
  /** the forms that were asked for */
  encoded: Partial<Record<Encoding, Promise<Buffer>>>
}

/**
 * Everything in static/, read once and compressed when it is first asked for, under one fingerprint that is a piece of the
 * path.
 */
export function assets(app: FastifyInstance, { root }: { root: string }): void {
  const files = readAll(root)
  const hash = createHash('sha256')
  for (const [path, { plain }] of files) hash.update(path).update(plain)
  const prefix = `/static/${hash.digest('hex').slice(0, 12)}`
  app.decorate('asset', (path: string) => `${prefix}/${path}`)

  app.get<{ Params: { '*': string } }>(
    `${prefix}/*`,
    { config: { open: true, limit: 'free' } },
    async (request, reply) => {
      const file = files.get(request.params['*'])
      if (!file) return reply.code(404).type('text/plain; charset=utf-8').send('There is no such file.')
      const encoding = file.small ? undefined : encodingOf(request.headers['accept-encoding'])
      reply
        .type(file.type)
        .header('cache-control', 'public, max-age=31536000, immutable')
        .header('vary', 'accept-encoding')
      if (!encoding) return reply.send(file.plain)
      file.encoded[encoding] ??= compressed(file.plain, encoding, EFFORT)
      return reply.header('content-encoding', encoding).send(await file.encoded[encoding])
    },
  )
}

function readAll(root: string): Map<string, Asset> {
  const files = new Map<string, Asset>()
  for (const entry of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(root, entry)
    const type = types[extname(entry)]
    if (!type || !statSync(path).isFile()) continue
    const plain = readFileSync(path)
    const small = type.startsWith('font/') || plain.length < 200
    files.set(relative(root, path).replaceAll('\\', '/'), { type, plain, small, encoded: {} })
  }
  return files
}
