// Brings what a suite needs from Debian's packages when root there; otherwise says what to install and ends with 1.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** `needed`: pairs of a command, or a module of Debian's Python as `python3:name`, and the Debian package that brings it. */
export function bring(needed) {
  const packages = needed.filter(([wanted]) => !isThere(wanted)).map(([, name]) => name)
  if (packages.length === 0) return
  const words = packages.join(' ')
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    process.stderr.write(`The tests need ${words}. Install them, for example: sudo apt-get install ${words}\n`)
    process.exit(1)
  }
  process.stdout.write(`installing ${words}\n`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  run('apt-get', ['-qq', 'update'], { env })
  if (run('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', ...packages], { env }) !== 0) process.exit(1)
}

/** Its exit code; what it prints goes where ours goes. */
export function run(command, args, { env = process.env, cwd } = {}) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', env, cwd })
  return status ?? 1
}

function isThere(wanted) {
  const module = /^python3:(.+)$/.exec(wanted)?.[1]
  if (module === undefined) return onPath(wanted)
  return spawnSync('/usr/bin/python3', ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0
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
