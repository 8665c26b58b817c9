// Pasted code is processed by other programs before it runs. They must not interpret an id, a name or an address as an expression.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: notations of other languages
import { spawnSync } from 'node:child_process'
import { parseEnv } from 'node:util'
import { fillTemplateVariables, parseConfigYaml } from '@continuedev/config-yaml'
import { parseExpressionAt } from 'acorn'
import fc from 'fast-check'
import MarkdownIt from 'markdown-it'
import t, { type Test } from 'tap'
import { parse, stringify } from 'yaml'
import { clients } from '../../../src/features/snippets/clients.js'
import { type Interpreter, interpreters } from '../../../src/features/snippets/interpreters.js'
import {
  commentText,
  markdown,
  quoted,
  quotedUnicode,
  shell,
  shellComment,
} from '../../../src/features/snippets/languages/escape.js'
import type { Snippet } from '../../../src/features/snippets/schemas.js'
import { createSnippets } from '../../../src/features/snippets/snippets.js'
import { character } from '../../helper/character.js'
import { modelOf } from '../../helper/models.js'
import { textsOfJs } from '../../snippets/fuzz.js'
import { readDocker, readSecret } from '../../snippets/read.js'
import { inNewShell, startPython } from '../../snippets/runners.js'

const snippets = createSnippets()
const folder = t.testdir({ shell: {} })
const python = startPython(folder)
t.teardown(() => python.stop())

/** The text that each program interprets as an expression. */
const engines: Record<string, RegExp> = {
  'GitHub Actions, Continue': /\$\{\{[\s\S]*?\}\}/g,
  GitLab: /\$\[\[[\s\S]*?\]\]/g,
  'Azure Pipelines, make': /\$\(OTHER[^)]*\)/g,
  'Compose, PHP, Groovy': /\$\{?OTHER\w*\}?/g,
  'Helm, Ansible, Argo, Jinja, Mustache': /\{\{[\s\S]*?\}\}/g,
  'Jinja, Liquid': /\{%[\s\S]*?%\}|\{#[\s\S]*?#\}/g,
  'ERB, EJS, PHP': /<%[\s\S]*?%>|<\?[\s\S]*?\?>/g,
  'Ruby, Octopus, PowerShell, Razor': /[#@]\{[^}]*\}|@\([^)]*\)/g,
  'Terraform, configparser': /%\{[^}]*\}|%\([^)]*\)/g,
  CircleCI: /<<[^\n]*?>>/g,
  Concourse: /\(\([\w.-]+\)\)/g,
  FreeMarker: /<#[\s\S]*?>/g,
}
const variables = ['$OTHER_SECRET', '${OTHER_SECRET}', '${OTHER_SECRET:-x}', '$(OTHER_SECRET)', '$$OTHER_SECRET']
const expressions = [
  ...['${{ secrets.OTHER_SECRET }}', '${{secrets.OTHER_SECRET}}', '$[[ inputs.x ]]', '{{ .Values.x }}', '{{{ x }}}'],
  ...['{{- include "x" . -}}', '{% raw %}x{% endraw %}', '{# x #}', '<%= ENV["OTHER_SECRET"] %>', '<?= x ?>', '#{x}'],
  ...[
    '@{x}',
    '@(x)',
    '%{x}',
    '%(x)s',
    '((x))',
    '<#include "/etc/passwd">',
    '<< pipeline.parameters.x >>',
    '$',
    'US$ 5',
    '$${{ x }}',
    '{${{ x }}}',
  ],
]
const texts = [
  ...variables,
  ...expressions,
  ...[...variables, ...expressions].map((text) => `org/a'"\\ ${text} \u202e\u{e0041}`),
]
const harmless = [
  ...[
    'org/model:tag',
    'model@sha256:0a1b',
    '~me/model',
    'a model of two words',
    'granite-3.3 (8B)',
    'x#1',
    'a%20b',
    'modèle',
  ],
  ...[
    'it’s',
    'a{b}c',
    '[x]',
    'a*b',
    'm!',
    '🦙',
    'a=b&c=d',
    '*anchor',
    '&anchor',
    '!!python/object',
    '- item',
    'key: value',
  ],
]

const written = (model_id: string, supplied: object = {}) =>
  Object.fromEntries(
    snippets
      .forModel(modelOf({ model_id, ...supplied }), { credentials: { user_key: 'the-key' } })
      .map((snippet) => [snippet.client, snippet]),
  ) as Record<string, Snippet>

/** The same text after each program has replaced its expressions. */
function passed(t: Test, text: string, what: string): string {
  // Continue's file and the Secret contain only the portal's own variables; in PowerShell, the hashtables are those of the portal.
  const own = /\$\{\{ secrets\.MAAS_\w+ \}\}|\$\{?MAAS_\w+\}?|(?<=^\$\w+ = )@\{(?= )/gm
  for (const [engine, pattern] of Object.entries(engines)) {
    const without = text.replace(own, '')
    t.equal(without.replace(pattern, 'LEAK'), without, `${engine}: ${what}`)
  }
  return text
}

function envsubst(text: string): string {
  const { stdout, status } = spawnSync('envsubst', {
    input: text,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, OTHER_SECRET: 'LEAK', MAAS_API_KEY: 'the-key' },
  })
  if (status !== 0) throw new Error('envsubst is missing: install gettext')
  return stdout
}

/** Continue renders the text, parses it, serializes it and renders the result (config-yaml, load/unroll.ts, clientRender.ts). */
function readContinue(text: string) {
  const secrets = { 'secrets.MAAS_API_KEY': 'the-key', 'secrets.OTHER_SECRET': 'LEAK' }
  const once = parse(fillTemplateVariables(text, secrets)) as object
  return parseConfigYaml(fillTemplateVariables(stringify(once), secrets)).models?.[0] as {
    name: string
    model: string
    apiBase: string
  }
}

t.test('every client declares the programs that read its code, and each of them is tested here', (t) => {
  const tested: Record<Interpreter, true> = {
    ...{ powershell: true, cmd: true },
    ...{ bash: true, python: true, javascript: true, json: true, yaml: true, markdown: true, templates: true },
    ...{ continue: true, dotenv: true, 'open-webui': true, references: true },
  }
  for (const { client, interpreters: own } of clients) {
    t.ok(own.includes('templates') && own.length > 1, client)
    for (const reader of own) t.ok(tested[reader], `${client} ${reader}`)
  }
  t.same(Object.keys(tested).sort(), Object.keys(interpreters).sort())
  t.end()
})

t.test('no template language interprets an id, a name or an address as an expression, in any client', (t) => {
  for (const text of texts) {
    for (const snippet of Object.values(written(text, { name: text, system_name: text }))) {
      for (const code of [snippet.code, snippet.with_key ?? '']) passed(t, code, `${snippet.client} ${quoted(text)}`)
      if (snippet.alternative) t.match(snippet.note, /cannot contain .*: .* Use .* instead\.$/, snippet.client)
    }
    const left = Object.values(written(text)).flatMap(({ client, alternative }) => (alternative ? [client] : []))
    const expected = ['env', ...(text.includes('${{') ? ['continue'] : [])]
    t.same(left, expected, `only clients without an escape for ${quoted(text)} are omitted`)
  }
  t.end()
})

t.test('programs that read the code receive the id unchanged', async (t) => {
  const stub = `curl() { printf '%s\\0' "$@"; }\n`
  for (const text of [...texts, ...harmless]) {
    const all = written(text, { name: text })
    const code = (client: string) => all[client]?.with_key ?? ''
    const about = quoted(text)
    const bash = await inNewShell(stub + envsubst(code('curl').replaceAll('$MAAS_', '$(:)MAAS_')), `${folder}/shell`)
    const body = bash.out.split('\0').find((word) => word.startsWith('{')) ?? '{}'
    t.equal((JSON.parse(body) as { model: string }).model, text, `bash, JSON: ${about}`)
    t.equal(readSecret(envsubst(all['kubernetes-secret']?.code ?? '')).MAAS_MODEL, text, `envsubst, YAML: ${about}`)
    t.equal(readSecret(envsubst(all['kubernetes-secret']?.code ?? '')).OPENAI_API_KEY, 'the-key')
    t.ok(textsOfJs(all['js-fetch']?.code ?? '').includes(text), `JavaScript: ${about}`)
    t.ok((await python.read(all['python-requests']?.code ?? '')).texts.includes(text), `Python: ${about}`)
    if (!all['open-webui']?.alternative)
      t.equal((await readDocker(code('open-webui'), `${folder}/shell`)).DEFAULT_MODELS, text, `docker: ${about}`)
    if (!all.env?.alternative) t.equal(parseEnv(code('env')).MAAS_MODEL, text, `dotenv: ${about}`)
    if (!all.continue?.alternative)
      t.match(readContinue(all.continue?.code ?? ''), { model: text, name: text }, `Continue: ${about}`)
  }
})

t.test('unusual but harmless ids have code in every client', (t) => {
  for (const text of harmless)
    for (const { client, alternative, note } of Object.values(written(text, { name: text })))
      t.equal(alternative, undefined, `${client} ${text}: ${note}`)
  t.end()
})

t.test('an id that refers to an external secret is omitted from files whose reader would resolve it', (t) => {
  const references = [
    ...['op://Private/OpenAI/key', 'ref+vault://secret/x#/key', 'org/secretref+awsssm://x+', 'vault:secret/data/x#KEY'],
    ...['>>vault:secret/data/x#KEY', 'sm://project/x', 'ssm:///x', 'berglas://bucket/x', ' OP://x/y/z'],
    '@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/secrets/x)',
  ]
  for (const text of references) {
    const left = Object.values(written(text)).flatMap(({ client, alternative }) => (alternative ? [client] : []))
    t.same(left, ['env', 'kubernetes-secret'], text)
  }
  for (const text of ['vault:7b', 'shop/model', 'op:1', 'ref+model', 'sm', 'org/vault:8b#fast'])
    t.ok(
      Object.values(written(text)).every(({ alternative }) => alternative === undefined),
      text,
    )
  t.end()
})

t.test('addresses, header names, keys and token addresses are protected in the same way', (t) => {
  const path = encodeURI('{{ x }}').replaceAll('%7B', '{').replaceAll('%7D', '}')
  const base = `https://gw.example.com/$OTHER_SECRET/${path}`
  const model = { endpoint: base, base_url: `${base}/v1`, credentials: { mode: 'user_key', location: 'headers' } }
  const names = { user_key: '$OTHER_SECRET', app_id: 'i', app_key: 'j' }
  for (const { client, code, alternative } of Object.values(
    written('m', { ...model, credentials: { ...model.credentials, names } }),
  )) {
    passed(t, code, client)
    if (client === 'env') t.equal(alternative, 'curl')
  }
  const keyed = snippets.forModel(modelOf({}), { credentials: { user_key: '${{ secrets.OTHER_SECRET }}' } })
  for (const { client, with_key = '' } of keyed) passed(t, with_key, client)
  t.equal(keyed.find(({ client }) => client === 'continue')?.alternative, 'python-openai')
  const credentials = { mode: 'oidc', location: 'headers', names } as const
  const token_url = 'https://sso.example.com/${{ secrets.OTHER_SECRET }}/token'
  for (const { client, code } of snippets.forModel(modelOf({ credentials, token_url }))) passed(t, code, client)
  const lists = snippets.forModel(modelOf({ model_id: 'mine,other' }), { only: 'open-webui' })[0]
  t.match(lists, { alternative: 'continue', note: /Open WebUI cannot contain the ID of this model/ })
  t.end()
})

t.test('a comment is not an expression, and not a command in a shell that executes comments', (t) => {
  for (const text of texts) {
    passed(t, commentText(text), 'comment')
    passed(t, shellComment(text), 'comment of a shell')
  }
  t.notMatch(shellComment('a; touch /tmp/x & `b` | c > d !e \'f\' "g"'), /[;&`|>!'"/]/)
  const placeholder = modelOf({
    paths: [
      { method: 'POST', path: '/v1/{a; touch x}/chat/completions', pattern: '/v1/{a; touch x}/chat/completions' },
    ],
    base_url: 'https://m.example.com/v1/{a; touch x}',
  })
  for (const { client, code } of snippets.forModel(placeholder).filter(({ language }) => language !== 'python'))
    for (const line of code.split('\n').filter((line) => line.startsWith('#'))) t.notMatch(line, /; touch/, client)
  t.end()
})

t.test('the name in a notebook is plain text: no link, image, address, HTML, formula or shortcode', (t) => {
  const renderer = new MarkdownIt({ html: true, linkify: true })
  const names = [
    ...[
      '![t](http://evil.example/x.png)',
      '[t](http://evil.example)',
      '<img src=http://evil.example>',
      '<http://evil.example>',
    ],
    ...[
      'http://evil.example',
      'www.evil.example',
      'evil.example',
      'a@evil.example',
      '[t]: http://evil.example',
      '`code`',
    ],
    ...[
      '$\\href{http://evil.example}{x}$',
      '\\(x\\)',
      '\\[x\\]',
      '$$x$$',
      '\\begin{x}',
      '&lt;b&gt;',
      '*a* _b_ ~~c~~',
      '| a | b |',
    ],
    ...['# x', '{{< include /etc/passwd >}}', '{image} x', '{{ secret }}', '\u202etxet', '@@0@@', ...texts],
  ]
  for (const name of names) {
    const tokens = renderer.parse(`# ${markdown(name)}`, {}).flatMap(({ children }) => children ?? [])
    for (const { type } of tokens) t.equal(type, 'text', name)
    const shown = tokens.map(({ content }) => content).join('')
    t.notMatch(shown, /[$\\<>`\u202e]/, name)
    // The name is shown without the removed characters.
    t.equal(shown.replace(/\s+/g, ''), markdownFree(name), name)
    const notebook = JSON.parse(written('m', { name }).jupyter?.code ?? '') as { cells: { source: string[] }[] }
    t.equal(notebook.cells[0]?.source[0], `# ${markdown(name)}\n`)
  }
  t.end()
})

function markdownFree(name: string): string {
  return name.replace(/[$\\<>`\s\p{Cc}\p{Cf}]/gu, '')
}

t.test('2,000 random texts: bash, Python, JavaScript and YAML parse each literal as the original text', async (t) => {
  const piece = fc.oneof(
    fc.constantFrom(
      ...variables,
      ...expressions,
      ...'\'"\\${}[]()<>%#@!?`~&|;*= \t\n\r',
      '\\u',
      '\\ud83d',
      '\u{e0041}',
      '\ud800',
    ),
    fc.string({ unit: character, minLength: 1, maxLength: 3 }),
  )
  const text = fc.array(piece, { maxLength: 6 }).map((parts) => parts.join('').replaceAll('\0', ''))
  const unusual = fc.sample(text, { numRuns: 2000, seed: 19 })
  const required = unusual.map((each) => each.replace(/\p{Cs}/gu, '\ufffd'))
  const words = await inNewShell(`printf '%s\\0' ${unusual.map(shell).join(' ')}`, `${folder}/shell`)
  t.same(words.out.split('\0').slice(0, -1), required)
  const read = await python.read(`[${unusual.map(quotedUnicode).join(', ')}]`)
  t.same(read.texts, required)
  t.same(parse(`[${unusual.map(quotedUnicode).join(', ')}]`), required)
  t.same(JSON.parse(`[${unusual.map(quoted).join(', ')}]`), unusual)
  for (const each of unusual.slice(0, 500)) {
    const { value } = parseExpressionAt(quoted(each), 0, { ecmaVersion: 'latest' }) as unknown as { value: string }
    t.equal(value, each)
  }
  for (const each of unusual) {
    passed(t, quoted(each), 'a literal')
    passed(t, shell(each), 'a word')
  }
})
