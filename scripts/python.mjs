// Virtual environments with the Python packages that tests run, in the user's cache folder: created once for each list of
// packages and each Python. `node scripts/python.mjs LIST` prints the interpreter of test/snippets/packages/LIST.txt.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bring, cached, run, TO_ERRORS } from './packages.mjs'

const lists = join(import.meta.dirname, '..', 'test', 'snippets', 'packages')

/** Every list in the folder. */
export function bringPythonPackages() {
  for (const file of readdirSync(lists).filter((name) => name.endsWith('.txt'))) pythonWith(join(lists, file))
}

/** An interpreter with exactly the packages of a list, whose wheels must have the digests in the list. */
export function pythonWith(list) {
  // Debian's Python lacks the module that installs pip into a virtual environment.
  bring([
    ['python3', 'python3'],
    ['python3:ensurepip', 'python3-venv'],
  ])
  const text = readFileSync(list, 'utf8')
  const python = spawnSync('python3', ['-c', 'import sys; print(sys.version, sys.base_prefix)'], { encoding: 'utf8' })
  const digest = createHash('sha256').update(`${text}\n${python.stdout}`).digest('hex').slice(0, 16)
  const interpreter = join('bin', 'python3')
  const home = cached(`python-${basename(list, '.txt')}-${digest}`, (folder) => {
    const made = join(folder, 'venv')
    const install = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--require-hashes',
      '--only-binary=:all:',
      '--no-deps',
      '-r',
      list,
    ]
    const isMade =
      run('python3', ['-m', 'venv', made], { stdio: TO_ERRORS }) === 0 &&
      run(join(made, interpreter), install, { stdio: TO_ERRORS }) === 0
    return isMade ? made : undefined
  })
  return join(home, interpreter)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name = ''] = process.argv.slice(2)
  process.stdout.write(`${pythonWith(join(lists, `${name}.txt`))}\n`)
}
