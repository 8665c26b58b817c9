// `npm test`: builds, brings what the tests need, runs them all. Ends with `N passed, N failed`.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const needed = [
  ['redis-server', 'redis-server'],
  ['chromium', 'chromium'],
  ['curl', 'curl'],
  ['openssl', 'openssl'],
]

install(needed.filter(([command]) => !onPath(command)).map(([, name]) => name))
bringNewestNode()
if (run('npm', ['run', '--silent', 'build']) !== 0) process.exit(1)
// tap's TypeScript plugin needs a compiler API that TypeScript 7 lacks; on a fresh clone it is only left out after this
if (tap('build') !== 0) process.exit(1)
process.exit(tap('run', ...process.argv.slice(2)))

function tap(...args) {
  return run(process.execPath, [join('node_modules', 'tap', 'dist', 'esm', 'run.mjs'), ...args])
}

function install(packages) {
  if (packages.length === 0) return
  const words = packages.join(' ')
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    process.stderr.write(`The tests need ${words}. Install them, for example: sudo apt-get install ${words}\n`)
    process.exit(1)
  }
  process.stdout.write(`installing ${words}\n`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  run('apt-get', ['-qq', 'update'], env)
  if (run('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', ...packages], env) !== 0) process.exit(1)
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

function onPath(command) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function run(command, args, env = process.env) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', env })
  return status ?? 1
}
