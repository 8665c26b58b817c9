// npm for scripts. On Windows `npm` is a command file that spawn() does not find, so its program is run by this Node.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Runs npm with these arguments; as spawnSync. */
export function npm(args, options = {}) {
  return spawnSync(process.execPath, [program(), ...args], options)
}

/** The npm that started this script, otherwise the one that is included with this Node. */
function program() {
  const { npm_execpath: own = '' } = process.env
  // Other package managers set the variable too.
  if (basename(own) === 'npm-cli.js') return own
  const folder = dirname(process.execPath)
  const beside = [folder, join(folder, '..', 'lib')].map((place) => join(place, 'node_modules/npm/bin/npm-cli.js'))
  const found = beside.find((file) => existsSync(file))
  if (!found) throw new Error('npm is not installed with this Node. Run the script with "npm run".')
  return found
}
