// `npm run test:keycloak`: fetches Keycloak once, imports deploy/keycloak/realm.json into a fresh server and walks through
// it in Chromium. Ends with `N passed, N failed`.
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { bring, run } from './packages.mjs'
import Summary from './tap-summary.mjs'

// one exact version: minor versions of 26 differ in what the walk sees
const VERSION = '26.7.3'
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1'

bring([
  ['java', 'default-jre-headless'],
  ['mvn', 'maven'],
  ['redis-server', 'redis-server'],
  ['chromium', 'chromium'],
  ['curl', 'curl'],
])
if (run('npm', ['run', '--silent', 'build']) !== 0) process.exit(1)
const home = keycloakHome()
for (const walk of readdirSync(join('dist', 'test', 'keycloak')).filter((name) => name.endsWith('.walk.js'))) {
  await runWalk(join('dist', 'test', 'keycloak', walk))
}

/** The unpacked and built server, kept beside the user's other caches. Made under another name first, so that a run that
 * was cut off, or a second run beside this one, never leaves half of it. */
function keycloakHome() {
  const cache =
    process.env.KEYCLOAK_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'maas-portal')
  const home = join(cache, `keycloak-${VERSION}`)
  if (existsSync(home)) return home
  const made = join(cache, `making-${process.pid}`)
  mkdirSync(made, { recursive: true })
  process.stdout.write(`fetching Keycloak ${VERSION} into ${cache}\n`)
  const artifact = `org.keycloak:keycloak-quarkus-dist:${VERSION}:zip`
  const unpack = ['-B', '-q', `${PLUGIN}:unpack`, `-Dartifact=${artifact}`, `-DoutputDirectory=${made}`]
  // where there is no project, the plugin leaves its marks in the folder that it is run in
  const there = { cwd: made }
  if (run('mvn', unpack, there) !== 0 && run('mvn', unpack, there) !== 0)
    giveUp(made, 'Keycloak could not be fetched with mvn.')
  const server = join(made, `keycloak-${VERSION}`)
  chmodSync(join(server, 'bin', 'kc.sh'), 0o755)
  const options = ['build', '--db=dev-file', '--health-enabled=true']
  if (run(join(server, 'bin', 'kc.sh'), options) !== 0) giveUp(made, 'Keycloak could not be built.')
  try {
    renameSync(server, home)
  } catch (error) {
    // the run beside this one was first
    if (!existsSync(home)) throw error
  }
  rmSync(made, { recursive: true, force: true })
  return home
}

function giveUp(made, sentence) {
  rmSync(made, { recursive: true, force: true })
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}

function runWalk(file) {
  return new Promise((resolve) => {
    const env = { ...process.env, KEYCLOAK_HOME: home, TAP_TIMEOUT: '900' }
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'], env })
    child.stdout.pipe(new Summary()).pipe(process.stdout, { end: false })
    child.on('close', (code) => {
      if (code !== 0) process.exitCode = 1
      resolve()
    })
  })
}
