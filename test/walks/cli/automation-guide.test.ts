import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { projectRoot } from '../../../src/project-root.js'
import { tools } from '../../deploy/kubernetes.js'
import { complaints } from '../../deploy/schemas.js'
import { decoded } from '../../helper/key-command.js'
import { startKubernetesApi } from '../../helper/kubernetes-api.js'
import { cli, startStack } from '../../helper/stack.js'

/** docs/automation.md, run block by block: bash, curl, jq and kubectl against the demo. */
const page = readFileSync(join(projectRoot, 'docs', 'automation.md'), 'utf8')
const blocks = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', code = '']) => ({
  language,
  code,
}))
const commands = blocks.filter(({ language }) => language === 'bash').map(({ code }) => code)

const stack = await startStack()
await stack.portal()
const cluster = await startKubernetesApi()
cluster.admit('token-of-the-pipeline', { name: 'pipeline', namespace: 'team-a' })
const folder = t.testdir({
  'client-secret': 'demo-service-secret',
  bin: {},
  kubeconfig: JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: cluster.url, 'certificate-authority': cluster.caFile } }],
    users: [{ name: 'u', user: { token: 'token-of-the-pipeline' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  }),
})
const [kubectl = ''] = tools
writeFileSync(join(folder, 'bin', 'maas-portal'), `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`, {
  mode: 0o755,
})
symlinkSync(kubectl, join(folder, 'bin', 'kubectl'))
t.teardown(async () => {
  await Promise.all([stack.close(), cluster.close()])
})

/** Example values of the page, replaced with those of the demo. */
const here = (code: string) =>
  code.replaceAll('https://models.example.com', stack.url).replaceAll('team-a-pipeline', 'demo-service')

/** One shell for all blocks, as for a reader; the output of each is captured separately. */
async function paste(): Promise<{ status: number | null; printed: string[]; errors: string }> {
  const mark = '--- block ---'
  const script = commands.map((code) => `${here(code)}\necho '${mark}'\n`).join('')
  const child = spawn('bash', ['--noprofile', '--norc'], {
    cwd: folder,
    env: {
      PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
      HOME: folder,
      KUBECONFIG: join(folder, 'kubeconfig'),
    },
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  child.stdin.end(script)
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, printed: output.split(`${mark}\n`), errors }
}

t.test('the commands of the page create a key in a Secret and rotate it', async (t) => {
  t.ok(commands.length > 12)
  const { status, printed, errors } = await paste()
  t.equal(status, 0, errors)
  t.equal(printed.length, commands.length + 1, `the last output: ${printed.at(-1)}`)
  const outputOf = (text: string) => printed[commands.findIndex((code) => code.includes(text))] ?? ''

  const chat = decoded(cluster.secret('team-a', 'granite-chat')?.data ?? {})
  t.match(chat, { OPENAI_API_KEY: /^maas_/, OPENAI_BASE_URL: /^http/, MAAS_MODEL: /\w/ })
  t.match(decoded(cluster.secret('team-a', 'maas-client')?.data ?? {}), {
    'client-id': 'demo-service',
    'client-secret': 'demo-service-secret',
  })
  t.match(outputOf('chat/completions'), /\w{2}/, 'the model responds')
  const names = (await stack.state()).applications.map(({ name }) => name)
  t.same(names.filter((name) => name?.startsWith('Team A')).sort(), ['Team A chat bot', 'Team A embeddings'])

  const created = (await stack.state()).applications.find(({ name }) => name === 'Team A embeddings')
  const embeddings = decoded(cluster.secret('team-a', 'nomic-embed')?.data ?? {})
  t.same(
    created?.keys.map(({ value }) => value),
    [embeddings.MAAS_APP_KEY],
    'after the rotation, the key of the Secret is the only one',
  )
  t.match(outputOf('.active_key_ids[]'), /^\d{4}-\d\d-\d\dT/)
  t.match(outputOf('/models?limit=100" | jq -r'), /^nomic-embed\tembedding$/m)
  for (const name of ['Team A chat bot', 'Team A embeddings']) t.match(outputOf('next_cursor'), name)
  t.equal(
    outputOf('--etag-compare')
      .split('\n')
      .filter((line) => /^(200|304)$/.test(line))
      .join(' '),
    '200 304',
  )
  t.match(outputOf('openapi.json'), /^\d+\.\d+\.\d+\n\S*\/api\/v1$/m)
  t.equal(outputOf('If-Match').trim(), 'Embeddings of team A')
  for (const text of ['demo-service-secret', chat.OPENAI_API_KEY ?? '', embeddings.MAAS_APP_KEY ?? ''])
    for (const shown of [printed.join(''), errors]) t.notOk(shown.includes(text), 'no credential is printed')
})

t.test('a second run of the page changes only the key that it rotates', async (t) => {
  const before = structuredClone(cluster.secret('team-a', 'granite-chat'))
  const applications = (await stack.state()).applications.length
  const { status, errors } = await paste()
  t.equal(status, 0, errors)
  t.same(cluster.secret('team-a', 'granite-chat'), before)
  t.equal((await stack.state()).applications.length, applications)
})

t.test('the remaining blocks are valid, and their options and files exist', async (t) => {
  const help = await new Promise<string>((resolve) => {
    let text = ''
    const child = spawn(process.execPath, [cli, 'key', '--help'])
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
    child.once('close', () => resolve(text))
  })
  const documented = new Set([...page.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([option]) => option))
  for (const [option] of help.matchAll(/--[a-z][a-z-]+/g))
    if (option !== '--help') t.ok(documented.has(option), `${option} is documented`)
  for (const { language, code } of blocks) {
    if (language !== 'yaml') continue
    const documents = parseAllDocuments(here(code))
    for (const document of documents) t.same(document.errors, [], code.slice(0, 60))
  }
  const container = blocks.find(({ code }) => code.startsWith('containers:'))?.code ?? ''
  const pod = parseAllDocuments(container)[0]?.toJS() as object
  t.same(complaints({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'chat-bot' }, spec: pod }), [])
  for (const [, path = ''] of page.matchAll(/\]\(([^)#]+)(?:#[\w-]+)?\)/g))
    t.ok(existsSync(join(projectRoot, 'docs', path)), path)
  const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title.toLowerCase().replaceAll(' ', '-'))
  for (const [, anchor = ''] of page.matchAll(/\]\(#([\w-]+)\)/g)) t.ok(anchors.includes(anchor), anchor)
})
