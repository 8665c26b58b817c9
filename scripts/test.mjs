// `npm test`: builds, brings what the tests need, runs them all. Ends with `N passed, N failed`.
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { bring, run } from './packages.mjs'

bring([
  ['redis-server', 'redis-server'],
  ['chromium', 'chromium'],
  ['curl', 'curl'],
  ['openssl', 'openssl'],
  // for Debian's Python, whatever other Python is first on the path
  ['python3:requests', 'python3-requests'],
  ['python3:nbformat', 'python3-nbformat'],
])
bringNewestNode()
if (run('npm', ['run', '--silent', 'build']) !== 0) process.exit(1)
// tap's TypeScript plugin needs a compiler API that TypeScript 7 lacks; on a fresh clone it is only left out after this
if (tap('build') !== 0) process.exit(1)
process.exit(tap('run', ...process.argv.slice(2)))

function tap(...args) {
  return run(process.execPath, [join('node_modules', 'tap', 'dist', 'esm', 'run.mjs'), ...args])
}

/** The newest Node that production runs on, beside the one that runs the tests; kept outside of package.json's tree. */
function bringNewestNode() {
  const folder = join('node_modules', '.cache', 'newest-node')
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  if (existsSync(join(folder, 'node_modules', name, 'bin', 'node'))) return
  mkdirSync(folder, { recursive: true })
  const args = ['install', '--silent', '--no-audit', '--no-fund', '--no-package-lock', '--prefix', folder, `${name}@24`]
  if (run('npm', args) !== 0) process.exit(1)
}
