import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import { buildPortal } from '../../src/app.js'
import { demoEnvironment } from '../../src/cli/demo-settings.js'
import { portalConfigSchema } from '../../src/cli/openapi.js'
import { loadConfig } from '../../src/config.js'
import { errorCodes } from '../../src/errors.js'
import { rules as doctorRules } from '../../src/features/doctor/findings.js'
import { projectRoot } from '../../src/root.js'
import { auditEvents } from '../../src/web/audit-event.js'

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8')
const filesBelow = (folder: string, ending: string) =>
  readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(folder, path))
const sources = filesBelow('src', '.ts')

/** room -> rooms it may import; `types:` rooms by `import type` only */
const allowed: Record<string, string[]> = {
  'cli.ts': ['cli', 'version.ts'],
  cli: ['cli', 'app.ts', 'config.ts', 'portal-config.ts', 'errors.ts', 'clients', 'demo', 'root.ts'],
  'app.ts': ['assembly', 'config.ts', 'features', 'web', 'root.ts'],
  assembly: ['config.ts', 'clients', 'features', 'model-calls', 'web', 'errors.ts', 'root.ts', 'version.ts'],
  features: ['clients', 'model-calls', 'web', 'errors.ts', 'rules.ts'],
  'model-calls': ['clients', 'errors.ts'],
  web: ['web', 'clients', 'errors.ts', 'version.ts'],
  clients: ['clients', 'errors.ts'],
  demo: [],
  'portal-config.ts': ['portal-identity.ts', 'portal-origins.ts', 'portal-products.ts'],
  'portal-identity.ts': [],
  'portal-origins.ts': ['settings.ts'],
  'portal-products.ts': [],
  'config.ts': ['portal-config.ts', 'settings.ts'],
  'settings.ts': [],
  'errors.ts': [],
  'rules.ts': ['clients', 'errors.ts'],
  'root.ts': [],
  'version.ts': ['root.ts'],
}

/** The room of a path below src; features and demo parts are rooms of their own. */
function roomOf(path: string): { room: string; part: string } {
  const [first = '', second = ''] = relative('src', path).split('/')
  return { room: first, part: first === 'features' || first === 'demo' ? `${first}/${second}` : first }
}

t.test('rooms import only what they may', async (t) => {
  for (const file of sources) {
    const from = roomOf(file)
    for (const [, type, target = ''] of read(file).matchAll(
      /^(?:import|export)\s+(type\s+)?[^'"]*?from '(\.[^']+)'/gms,
    )) {
      const path = relative('.', join(file, '..', target.replace(/\.js$/, '.ts')))
      const to = roomOf(path)
      if (to.part === from.part) continue
      const shared = from.room === 'features' && to.room === 'features'
      const nouns = shared && /\/(schemas|words)\.ts$/.test(path)
      const ok = shared ? Boolean(type) || nouns : allowed[from.room]?.includes(to.room)
      t.ok(ok, `${file} -> ${path}`)
    }
  }
})

t.test('only config.ts and the commands read the environment, only web/ extends Fastify', async (t) => {
  for (const file of sources) {
    const code = read(file)
    // snippets write code that reads an environment; that is text
    const reads =
      /process\.env\b(?!\.)/.test(code.replace(/(['"`]).*?\1/g, '')) && !file.startsWith('src/features/snippets')
    if (reads) t.ok(file === 'src/config.ts' || file.startsWith('src/cli/'), `${file} reads process.env`)
    if (code.includes("declare module 'fastify'")) t.ok(file.startsWith('src/web/'), `${file} extends Fastify`)
  }
})

t.test('no file grows beyond what one reads at a sitting', async (t) => {
  const long = sources.filter((file) => read(file).split('\n').length > 240)
  t.same(long, [], 'a second noun is hiding in it')
})

t.test('views only show', async (t) => {
  const tag = /<%([~=]?)\s*([\s\S]*?)\s*%>/g
  const statement = /^(if \(.+\) \{|\} else \{|\}|\}\)|[\w.]+\.forEach\(function \(\w+\) \{)$/
  for (const file of filesBelow('views', '.eta')) {
    const text = read(file)
    for (const [, mode, inside = ''] of text.matchAll(tag)) {
      if (mode === '=') t.match(inside, /^[\w.]+( \|\| [\w.]+)*$/, `${file}: ${inside}`)
      else if (mode === '~') t.match(inside, /^(include\('[\w./-]+', it\)|it\.body|[\w.]+Html)$/, `${file}: ${inside}`)
      else t.match(inside, statement, `${file}: ${inside}`)
    }
    const html = text.replace(tag, '')
    t.notMatch(html, /\son\w+=|\sstyle=|<style|javascript:/i, `${file}: nothing inline`)
    t.notMatch(html, /<script(?![^>]*\bsrc=)/i, `${file}: no inline script`)
  }
})

t.test('every setting and every error code is in the README', async (t) => {
  const readme = read('README.md')
  for (const code of errorCodes) t.match(readme, `\`${code}\``, code)
  const names = [...read('src/config.ts').matchAll(/read\.\w+\('([A-Z_]+)'/g)].map(([, name = '']) => name)
  t.ok(names.length > 20)
  for (const name of names) t.match(readme, `\`${name}\``, name)
})

t.test('the committed OpenAPI document is what the routes say, and every operation has a name', async (t) => {
  const portal = await buildPortal(
    loadConfig({ ...demoEnvironment(39_000, {}), PUBLIC_URL: 'https://models.example.com', LOG_LEVEL: 'silent' }),
  )
  await portal.app.ready()
  const document = (await portal.app.inject('/api/v1/openapi.json')).json() as {
    paths: Record<string, Record<string, { operationId?: string }>>
  }
  await portal.stop()
  t.same(document, JSON.parse(read('openapi/maas-portal.json')), 'run npm run openapi')
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [verb, operation] of Object.entries(operations)) t.ok(operation.operationId, `${verb} ${path}`)
  }
})

t.test('the committed schema of PORTAL_CONFIG is what the portal checks', async (t) => {
  t.same(portalConfigSchema(), JSON.parse(read('openapi/portal-config.schema.json')), 'run npm run openapi')
})

t.test(
  'every route that is not a read names its audit event, or why it has none; docs/audit.md has them all',
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

t.test('docs/doctor.md has every code of the doctor, as it is reported', async (t) => {
  const documented = [...read('docs/doctor.md').matchAll(/^\| `(\w+)` \| (\w+) \| (.+) \| (.+) \| (.+) \|$/gm)].map(
    ([, code, severity, title, why, fix]) => [code, [severity, title, why, fix]],
  )
  const reported = Object.entries(doctorRules).map(([code, { severity, title, why, fix }]) => [
    code,
    [severity, title, why, fix],
  ])
  t.same(Object.fromEntries(documented), Object.fromEntries(reported))
})

t.test('nothing is left undone or switched off', async (t) => {
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

t.test('the commands of the contract are there', async (t) => {
  const { scripts, bin } = JSON.parse(read('package.json')) as {
    scripts: Record<string, string>
    bin: Record<string, string>
  }
  for (const name of ['demo', 'start', 'test', 'check', 'openapi', 'build']) t.ok(scripts[name], name)
  t.ok(bin['maas-portal'])
})
