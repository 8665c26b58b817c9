// Installs the Debian packages that a suite requires if run as root there; otherwise states what to install and exits with 1.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { npm } from './npm.mjs'

/** Names of the browser's program; CHROMIUM_PATH names one in another location. */
const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** `needed`: pairs of a command, or a module of Python as `python3:name`, and the Debian package that contains it. */
export function bring(needed) {
  const packages = needed.filter(([wanted]) => !isThere(wanted)).map(([, name]) => name)
  if (packages.length === 0) return
  const words = packages.join(' ')
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    process.stderr.write(`The tests require ${words}. Install them, for example: sudo apt-get install ${words}\n`)
    process.exit(1)
  }
  process.stderr.write(`installing ${words}\n`)
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, stdio: TO_ERRORS }
  run('apt-get', ['-qq', 'update'], options)
  if (run('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', ...packages], options) !== 0) process.exit(1)
}

/** The newest Node for production, in addition to the one that runs the tests; stored outside of package.json's tree. */
export function bringNewestNode() {
  const folder = join('node_modules', '.cache', 'newest-node')
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const node = join(folder, 'node_modules', name, 'bin', 'node')
  if (existsSync(node)) return node
  mkdirSync(folder, { recursive: true })
  const args = ['install', '--silent', '--no-audit', '--no-fund', '--no-package-lock', '--prefix', folder, `${name}@24`]
  if (npm(args, { stdio: 'inherit' }).status !== 0) process.exit(1)
  return node
}

/** A folder in the user's cache folder. `make` fills a folder and returns the one in it to store, or undefined if it
 * fails. It is created under another name first, so that an interrupted or concurrent run never leaves a partial folder. */
export function cached(name, make) {
  const cache =
    process.env.KEYCLOAK_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'maas-portal')
  const folder = join(cache, name)
  if (existsSync(folder)) return folder
  const made = join(cache, `making-${name}-${process.pid}`)
  mkdirSync(made, { recursive: true })
  process.stderr.write(`fetching ${name} into ${cache}\n`)
  const kept = make(made)
  if (kept === undefined) {
    rmSync(made, { recursive: true, force: true })
    process.stderr.write(`${name} could not be fetched.\n`)
    process.exit(1)
  }
  try {
    renameSync(kept, folder)
  } catch (error) {
    // A concurrent run was first.
    if (!existsSync(folder)) throw error
  }
  rmSync(made, { recursive: true, force: true })
  return folder
}

/** For `run`: no input, and all output to standard error, because this program's standard output is its result. */
export const TO_ERRORS = ['ignore', 2, 2]

/** Its exit code; its output goes to that of this program. */
export function run(command, args, { env = process.env, cwd, stdio = 'inherit' } = {}) {
  const { status } = spawnSync(command, args, { stdio, env, cwd })
  return status ?? 1
}

function isThere(wanted) {
  const module = /^python3:(.+)$/.exec(wanted)?.[1]
  if (wanted === 'chromium') return Boolean(process.env.CHROMIUM_PATH) || CHROMIUM.some(onPath)
  if (module === undefined) return onPath(wanted)
  return spawnSync('python3', ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0
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
