import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { projectRoot } from '../../../src/project-root.js'
import { launchBrowser, signInAs } from '../../helper/browser.js'
import { modelServers } from '../../helper/model-server-profiles.js'
import { type ModelServer, type Scene, startScripted } from '../../helper/scripted-model-servers.js'
import { startStack } from '../../helper/stack.js'
import { codeOf, createVisitor, decode } from '../../helper/visitor.js'

const stack = await startStack()
const settings = join(t.testdir({}), 'portal.yaml')
// More calls a minute than a person sends.
const demo = readFileSync(join(projectRoot, 'deploy/demo-portal.yaml'), 'utf8')
writeFileSync(settings, `${demo}\nrate_limits: { calls: 1000000 }\n`)
// The policy llm-metrics adds stream_options to each stream, so such a server is one that does not stream.
const refusing = modelServers.filter(({ type, refuses }) => type === 'chat' && refuses?.({ stream_options: {} }))
const direct = refusing.map((profile) => ({ ...profile, name: `${profile.name} without llm-metrics` }))
const policies = [{ name: 'apicast', version: 'builtin', configuration: {}, enabled: true }]
const servers: Awaited<ReturnType<typeof startScripted>>[] = []
for (const profile of modelServers) servers.push(await startScripted(stack, profile))
for (const profile of direct) servers.push(await startScripted(stack, profile, { policies }))
await stack.portal({ CATALOG_TTL: '3600', PORTAL_CONFIG: settings })
const browser = await launchBrowser()
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
const page = await signInAs(context, stack.url, 'mary')
const problems: string[] = []
page.on('pageerror', (error) => problems.push(error.message))
const mary = createVisitor(stack)
await mary.signIn('mary')
t.teardown(async () => {
  await browser.close()
  await stack.close()
  for (const server of servers) server.close()
})

interface Shown {
  text: string
  reasoning: string
  notes: string
  failure: string
  meta: string
}

for (const { profile, system_name, requests } of servers) {
  t.test(profile.name, async (t) => {
    const created = await mary.submit(await mary.get(`/applications/new?model=${system_name}`), /^\/applications$/)
    const application = new URL(created.url).pathname.split('/').pop() ?? ''
    await stack.settled()

    const tested = await mary.submit(await mary.get(`/applications/${application}`), /\/test$/)
    t.match(decode(tested.text), 'The model responded', 'Test it')
    if (profile.type !== 'chat') return playLists(t, profile, application)
    const [first] = profile.scenes
    t.match(decode(tested.text), first?.shows.text ?? '', 'Test it shows the text')
    t.match(await tryOnce(system_name, application), first?.shows.text ?? '', 'Try it')

    for (const scene of profile.scenes) {
      const values = { kind: 'chat', application, prompt: scene.asks, turns: '[]', ...scene.fields }
      expectShown(t, `${scene.asks}, without scripts`, scene, shownIn((await mary.post('/playground', values)).text))
    }

    requests.length = 0
    await page.goto(`${stack.url}/playground?application=${application}`)
    await page.waitForSelector('[data-playground=ready]')
    for (const scene of profile.scenes) {
      const before = requests.length
      expectShown(t, `${scene.asks}, in Chromium`, scene, await ask(scene))
      const most = profile.refuses ? 3 : 1
      t.ok(requests.length - before <= most, `${requests.length - before} requests of at most ${most}`)
      t.same(unasked(requests[before] ?? {}, scene), [], 'empty fields are not sent')
    }
    const messages = requests.flatMap(({ messages }) => messages as { role: string; content: string }[])
    const repeated = messages.filter(({ role }) => role === 'assistant').map(({ content }) => content)
    const answers = profile.scenes.map(({ shows }) => shows.text ?? '').filter(Boolean)
    t.same(
      [...new Set(repeated)].filter((text) => !answers.includes(text)),
      [],
      'only answers are sent back',
    )
  })
}

t.test('the code of a conversation has the parameter that the server accepts', async (t) => {
  const application = await applicationOf('OpenAI')
  const values = { kind: 'chat', application, turns: '[]', max_tokens: '64', client: 'curl' }
  await mary.post('/playground', { ...values, prompt: 'with a limit of tokens' })
  const code = codeOf((await mary.post('/playground/code', { ...values, prompt: 'and again' })).text, 'curl')
  t.match(code, /"max_completion_tokens": ?64/)
  t.notMatch(code, '"max_tokens"')
})

t.test('a model that is starting shows the time waited', async (t) => {
  await page.goto(`${stack.url}/playground?application=${await applicationOf('KServe')}`)
  await page.waitForSelector('[data-playground=ready]')
  await page.fill('#prompt', 'started from zero')
  await page.click('[data-send]')
  await page.locator('[data-turns] [data-meta]:text-matches("\\\\(\\\\d+ s\\\\)")').waitFor()
  t.match(await page.textContent('[data-status]'), /\S/, 'also to screen readers')
  await page.waitForSelector('[data-send]:not([hidden])')
  t.equal(await page.locator('[data-turns] [data-text]').last().textContent(), 'Good morning.')
  t.same(problems, [])
})

t.test('docs/model-servers.md states the tested behavior of each server', async (t) => {
  const docs = readFileSync(join(projectRoot, 'docs/model-servers.md'), 'utf8')
  const rows = [...docs.matchAll(/^\| ([^|]+) \| (.+) \|$/gm)].map(([, name = '', rest = '']) => [
    name,
    rest.split(' | '),
  ])
  const table = Object.fromEntries(rows.filter(([name]) => modelServers.some((each) => each.name === name)))
  t.same(
    Object.keys(table),
    modelServers.map(({ name }) => name),
  )
  for (const profile of modelServers) t.same(table[profile.name]?.slice(0, 5), rowOf(profile), profile.name)
})

/** Mary's application of the model of that name. */
async function applicationOf(name: string): Promise<string> {
  const list = decode((await mary.get('/playground')).text)
  return new RegExp(`value="(\\d+)"[^>]*>${name}:`).exec(list)?.[1] ?? ''
}

/** The content of the table, from the tested behavior. */
function rowOf({ type, rules, models, reasoning, refuses }: ModelServer): string[] {
  const options = refuses?.({ stream_options: {} })
  return [
    type,
    rules.map(([verb, pattern]) => `\`${verb} ${pattern}\``).join(', '),
    models ? `\`GET ${models.path}\`` : 'none',
    reasoning.map((name) => `\`${name}\``).join(', ') || 'none',
    type !== 'chat' ? 'none' : options ? 'refused' : 'accepted',
  ]
}

function expectShown(t: Test, name: string, { shows }: Scene, shown: Shown): void {
  if (shows.failure) t.match(shown.failure, shows.failure, name)
  else t.equal(shown.failure, '', name)
  if (shows.text !== undefined) t.equal(shown.text, shows.text, name)
  if (shows.reasoning !== undefined) t.equal(shown.reasoning.trim(), shows.reasoning, `${name}: reasoning apart`)
  if (shows.note) t.match(shown.notes, shows.note, name)
  if (shows.tokens) t.match(shown.meta, shows.tokens, name)
}

/** Members of a request that neither the page nor the person set. */
function unasked(body: Record<string, unknown>, { fields = {} }: Scene): string[] {
  const renamed = 'max_tokens' in fields ? ['max_completion_tokens'] : []
  const expected = ['model', 'messages', 'stream', 'stream_options', ...Object.keys(fields), ...renamed]
  return Object.keys(body).filter((name) => !expected.includes(name))
}

async function ask({ asks, fields = {} }: Scene): Promise<Shown> {
  for (const name of ['temperature', 'max_tokens'])
    await page.fill(`#${name}`, fields[name as keyof typeof fields] ?? '')
  await page.fill('#prompt', asks)
  await page.click('[data-send]')
  await page.waitForSelector('[data-send]:not([hidden])')
  const part = async (name: string) =>
    (await page.locator(`[data-turns] [data-answer] [data-${name}]`).last().textContent()) ?? ''
  return {
    text: await part('text'),
    reasoning: await part('reasoning-text'),
    notes: await part('remarks'),
    failure: await part('failure'),
    meta: await part('meta'),
  }
}

/** The last response of a page of the server. */
function shownIn(html: string): Shown {
  const turns = html.slice(html.indexOf('data-turns'), html.indexOf('data-turn-template'))
  const last = turns.slice(turns.lastIndexOf('data-answer'))
  const part = (name: string) =>
    decode(new RegExp(`data-${name}\\b[^>]*>([\\s\\S]*?)</(?:p|div)>\\n`).exec(last)?.[1] ?? '')
  return {
    text: part('text'),
    reasoning: decode(/data-reasoning-text[^>]*>([\s\S]*?)<\/p>/.exec(last)?.[1] ?? ''),
    notes: part('remarks'),
    failure: part('failure'),
    meta: decode(/data-meta[^>]*>([\s\S]*?)<\/p>/.exec(last)?.[1] ?? ''),
  }
}

/** The first operation of the reference, with its fields unchanged. */
async function tryOnce(system_name: string, application: string): Promise<string> {
  const reference = await mary.get(`/models/${system_name}/reference`)
  const body = JSON.stringify({ model: '', messages: [{ role: 'user', content: 'hello' }] })
  return decode((await mary.submit(reference, /\/reference/, { application, body })).text)
}

async function playLists(t: Test, { type }: ModelServer, application: string): Promise<void> {
  const form = await mary.get(`/playground?application=${application}`)
  const [values, words] =
    type === 'rerank'
      ? [{ query: 'paris', documents: 'berlin\nparis' }, /Ranked documents[\s\S]*ranking-text">paris/]
      : [{ input: 'same\nsame\nother' }, 'Most similar: “same” and “same” (1.00)']
  t.match(decode((await mary.submit(form, /^\/playground$/, values)).text), words)
}
