// Removes from dist/src and dist/test the output of deleted source files: tests read these folders.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
for (const folder of ['src', 'test']) {
  const compiled = join(root, 'dist', folder)
  if (!existsSync(compiled)) continue
  for (const file of readdirSync(compiled, { recursive: true })) {
    const source = join(root, folder, file.replace(/\.js(\.map)?$/, '.ts'))
    if (/\.js(\.map)?$/.test(file) && !existsSync(source)) rmSync(join(compiled, file))
  }
}
