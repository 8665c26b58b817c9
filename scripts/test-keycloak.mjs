// `npm run test:keycloak`: fetches Keycloak once, imports deploy/keycloak/realm.json into a new server and runs the walks
// in Chromium. Ends with `N passed, N failed`.
import { chmodSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { npm } from './npm.mjs'
import { bring, cached, run } from './packages.mjs'
import { runTests } from './run-tests.mjs'

// One exact version: minor versions of 26 differ in their pages.
const VERSION = '26.7.3'
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1'

bring([
  ['java', 'default-jre-headless'],
  ['mvn', 'maven'],
  ['redis-server', 'redis-server'],
  ['chromium', 'chromium'],
  ['curl', 'curl'],
])
if (npm(['run', '--silent', 'build'], { stdio: 'inherit' }).status !== 0) process.exit(1)
const home = cached(`keycloak-${VERSION}`, makeKeycloak)
const folder = join('dist', 'test', 'keycloak')
const walks = readdirSync(folder).filter((name) => name.endsWith('.walk.js'))
await runTests(
  walks.map((walk) => join(folder, walk)),
  { env: { KEYCLOAK_HOME: home }, timeout: 900 },
)

/** The unpacked and built server; undefined if a step fails. */
function makeKeycloak(made) {
  const artifact = `org.keycloak:keycloak-quarkus-dist:${VERSION}:zip`
  const unpack = ['-B', '-q', `${PLUGIN}:unpack`, `-Dartifact=${artifact}`, `-DoutputDirectory=${made}`]
  // Without a project, the plugin leaves marker files in its working directory.
  const there = { cwd: made }
  if (run('mvn', unpack, there) !== 0 && run('mvn', unpack, there) !== 0) return undefined
  const server = join(made, `keycloak-${VERSION}`)
  const script = join(server, 'bin', 'kc.sh')
  chmodSync(script, 0o755)
  return run(script, ['build', '--db=dev-file', '--health-enabled=true']) === 0 ? server : undefined
}
