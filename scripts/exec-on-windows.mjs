// The scripts start and demo of package.json begin with `exec`, so that signals to npm reach the program and not a shell that
// waits for it. cmd on Windows has no such command: this script writes one where npm looks for programs. Usage: node
// scripts/exec-on-windows.mjs [platform]
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [platform = process.platform] = process.argv.slice(2)
if (platform === 'win32') {
  const folder = join(import.meta.dirname, '..', 'node_modules', '.bin')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'exec.cmd'), '@%*\r\n')
}
