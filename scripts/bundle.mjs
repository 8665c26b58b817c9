// Bundles the program into dist/bin/maas-portal.js and a few other files: Node.js reads these in a third of the time of 1,600
// small ones, which is most of the startup time. The worker thread has a separate file, so that each loads only its own code.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')
const dir = join(root, 'dist', 'bin')

/** Not bundled: rarely loaded, or, like pino, dependent on the location of its own files. */
const outside = /^(node:|pino|@opentelemetry\/(exporter|resources|sdk)|oidc-provider)/

rmSync(dir, { recursive: true, force: true })
mkdirSync(dir)
/** The imports of all written files. */
const imports = new Set()
await write('maas-portal', 'main.js')
await write('document-worker', 'composition/documents/worker.js')
// Read by scripts/runtime-packages.mjs.
const external = [...imports].filter((id) => outside.test(id) && !id.startsWith('node:')).sort()
writeFileSync(join(root, 'dist', 'external.json'), `${JSON.stringify(external)}\n`)

async function write(name, source) {
  const bundle = await rolldown({
    input: { [name]: join(root, 'dist', 'src', source) },
    platform: 'node',
    external: (id) => outside.test(id),
  })
  const { output } = await bundle.generate({
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    // V8 keeps the source in memory, in two bytes a character if one is outside of Latin-1.
    charset: 'ascii',
    comments: { legal: true, annotation: false, jsdoc: false },
  })
  for (const { fileName, code, imports: eager, dynamicImports: lazy } of output) {
    for (const id of [...eager, ...lazy]) imports.add(id)
    const path = join(dir, fileName)
    if (existsSync(path)) throw new Error(`${fileName} is part of both programs`)
    writeFileSync(path, code)
  }
}
