// `npm run test:clients`: generates clients from the OpenAPI document of a running portal and runs them, and checks the portal
// against its document. Ends with `N passed, N failed`.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bring, bringNewestNode, cached, run } from './packages.mjs'
import { runTests } from './run-tests.mjs'

const GENERATOR = 'org.openapitools:openapi-generator-cli:7.23.0'
const MAVEN_COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'
const generated = join('test', 'generated')

bring([
  ['javac', 'default-jdk-headless'],
  ['mvn', 'maven'],
  ['python3', 'python3'],
])
bringVenv()
needGo()
if (run('npm', ['run', '--silent', 'build']) !== 0) process.exit(1)
const tools = {
  CLIENTS_NODE: resolve(bringNewestNode()),
  CLIENTS_GENERATOR: join(cached(GENERATOR.replaceAll(':', '-'), bringGenerator), 'openapi-generator-cli-7.23.0.jar'),
  CLIENTS_PACKAGES: cachedFor('typescript', 'package-lock.json', bringPackages),
  CLIENTS_PYTHON: cachedFor('python', 'requirements.txt', bringPython),
  CLIENTS_SCHEMATHESIS: cachedFor('schemathesis', 'requirements.txt', bringPython),
}
const folder = join('dist', generated)
const [wanted = ''] = process.argv.slice(2)
const walks = readdirSync(folder).filter((name) => name.endsWith('.walk.js') && name.startsWith(wanted))
if (walks.length === 0) end(`No test file has a name that starts with ${wanted}.`)
await runTests(
  walks.map((walk) => join(folder, walk)),
  { env: tools, jobs: 2, timeout: 900 },
)

/** A folder created from a list of exact versions, under a name that depends on the list and on the Python in use. */
function cachedFor(folder, list, make) {
  const path = join(generated, folder, list)
  const hash = createHash('sha256').update(readFileSync(path)).update(pythonVersion()).digest('hex').slice(0, 12)
  return cached(`clients-${folder}-${hash}`, (made) => (make(made, path) ? made : undefined))
}

function bringGenerator(made) {
  const copy = ['-B', '-q', MAVEN_COPY, `-Dartifact=${GENERATOR}`, `-DoutputDirectory=${made}`]
  return run('mvn', copy, { cwd: made }) === 0 ? made : undefined
}

function bringPackages(made, lock) {
  copyFileSync(lock, join(made, 'package-lock.json'))
  copyFileSync(join(lock, '..', 'package.json'), join(made, 'package.json'))
  return run('npm', ['ci', '--silent', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: made }) === 0
}

function bringPython(made, list) {
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', list]
  return run('python3', ['-m', 'venv', made]) === 0 && run(join(made, 'bin', 'python'), install) === 0
}

function pythonVersion() {
  return spawnSync('python3', ['--version'], { encoding: 'utf8' }).stdout
}

/** Debian's Python lacks `ensurepip`. */
function bringVenv() {
  const there = () => spawnSync('python3', ['-c', 'import ensurepip, venv'], { stdio: 'ignore' }).status === 0
  if (!there()) bring([['python3 -m venv', 'python3-venv']])
  if (!there()) end('The tests require Python 3.10 or later with the module venv.')
}

/** From 1.21 on, Go downloads the newer version that generated code requires. */
function needGo() {
  const [, minor = '0'] = /go1\.(\d+)/.exec(spawnSync('go', ['version'], { encoding: 'utf8' }).stdout ?? '') ?? []
  if (Number(minor) < 21) end('The tests require Go 1.21 or later. Install it from https://go.dev/dl/.')
}

function end(sentence) {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}
