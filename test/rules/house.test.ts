import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import { buildPortal } from '../../src/app.js'
import { demoEnvironment } from '../../src/cli/demo-settings.js'
import { apiDocument, portalConfigSchema } from '../../src/cli/openapi.js'
import { loadConfig } from '../../src/config/environment.js'
import { errorCodes } from '../../src/errors.js'
import { findingTypes } from '../../src/features/doctor/findings/findings.js'
import { projectRoot } from '../../src/project-root.js'
import { auditEvents } from '../../src/web/audit/audit-event.js'

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8')
const filesBelow = (folder: string, ending: string) =>
  readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(folder, path))
const sources = filesBelow('src', '.ts')

/** Maps a folder or file of src to the folders and files that it may import. */
const allowed: Record<string, string[]> = {
  'main.ts': ['cli', 'version.ts'],
  cli: ['app.ts', 'clients', 'config', 'demo', 'infra', 'errors.ts', 'project-root.ts'],
  'app.ts': ['composition', 'config', 'features', 'infra', 'web', 'project-root.ts', 'version.ts'],
  composition: [
    'clients',
    'config',
    'errors.ts',
    'features',
    'idempotency',
    'infra',
    'model-calls',
    'project-root.ts',
    'version.ts',
    'web',
  ],
  features: ['clients', 'config', 'errors.ts', 'idempotency', 'infra', 'model-calls', 'policies.ts', 'web'],
  idempotency: ['errors.ts', 'infra', 'web'],
  'model-calls': ['clients', 'errors.ts', 'infra'],
  web: ['clients', 'errors.ts', 'idempotency', 'infra', 'version.ts'],
  clients: ['errors.ts', 'infra'],
  infra: ['errors.ts'],
  config: [],
  demo: [],
  'errors.ts': [],
  'policies.ts': ['clients', 'errors.ts'],
  'project-root.ts': [],
  'version.ts': ['project-root.ts'],
}

/** The first folder of a path below src; each feature and each part of the demo counts as one. */
function folderOf(path: string): { folder: string; part: string } {
  const [first = '', second = ''] = relative('src', path).split('/')
  return { folder: first, part: first === 'features' || first === 'demo' ? `${first}/${second}` : first }
}

/** Imports of a file that the table forbids, each as `file -> imported`. */
function forbiddenImports(file: string, code: string): string[] {
  const from = folderOf(file)
  const imports = code.matchAll(/^(?:import|export)\s+(type\s+)?[^'"]*?from '(\.[^']+)'/gms)
  return [...imports].flatMap(([, type, target = '']) => {
    const path = relative('.', join(file, '..', target.replace(/\.js$/, '.ts')))
    const to = folderOf(path)
    if (to.part === from.part) return []
    const isShared = to.folder === 'features' && ['features', 'model-calls'].includes(from.folder)
    const isPure = /\/(schemas|messages)\.ts$/.test(path)
    const isAllowed = isShared ? Boolean(type) || isPure : allowed[from.folder]?.includes(to.folder)
    return isAllowed ? [] : [`${file} -> ${path}`]
  })
}

t.test('folders import only what the table allows', async (t) => {
  for (const file of sources) t.same(forbiddenImports(file, read(file)), [], file)
  const client = 'src/clients/mail/mail.ts'
  t.same(forbiddenImports(client, "import { a } from '../../features/models/models.js'"), [
    `${client} -> src/features/models/models.ts`,
  ])
  const feature = 'src/features/usage/usage.ts'
  t.same(forbiddenImports(feature, "import { createModels } from '../models/models.js'").length, 1)
  t.same(forbiddenImports(feature, "import type { Models } from '../models/models.js'"), [])
  t.same(forbiddenImports('src/demo/gateway/main.ts', "import { b } from '../identity/main.js'").length, 1)
})

t.test(
  'only the configuration and the commands read the environment, and only web/ and idempotency/ extend Fastify',
  async (t) => {
    for (const file of sources) {
      const code = read(file)
      // Snippets write code that reads an environment, but only as text.
      const reads =
        /process\.env\b(?!\.)/.test(code.replace(/(['"`]).*?\1/g, '')) && !file.startsWith('src/features/snippets')
      if (reads) t.ok(file === 'src/config/environment.ts' || file.startsWith('src/cli/'), `${file} reads process.env`)
      if (code.includes("declare module 'fastify'"))
        t.match(file, /^src\/(web|idempotency)\//, `${file} extends Fastify`)
    }
  },
)

t.test('one file derives keys and signs texts, and it accepts no empty secret', async (t) => {
  const own = sources.filter((file) => !file.startsWith('src/demo/'))
  t.same(
    own.filter((file) => /hkdf|createHmac|pbkdf2|scrypt/.test(read(file))),
    ['src/infra/crypto/secrets.ts'],
  )
})

const isLong = (code: string) => code.split('\n').length > 300

t.test('no file has more than 300 lines', async (t) => {
  const long = sources.filter((file) => isLong(read(file)))
  t.same(long, [])
  t.ok(isLong('\n'.repeat(300)))
  t.notOk(isLong('\n'.repeat(299)))
})

/** Anything in a view except markup, values, conditions, loops and includes, and its lines of more than 120 characters. */
function faultsOfView(text: string): string[] {
  const tag = /<%([~=]?)\s*([\s\S]*?)\s*%>/g
  const forms: Record<string, RegExp> = {
    '=': /^[\w.]+( \|\| [\w.]+)*$/,
    '~': /^(include\('[\w./-]+', (it|\{[^{}]*\})\)|it\.body|[\w.]+Html)$/,
    '': /^(if \(.+\) \{|\} else \{|\}|\}\)|[\w.]+\.forEach\(function \(\w+\) \{)$/,
  }
  const html = text.replace(tag, '')
  return [
    ...[...text.matchAll(tag)].filter(([, mode = '', inside = '']) => !forms[mode]?.test(inside)).map(([all]) => all),
    ...(html.match(/\son\w+=|\sstyle=|<style|javascript:|<script(?![^>]*\bsrc=)/gi) ?? []),
    ...text.split('\n').filter((line) => line.length > 120),
  ]
}

t.test('views contain no logic', async (t) => {
  for (const file of filesBelow('views', '.eta')) t.same(faultsOfView(read(file)), [], file)
  t.same(faultsOfView('<p><%= it.name %></p>'), [])
  t.same(faultsOfView('<%= it.rows.map((row) => row.name) %>').length, 1)
  t.same(faultsOfView('<% const rows = it.rows.sort() %>').length, 1)
  t.same(faultsOfView('<p style="color: red">'), [' style='])
  t.same(faultsOfView('<script>go()</script>').length, 1)
  t.same(faultsOfView(`<p>${'a'.repeat(120)}</p>`).length, 1)
})

t.test('the README lists every setting and every error code', async (t) => {
  const readme = read('README.md')
  for (const code of errorCodes) t.match(readme, `\`${code}\``, code)
  const names = [...read('src/config/environment.ts').matchAll(/read\.\w+\(\s*'([A-Z_]+)'/g)].map(
    ([, name = '']) => name,
  )
  t.ok(names.length > 20)
  for (const name of names) t.match(readme, `\`${name}\``, name)
})

t.test('the committed OpenAPI document matches the routes, and every operation has a name', async (t) => {
  const document = await apiDocument()
  t.same(document, JSON.parse(read('openapi/maas-portal.json')), 'run npm run openapi')
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [verb, operation] of Object.entries(operations)) t.ok(operation.operationId, `${verb} ${path}`)
  }
})

t.test('the committed schema of PORTAL_CONFIG matches what the portal validates', async (t) => {
  t.same(portalConfigSchema(), JSON.parse(read('openapi/portal-config.schema.json')), 'run npm run openapi')
})

t.test(
  'every route that writes names its audit event or a reason for having none, and docs/audit.md lists all events',
  async (t) => {
    const portal = await buildPortal(loadConfig({ ...demoEnvironment(39_000, {}), LOG_LEVEL: 'silent' }))
    await portal.app.ready()
    const writes = portal.routes.filter(({ method }) => !/^(GET|HEAD|OPTIONS)$/.test(method))
    t.ok(writes.length > 5)
    for (const { method, url, config } of writes) {
      const { audit } = config
      const reason = typeof audit === 'object' ? audit.none : ''
      t.ok((typeof audit === 'string' && audit in auditEvents) || reason.length > 10, `${method} ${url}: config.audit`)
    }
    await portal.stop()
    const documented = [
      ...(read('docs/audit.md').split('| event | when |')[1] ?? '').matchAll(/^\| `([a-z_.]+)` \| (.+) \|$/gm),
    ].map(([, name, words]) => [name, words])
    t.same(Object.fromEntries(documented), auditEvents)
  },
)

t.test('docs/doctor.md documents every finding of the doctor as it is reported', async (t) => {
  const documented = [...read('docs/doctor.md').matchAll(/^\| `(\w+)` \| (\w+) \| (.+) \| (.+) \| (.+) \|$/gm)].map(
    ([, code, severity, title, why, fix]) => [code, [severity, title, why, fix]],
  )
  const reported = Object.entries(findingTypes).map(([code, { severity, title, why, fix }]) => [
    code,
    [severity, title, why, fix],
  ])
  t.same(Object.fromEntries(documented), Object.fromEntries(reported))
})

t.test('no test is skipped and no task is left open', async (t) => {
  const words = new RegExp(
    `\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')})\\b|@ts-(ignore|nocheck)|\\.(${['skip', 'only'].join('|')})\\(`,
  )
  for (const file of [
    ...sources,
    ...filesBelow('test', '.ts'),
    ...filesBelow('static/js', '.js'),
    ...filesBelow('scripts', '.mjs'),
  ]) {
    if (!file.includes('test/rules/')) t.notMatch(read(file), words, file)
  }
})

t.test('every documented npm command exists', async (t) => {
  const { scripts, bin } = JSON.parse(read('package.json')) as {
    scripts: Record<string, string>
    bin: Record<string, string>
  }
  for (const name of ['demo', 'start', 'test', 'check', 'openapi', 'build']) t.ok(scripts[name], name)
  t.ok(bin['maas-portal'])
})
