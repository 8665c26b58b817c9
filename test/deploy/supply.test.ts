import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Spec, Validation } from '@cyclonedx/cyclonedx-library'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'

interface Component {
  name: string
  version?: string
  purl?: string
  hashes: { alg: string; content: string }[]
  licenses: { license?: { id?: string }; expression?: string }[]
}

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8')
const bom = JSON.parse(read('dist/sbom.cdx.json')) as { metadata: { component: object }; components: Component[] }
const lock = JSON.parse(read('package-lock.json')) as {
  packages: Record<
    string,
    { version: string; dev?: boolean; integrity: string; resolved?: string; hasInstallScript?: boolean }
  >
}
const packages = Object.entries(lock.packages).filter(([path]) => path !== '')
const nameOf = (path: string) => path.split('node_modules/').pop() ?? ''

/** Licences that allow distribution with Apache-2.0 code, with no obligation except to include the text. */
const free = [
  ...['MIT', 'MIT-0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'PSF-2.0'],
  ...['Python-2.0', 'OFL-1.1', '(MIT OR CC0-1.0)'],
]

t.test('the bill of materials is valid CycloneDX and lists every production package with its hash', async (t) => {
  t.equal(await new Validation.JsonStrictValidator(Spec.Version.v1dot5).validate(JSON.stringify(bom)), null)
  t.match(bom.metadata.component, { type: 'application', name: 'maas-portal' })
  const listed = new Map(bom.components.map((each) => [`${each.name} ${each.version ?? ''}`, each]))
  const production = packages.filter(([, { dev }]) => !dev)
  t.ok(production.length > 100)
  for (const [path, { version, integrity }] of production) {
    const component = listed.get(`${nameOf(path)} ${version}`)
    const sha512 = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex')
    t.equal(component?.hashes[0]?.content, sha512, path)
  }
  for (const name of ['tap', 'typescript', 'playwright-core', 'openai'])
    t.notOk(
      bom.components.some((each) => each.name === name),
      `${name} is for development`,
    )
})

t.test('it lists the fonts as files, and the libraries that the browser loads', async (t) => {
  for (const name of ['RedHatTextVF', 'RedHatDisplay-Medium', 'RedHatMono-Regular']) {
    const font = bom.components.find((each) => each.name === `static/fonts/${name}.woff2`)
    const content = createHash('sha512')
      .update(readFileSync(join(projectRoot, 'static', 'fonts', `${name}.woff2`)))
      .digest('hex')
    t.match(font, { hashes: [{ alg: 'SHA-512', content }], licenses: [{ license: { id: 'OFL-1.1' } }] })
  }
  for (const name of ['@patternfly/patternfly', 'uplot', 'highlight.js'])
    t.ok(
      bom.components.some((each) => each.name === name),
      name,
    )
})

t.test('every licence is known and permissive, and its text is in the list', async (t) => {
  const list = read('dist/licences.txt')
  for (const { name, version, licenses } of bom.components) {
    const ids = licenses.map(({ license, expression }) => expression ?? license?.id ?? 'unknown')
    t.ok(ids.length > 0 && ids.every((id) => free.includes(id)), `${name}: ${ids}`)
    t.match(list, `${name}${version ? ` ${version}` : ''}: ${ids.join(', ')}`)
  }
  for (const words of [
    'SIL OPEN FONT LICENSE Version 1.1',
    'Copyright 2024 The Red Hat Project Authors',
    'Leon Sorokin',
  ])
    t.match(list, words)
})

t.test('the lockfile pins every package by hash, from the registry, and none runs code at installation', async (t) => {
  for (const [path, { integrity, resolved, hasInstallScript }] of packages) {
    t.match(integrity, /^sha512-/, path)
    if (resolved) t.match(resolved, /^https:\/\/registry\.npmjs\.org\//, path)
    t.notOk(hasInstallScript, `${path} has an install script`)
  }
  t.match(read('.npmrc'), 'strict-allow-scripts=true')
  for (const [line] of read('deploy/Containerfile').matchAll(/^.*npm ci.*$/gm)) t.match(line, '--ignore-scripts')
  t.match(read('.ci/run'), 'npm run audit')
})

/** A registry that has only a list of vulnerabilities. */
async function registry(answer: (response: ServerResponse) => void) {
  const server = createServer((request, response) => {
    request.resume()
    if (request.url?.includes('/advisories/bulk')) answer(response)
    else response.writeHead(404, { 'content-type': 'application/json' }).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close: () => void server.close() }
}

async function audit(url: string, env: Record<string, string> = {}) {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, ['scripts/audit.mjs'], {
    cwd: projectRoot,
    env: { PATH, HOME, npm_config_registry: url, npm_config_fetch_retries: '0', ...env },
  })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  const [code] = await once(child, 'close')
  return { code, output }
}

t.test('the audit fails for a vulnerability, and reports a registry without a list', async (t) => {
  const json = (value: object) => (response: ServerResponse) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  const clean = await registry(json({}))
  const flawed = await registry(
    json({
      fastify: [
        { id: 1, url: 'https://example.com/1', title: 'It leaks', severity: 'high', vulnerable_versions: '>=0.0.0' },
      ],
    }),
  )
  const none = await registry((response) => void response.writeHead(405).end())
  t.teardown(() => [clean, flawed, none].forEach(({ close }) => void close()))

  t.match(await audit(clean.url), { code: 0, output: /^audited \d+ packages of production: 0 vulnerabilities$/m })
  t.match(await audit(flawed.url), { code: 1, output: /^high: fastify .*It leaks/m })
  t.match(await audit(none.url), { code: 0, output: /^NOT AUDITED: the registry gives no list .*405/ })
  t.match(await audit(none.url, { AUDIT: 'required' }), { code: 1, output: /^NOT AUDITED/ })
})

t.test('the licence of the fonts is served in the same folder', async (t) => {
  t.ok(existsSync(join(projectRoot, 'static', 'OFL.txt')))
  t.match(read('static/OFL.txt'), 'SIL OPEN FONT LICENSE')
})
