import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'
import type { OpenApiDocument } from '../../src/web/api/openapi/types.js'
import { createApi } from '../helper/api.js'
import { freePort, startStack } from '../helper/stack.js'
import { longSteps } from './life-steps.js'
import { bin, lives, packageFolder, python, run, saveDocument, sources, succeeds, tool } from './tools.js'

// Checks that a running portal matches its document, with programs of other projects: Spectral lints the document, Prism
// validates the traffic between a client and the portal, Schemathesis sends generated requests.
t.setTimeout(600_000)
const folder = t.testdir({})
const config = join(folder, 'portal.yaml')
const limits = ['api', 'sign_in', 'reports', 'reveals', 'calls', 'writes'].map((name) => [name, 1_000_000])
const limitless = `\nrate_limits: ${JSON.stringify(Object.fromEntries(limits))}\n`
writeFileSync(config, readFileSync(join(projectRoot, 'deploy', 'demo-portal.yaml'), 'utf8') + limitless)
const stack = await startStack()
t.teardown(() => stack.close())
const portal = await stack.portal({ PORTAL_CONFIG: config })
const api = createApi(stack)
const document = await saveDocument(portal, folder)
const token = await api.token({ username: 'mary' })
const readToken = await api.token({ username: 'mary', scope: 'maas:read' })

/** The document with a member of `Me` that the portal never sends as described. */
function wrongDocument(): string {
  const wrong = JSON.parse(readFileSync(document, 'utf8')) as OpenApiDocument
  const { subject } = wrong.components.schemas.Me?.properties ?? {}
  if (!subject) throw new Error('Me has no subject')
  Object.assign(subject, { type: 'boolean', examples: [true] })
  const file = join(folder, 'wrong.json')
  writeFileSync(file, JSON.stringify(wrong))
  return file
}

/** Prism as a proxy that rejects what does not match the document. */
async function prism(file: string) {
  const port = await freePort()
  const args = ['proxy', file, `${portal.url}/api/v1`, '--errors', '--host', '127.0.0.1', '--port', String(port)]
  const child = spawn(tool('node'), [bin('prism'), ...args], { stdio: 'ignore' })
  t.teardown(() => end(child))
  const url = `http://127.0.0.1:${port}`
  for (const late = Date.now() + 60_000; Date.now() < late; await sleep(100)) {
    if (await fetch(url).catch(() => undefined)) return { url, stop: () => end(child) }
  }
  throw new Error('Prism does not start')
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}

t.test('Spectral reports nothing for the document', async (t) => {
  const args = ['lint', document, '--ruleset', join(sources, '.spectral.yaml'), '--fail-severity', 'info']
  await succeeds(t, 'no error, no warning', tool('node'), [bin('spectral'), ...args])
})

t.test('through Prism, a life with each kind of credentials has no violation', async (t) => {
  const client = packageFolder(join(folder, 'client'), ['tsconfig.json', 'life.ts'])
  cpSync(document, join(client, 'openapi.json'))
  const types = [bin('openapi-typescript'), 'openapi.json', '-o', 'generated/schema.d.ts']
  await succeeds(t, 'openapi-typescript', tool('node'), types, { cwd: client })
  await succeeds(t, 'tsc', tool('node'), [bin('tsc'), '-p', '.'], { cwd: client })
  const proxy = await prism(document)
  for (const MODEL of ['granite-chat', 'llama-chat', 'oidc-chat']) {
    const env = { API: proxy.url, MODEL, TOKEN: token, READ_TOKEN: readToken }
    await t.test(MODEL, (t) => lives(t, longSteps, process.execPath, [join(client, 'out', 'life.js')], { env }))
  }
  await proxy.stop()
})

t.test('Prism reports a response that does not match the document', async (t) => {
  const proxy = await prism(wrongDocument())
  const answer = await fetch(`${proxy.url}/me`, { headers: { authorization: `Bearer ${token}` } })
  t.equal(answer.status, 500)
  t.match(await answer.text(), /#VIOLATIONS[\s\S]*subject/)
  await proxy.stop()
})

t.test('Schemathesis', async (t) => {
  const application = { model: 'llama-chat', name: 'first', fields: { purpose: 'Experiment' } }
  const created = await api.post<{ id: number }>('/applications', token, application)
  const member = await api.post<{ id: number }>('/members', token, { email: 'first@example.com', role: 'member' })
  const keysOf = `/applications/${created.body.id}/keys`
  const removed = await api.post<{ key_id: string }>(keysOf, token, {})
  const removal = await api.call('DELETE', `${keysOf}/${removed.body.key_id}`, { token })
  t.equal(removal.status, 200)
  // Few generated pairs of ids match; Prism has validated this response too.
  const succeeded = new Set(['delete /applications/{id}/keys/{key_id}'])
  const { body: keys } = await api.get<{ items: { key_id: string }[] }>(keysOf, token)
  const cwd = join(folder, 'schemathesis')
  mkdirSync(cwd)
  cpSync(join(sources, 'schemathesis', 'checks.py'), join(cwd, 'checks.py'))
  const filled = readFileSync(join(sources, 'schemathesis', 'schemathesis.toml'), 'utf8')
    .replace('"$APPLICATION"', String(created.body.id))
    .replace('"$MEMBER"', String(member.body.id))
    .replace('$KEY', String(keys.items[0]?.key_id))
    .replace('$REMOVED', removed.body.key_id)
  writeFileSync(join(cwd, 'schemathesis.toml'), filled)
  const answers = join(cwd, 'answers.json')
  const env = { TOKEN: token, ANSWERS: answers }
  const schemathesis = (file: string, ...more: string[]) => [
    '-m',
    'schemathesis.cli',
    'run',
    file,
    '--url',
    `${portal.url}/api/v1`,
    ...more,
  ]
  await t.test('each response to a generated request matches the document', async (t) => {
    const { output } = await succeeds(t, 'all checks', python('schemathesis'), schemathesis(document), { cwd, env })
    t.comment(
      output
        .split('\n')
        .filter((line) => /generated|passed|Links/.test(line))
        .join('\n'),
    )
  })
  await t.test('each operation has succeeded at least once', async (t) => {
    const seen = JSON.parse(readFileSync(answers, 'utf8')) as Record<string, Record<string, number>>
    for (const [path, operations] of Object.entries(
      (JSON.parse(readFileSync(document, 'utf8')) as OpenApiDocument).paths,
    )) {
      for (const method of Object.keys(operations)) {
        if (succeeded.has(`${method} ${path}`)) continue
        const counts = seen[`${method.toUpperCase()} ${path}`] ?? {}
        t.ok(
          Object.keys(counts).some((status) => /^2/.test(status)),
          `${method} ${path}: ${JSON.stringify(counts)}`,
        )
      }
    }
  })
  await t.test('a response that does not match the document is reported', async (t) => {
    const more = ['--include-path', '/me', '--include-method', 'GET', '--phases', 'examples,fuzzing']
    const { code, output } = await run(python('schemathesis'), schemathesis(wrongDocument(), ...more), {
      cwd,
      env: { ...env, ANSWERS: join(cwd, 'wrong-answers.json') },
    })
    t.equal(code, 1)
    t.match(output, 'Response violates schema')
  })
})
