// `npm test` and its suites: installs the packages that the tests require, builds and runs them. The last line is `N passed, N failed`.
//   node scripts/test.mjs             every test but those of `load`, `deploy` and `snippets`
//   node scripts/test.mjs unit        the tests that start no process, measure no load and try no random input
//   node scripts/test.mjs load        the tests that measure load or memory, one at a time
//   node scripts/test.mjs deploy      manifests, charts, images and packages, with the tools that read them
//   node scripts/test.mjs snippets    the sample code, run with its languages and clients
//   node scripts/test.mjs file NAME   each file whose path contains one of the names
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'
import { kubernetesTools } from './kubernetes-tools.mjs'
import { npm } from './npm.mjs'
import { bring, bringNewestNode } from './packages.mjs'
import { bringPythonPackages } from './python.mjs'
import { measures, runTests, runTogether } from './run-tests.mjs'

const root = join('dist', 'test')
const [suite = 'all', ...names] = process.argv.slice(2)
const suites = {
  all: isInNoSuite,
  unit: (file) => !measures(file) && !isFuzz(file) && startsNoProcess(file),
  load: measures,
  deploy: isOf('deploy'),
  snippets: isOf('walks/snippets'),
  file: isNamed,
}
const belongs = suites[suite]
if (!belongs || (suite === 'file' && names.length === 0))
  end('Usage: npm run test:file -- NAME, for example walks/applications/keys')

if (suite !== 'unit') install()
// Unit tests use no style sheet or bundle, and those of the installation exist.
const build = suite === 'unit' ? 'compile' : 'build'
if (npm(['run', '--silent', build], { stdio: 'inherit' }).status !== 0) process.exit(1)
const files = readdirSync('test', { recursive: true })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => join(root, file.replace(/ts$/, 'js')))
  .filter((file) => belongs(file))
if (files.length === 0) end(`No test file has a path that contains ${names.join(' or ')}.`)
// A file that is named is run as `node FILE` runs it.
const together = suite === 'unit' || suite === 'all' ? files.filter(suites.unit) : []
if (together.length > 0) await runTogether(together)
const others = files.filter((file) => !together.includes(file))
if (others.length > 0) await runTests(others)

function install() {
  bring([
    ['redis-server', 'redis-server'],
    ['chromium', 'chromium'],
    ['curl', 'curl'],
    ['jq', 'jq'],
    ['openssl', 'openssl'],
  ])
  bringNewestNode()
  if (suite !== 'deploy') bringPythonPackages()
  kubernetesTools()
}

function isOf(folder) {
  return (file) => file.startsWith(join(root, ...folder.split('/')) + sep)
}

function isFuzz(file) {
  return basename(file).startsWith('fuzz-')
}

function isInNoSuite(file) {
  return !suites.load(file) && !suites.deploy(file) && !suites.snippets(file)
}

function isNamed(file) {
  const path = file.replaceAll(sep, '/').replace(/\.js$/, '.ts')
  return names.some((name) => path.includes(name.replace(/^(dist\/)?test\//, '').replace(/\.js$/, '.ts')))
}

/** Whether no file that it imports from `test` starts a process. */
function startsNoProcess(file, seen = new Set()) {
  if (seen.has(file)) return true
  seen.add(file)
  const imports = [...readFileSync(file, 'utf8').matchAll(/(?:from|import) '([^']+)'/g)].map(([, id]) => id)
  return imports.every((id) => {
    if (!id.startsWith('.')) return id !== 'node:child_process' && id !== 'playwright-core'
    const path = join(dirname(file), id)
    return !path.startsWith(root + sep) || !existsSync(path) || startsNoProcess(path, seen)
  })
}

function end(sentence) {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}
