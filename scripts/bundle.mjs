// Writes dist/bin/maas-portal.js, the program with what it is made of in a few files: Node reads these in a third of the time
// that it needs for 1,600 small ones, which is most of a start. The program of its thread is a file of its own beside it, so that
// neither loads what only the other one needs.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')
const dir = join(root, 'dist', 'bin')

/** Loaded seldom or never by a portal, or not to be moved: pino's transports are files that a worker starts. */
const outside = /^(node:|pino|@opentelemetry\/(exporter|resources|sdk)|oidc-provider|koa-body)/

rmSync(dir, { recursive: true, force: true })
mkdirSync(dir)
await write('maas-portal', 'cli.js')
await write('document-worker', 'assembly/documents/worker.js')

async function write(name, source) {
  const bundle = await rolldown({
    input: { [name]: join(root, 'dist', 'src', source) },
    platform: 'node',
    external: (id) => outside.test(id),
  })
  const { output } = await bundle.generate({ format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name].js' })
  for (const { fileName, code } of output) {
    const path = join(dir, fileName)
    if (existsSync(path)) throw new Error(`${fileName} is a part of both programs`)
    writeFileSync(path, ascii(code))
  }
}

/** One character beyond Latin-1 makes V8 keep the whole text of a file in two bytes a character. */
function ascii(code) {
  if (/String\.raw`[^`]*[^\0-\x7f]/.test(code))
    throw new Error('String.raw with more than ASCII would mean something else')
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
