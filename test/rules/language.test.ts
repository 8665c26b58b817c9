import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'
import { bannedIn, countsIn, defaultsIn, exportedTypesIn, fullFolders, textIn, vagueNamesIn } from './language.js'

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8')
const filesBelow = (folder: string, ending: RegExp) =>
  readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => join(folder, path).replaceAll('\\', '/'))
    .filter((path) => ending.test(path))
const sources = filesBelow('src', /\.ts$/)

/** Names that belong to the APIs and programs of others. */
const quotations = [
  /trial_?period\w*/gi, // 3scale: plans
  /\btrial'|-day trial/g, // the same, as a label
  /hide: (true|0)|schema\?\.hide|windowsHide|"hide": 0/g, // Fastify Swagger, Node.js, Grafana
  /max(Old|Young)Generation\w+/g, // Node.js
  /Who can edit/g, // Keycloak: user profile
  /SageMaker/g, // Amazon
  /\bverbs:/g, // Kubernetes: roles
  /make_pending/g, // 3scale: state of an account
  /'hide'|"hide"/g, // 3scale: event of a plan
  /proxy_hide_\w+/g, // nginx
  /letter-spacing/g, // CSS
  /use only letters, numbers, and|should start with letters/g, // 3scale: messages
]

t.test('the words that the glossary replaces are nowhere in the product', async (t) => {
  const files = [
    ...sources,
    ...filesBelow('views', /\.eta$/),
    ...filesBelow('static/js', /\.js$/),
    ...filesBelow('docs', /\.(md|json)$/),
    ...filesBelow('deploy', /\.(md|ya?ml|json|sh|tpl|txt|lua|conf)$/),
    ...filesBelow('openapi', /\.json$/),
    'README.md',
  ]
  for (const file of files) {
    const found = read(file)
      .split('\n')
      .flatMap((line, at) => {
        const text = quotations.reduce((rest, quotation) => rest.replace(quotation, ''), line)
        return bannedIn(text).map((word) => `${at + 1}: ${word}`)
      })
    t.same(found, [], file)
  }
})

t.test('a banned word is found in text, comments and identifiers', async (t) => {
  t.same(bannedIn('// What was asked for is kept.'), ['kept'])
  t.same(bannedIn('const madeBy = wishOf(request)'), ['made', 'wish'])
  t.same(bannedIn('let_through: 3, left_alone'), ['alone', 'let_through', 'left_alone'])
  t.same(bannedIn('"description": "Who may see it"'), ['who'])
  t.same(bannedIn('replaces a placeholder, tells, foretold, golden'), ['tells'])
})

/**
 * Files of text, and files that are documentation: of the API, of metrics, of settings. Sample code is a text as a whole, and a
 * prefix of 3scale's message is compared in one file.
 */
const forText = new RegExp(
  [
    '(^|[/-])messages\\.ts$',
    '^src/(errors|policies)\\.ts$',
    '^src/config/defaults\\.ts$',
    '^src/demo/',
    '^src/features/snippets/(clients|languages)/',
    '^src/web/api/openapi/',
    '^src/web/server/metrics\\.ts$',
    '^src/clients/threescale/requests/errors\\.ts$',
  ].join('|'),
)

t.test('text for people is in messages.ts, views, errors.ts and policies.ts', async (t) => {
  for (const file of sources.filter((path) => !forText.test(path))) t.same(textIn(read(file)), [], file)
})

t.test('text for people is found wherever it stands', async (t) => {
  t.same(textIn("const lead = 'Your key could not be created.'"), ['1: Your key could not be created.'])
  t.same(textIn(`const line = \`\${name} was removed from the account.\``), ['1: … was removed from the account.'])
  t.same(textIn("export const view = { title: 'Applications', href: '/applications' }"), ['1: Applications'])
  t.same(textIn("const schema = Type.String({ description: 'The name of the application.' })"), [])
  t.same(textIn("log.warn('The cache of the catalogue is stale.')"), [])
  t.same(textIn("throw new Error('The clients must be created first.')"), [])
})

t.test('a sentence of messages.ts contains no identifier of the code', async (t) => {
  const identifier = /(?<![\w.-])[a-z]+[A-Z]\w*(?![\w.-])/
  const messages = sources.filter((path) => /(^|[/-])messages\.ts$|^src\/(errors|policies)\.ts$/.test(path))
  t.ok(messages.length > 20)
  for (const file of messages) {
    const sentences = textIn(read(file)).map((line) => line.replaceAll(/`[^`]*`|vLLM/g, ''))
    t.same(
      sentences.filter((text) => identifier.test(text)),
      [],
      file,
    )
  }
  t.match('Not validateForm, because it is pending.', identifier)
})

t.test('a count has its noun from `plural`, so that a count of one has a singular', async (t) => {
  const texts = [...sources.filter((path) => forText.test(path)), ...filesBelow('views', /\.eta$/)]
  for (const file of texts.filter((path) => !path.startsWith('src/demo/'))) t.same(countsIn(read(file)), [], file)
  t.same(countsIn(`\`\${formatNumber(count)} calls in the last minute\``), [`\${formatNumber(count)} calls`])
  t.same(countsIn('<%= it.count %> models'), ['<%= it.count %> models'])
  t.same(countsIn(`plural(count, 'call'), \`\${shown} of \${all} calls\`, \`\${n === 1 ? a : \`\${b} admins\`}\``), [])
})

t.test('what a test declares has a name that states what it holds', async (t) => {
  for (const file of filesBelow('test', /\.ts$/)) t.same(vagueNamesIn(read(file)), [], file)
  const [declaration, call] = ['const' + ' told = 1', 'let' + ' gone: string']
  t.same(vagueNamesIn(`${declaration}\n${call}\nconst reported = told(gone)`), ['told', 'gone'])
})

t.test('an exported type has a name of its own', async (t) => {
  const owners = new Map<string, string[]>()
  for (const file of sources.filter((path) => !path.startsWith('src/demo/'))) {
    for (const name of exportedTypesIn(read(file))) owners.set(name, [...(owners.get(name) ?? []), file])
  }
  t.ok(owners.size > 300)
  t.same(
    [...owners].filter(([, files]) => files.length > 1),
    [],
  )
  t.same(exportedTypesIn('export type A = B\ninterface C {}\nexport interface D {}'), ['A', 'D'])
})

t.test('a folder of the source has at most twelve files', async (t) => {
  t.same(fullFolders(sources), [])
  const thirteen = Array.from({ length: 13 }, (_, n) => `src/a/${n}.ts`)
  t.same(fullFolders([...thirteen, 'src/b/1.ts']), ['src/a'])
})

t.test('the defaults of settings are in one file', async (t) => {
  for (const file of sources.filter((path) => path.startsWith('src/config/') && path !== 'src/config/defaults.ts'))
    t.same(defaultsIn(read(file)), [], file)
  t.same(defaultsIn("read.seconds('DRAIN', { fallback: 5, min: 0 })"), ['fallback: 5'])
  t.same(defaultsIn("read.choice('LINK', ['on', 'off'], 'on')"), ["read.choice('LINK', ['on', 'off'], 'on')"])
  t.same(defaultsIn('Type.Number({ default: 30 })'), ['default: 30'])
  t.same(defaultsIn("read.seconds('DRAIN', { fallback: defaults.drainSeconds })"), [])
})
