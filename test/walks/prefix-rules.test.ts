import { parseEnv } from 'node:util'
import t from 'tap'
import type { Application } from '../../src/features/applications/schemas.js'
import { clients } from '../../src/features/snippets/clients.js'
import { createSnippets } from '../../src/features/snippets/snippets.js'
import { until } from '../helper/faults.js'
import { codeOf, createVisitor, decode } from '../helper/visitor.js'
import { type DefaultCell, shown, startDefaultProducts } from '../snippets/default-products.js'
import { answered, expectOk } from '../snippets/matrix.js'
import { readContinue, readDocker, readSecret, unknownArguments, wantedOfContinue } from '../snippets/read.js'
import { nameOf, readRecording, replay } from '../snippets/recording.js'
import { each, environmentOf, inNewShell, startNode, startPython } from '../snippets/runners.js'

const folder = t.testdir({ node: {}, python: {}, shell: {} })
const products = await startDefaultProducts(folder)
const python = startPython(`${folder}/python`)
const node = startNode(`${folder}/node`)
t.teardown(async () => {
  python.stop()
  node.stop()
  await products.close()
})
const { stack, api, token, cells } = products

/** The code of a cell as it is while nobody knows the id, and as it is afterwards; both with the key. */
const all = cells.flatMap((cell) => {
  const credentials = cell.application.credentials
  const unknown = createSnippets().forModel(cell.before.model, { credentials })
  return [
    { cell: { ...cell, model: cell.before.model }, asks: true, snippets: unknown },
    { cell, asks: false, snippets: cell.snippets },
  ]
})
/** The texts of one client that can make the call. */
const able = (client: string) =>
  all.flatMap(({ cell, asks, snippets }) => {
    const snippet = snippets.find((candidate) => candidate.client === client)
    return snippet && !snippet.nearest ? [{ cell, asks, snippet, env: environmentOf(cell) }] : []
  })

t.test(
  'a product with default settings is a chat model, and page, API and code agree where it is called',
  async (t) => {
    t.equal(cells.length, 18)
    const visitor = createVisitor(stack)
    for (const { name, base, before, model, application } of cells) {
      const base_url = before.model.endpoint + base
      t.match(before.model, { type: 'chat', base_url, model_id: null, sources: { type: 'assumed' } }, name)
      t.match(
        model,
        { type: 'chat', base_url, model_id: 'ibm-granite/granite-3.3-8b-instruct' },
        `${name}: asked since`,
      )
      t.match(model.sources, { type: 'assumed', model_id: 'model_server' }, name)
      t.equal(application.base_url, base_url)
      const page = decode((await visitor.get(`/models/${model.system_name}`)).text)
      t.match(page, base_url)
      t.match(page, 'assumed, because the mapping rules name no call')
      t.match(codeOf(page, 'curl'), `${base_url}/chat/completions`)
      const listed = await expectOk(api.get<{ items: { system_name: string }[] }>('/models?type=chat&limit=100'))
      t.ok(listed.items.some(({ system_name }) => system_name === model.system_name))
    }
  },
)

t.test('while nobody knows the id, the code asks for it and says so', async (t) => {
  for (const { name, before, base } of cells) {
    const code = (client: string) => before.snippets.find((snippet) => snippet.client === client)?.code ?? ''
    for (const client of ['curl', 'python-requests', 'js-fetch']) {
      t.match(code(client), `${before.model.endpoint}${base}/models`, `${name} ${client}`)
      t.match(code(client), 'The id of this model is not known to the portal', `${name} ${client}`)
    }
  }
})

t.test('every client has code for every way to send a credential, or says who can', async (t) => {
  for (const { cell, snippets } of all) {
    t.same(
      snippets.map(({ client }) => client),
      clients.map(({ client }) => client),
    )
    for (const { client, code, note, nearest, with_key } of snippets) {
      if (!nearest) t.ok(code !== '' && with_key, `${cell.name}: ${client}`)
      else t.ok(code === '' && note && snippets.some((other) => other.client === nearest && !other.nearest))
    }
  }
})

t.test('curl: every text with the key runs in a new shell', async (t) => {
  const texts = able('curl')
  t.equal(texts.length, 36)
  const ran = await each(texts, 3, ({ snippet }) => inNewShell(snippet.with_key ?? '', `${folder}/shell`))
  for (const [index, { cell, snippet }] of texts.entries()) {
    t.match(ran[index]?.out, answered.chat, `${cell.name}: ${snippet.with_key}`)
    t.ok(ran[index]?.ok, cell.name)
  }
})

for (const client of ['python-requests', 'js-openai', 'js-fetch', 'langchain-js']) {
  t.test(`${client}: every text runs`, async (t) => {
    const texts = able(client)
    t.equal(texts.length, 36)
    for (const { cell, snippet, env } of texts) {
      const ran = await (client === 'python-requests' ? python : node).run(snippet.code, env)
      t.match(ran.out, answered.chat, `${cell.name}: ${snippet.code}`)
      t.ok(ran.ok, cell.name)
    }
  })
}

t.test('.env: its variables and its own line drive the real client to the answer', async (t) => {
  for (const { cell, snippet } of able('env')) {
    const variables = parseEnv(snippet.with_key ?? '') as Record<string, string>
    const line = /^# JavaScript: (new OpenAI\(.*\))$/m.exec(snippet.with_key ?? '')?.[1] ?? 'new OpenAI()'
    const js = createSnippets().forModel(cell.model, { only: 'js-openai' })[0]?.code ?? ''
    const ran = await node.run(
      js.replace(/^const client = new OpenAI\(\{[\s\S]*?^\}\);$/m, `const client = ${line};`),
      variables,
    )
    t.match(ran.out, answered.chat, `${cell.name}: ${snippet.with_key}`)
  }
})

t.test('openai, LangChain and Jupyter for Python: what the real packages sent is answered', async (t) => {
  const recording = readRecording()
  for (const client of ['python-openai', 'langchain-python', 'jupyter']) {
    const texts = able(client)
    t.equal(texts.length, 36)
    for (const { cell, snippet } of texts) {
      const { status, text } = await replay(recording, nameOf(client, snippet.code, cell), cell)
      t.equal(status, 200, `${cell.name} ${client}: ${text.slice(0, 300)}`)
      t.match(text, answered.chat)
    }
  }
})

t.test(
  'LlamaIndex, Continue, Open WebUI and a Kubernetes Secret: what they read leads to the same address',
  async (t) => {
    for (const { cell, snippet } of able('llamaindex')) {
      const read = await python.read(snippet.code)
      t.same(unknownArguments(read), [], cell.name)
      t.ok(read.texts.includes(cell.model.base_url), cell.name)
    }
    for (const { cell, asks, snippet } of able('continue')) {
      const wanted = { ...wantedOfContinue(cell), model: asks ? 'AUTODETECT' : cell.model.model_id }
      t.match(readContinue(snippet.with_key ?? '').model, wanted, cell.name)
    }
    for (const { cell, snippet } of able('open-webui')) {
      const values = Object.values(await readDocker(snippet.with_key ?? '', `${folder}/shell/docker`))
      t.ok(
        values.includes(cell.model.base_url) && values.includes(cell.application.credentials.user_key ?? ''),
        cell.name,
      )
    }
    for (const { cell, snippet } of able('kubernetes-secret'))
      t.ok(Object.values(readSecret(snippet.with_key ?? '')).includes(cell.model.base_url), cell.name)
  },
)

t.test('Test it, the playground and the reference make the same call, which asks nothing more of 3scale', async (t) => {
  const ada = createVisitor(stack)
  await ada.signIn('ada')
  for (const cell of oneOfEachBase()) {
    const { id } = cell.application
    const tested = await ada.submit(await ada.get(`/applications/${id}`), /\/test$/)
    t.match(tested.text, 'The model answered', cell.name)
    t.match(tested.text, answered.chat)
    const form = { application: String(id), prompt: 'good morning', turns: '[]' }
    const streamed = await ada.post('/playground/stream', form)
    t.equal(streamed.status, 200, streamed.text)
    t.match(streamed.text, 'event: finish')
    const reference = await ada.get(`/models/${cell.model.system_name}/reference`)
    t.match(reference.text, `${cell.base}/chat/completions`)
    const operation = `post${cell.base.replaceAll('/', '-')}-chat-completions`
    const body = JSON.stringify({ model: '', messages: [{ role: 'user', content: 'hello' }] })
    const path = `/models/${cell.model.system_name}/reference`
    const tried = await ada.post(path, { operation, application: String(id), type: 'application/json', body })
    t.match(decode(tried.text), answered.chat, `${cell.name}: the empty id is filled in`)
  }
})

t.test('the id was not known when the application was created: the playground asks, and it is kept', async (t) => {
  const product = await products.addProduct({ rules: [['POST', '/', 'hits']] })
  await shown(api, product)
  await stack.parts.gateway?.stop('SIGKILL')
  const body = { model: product, plan: 'basic', name: 'early', fields: { purpose: 'Experiment' } }
  const { id } = await expectOk(api.post<Application>('/applications', token, body))
  await stack.part('gateway')
  t.equal((await shown(api, product)).model_id, null)
  const ada = createVisitor(stack)
  await ada.signIn('ada')
  const form = { application: String(id), prompt: 'good morning', turns: '[]' }
  const streamed = await ada.post('/playground/stream', form)
  t.equal(streamed.status, 200, streamed.text)
  t.match(streamed.text, 'event: finish')
  t.equal((await shown(api, product)).model_id, 'ibm-granite/granite-3.3-8b-instruct')
})

t.test('a model that is no chat model: Test it says that the type was assumed', async (t) => {
  const product = await products.addProduct({ rules: [['POST', '/', 'hits']], server: 'nomic' })
  await shown(api, product)
  const body = { model: product, plan: 'basic', name: 'vectors', fields: { purpose: 'Experiment' } }
  const { id } = await expectOk(api.post<Application>('/applications', token, body))
  const ada = createVisitor(stack)
  await ada.signIn('ada')
  const tested = await ada.submit(await ada.get(`/applications/${id}`), /\/test$/)
  t.match(tested.text, 'The type of this model (Chat) is assumed')
})

t.test(
  'prefix rules cost 3scale no call: not when the catalogue is shown, nor when an application is created',
  async (t) => {
    await stack.resetCalls()
    for (const { model } of oneOfEachBase()) {
      for (const path of [`/models/${model.system_name}`, `/models/${model.system_name}/snippets`])
        t.equal((await api.get(path)).status, 200)
    }
    t.same(catalogued(await stack.calls()), {})
    const costs = []
    for (const model of ['granite-chat', cells[0]?.model.system_name ?? '']) {
      await stack.resetCalls()
      await expectOk(
        api.post('/applications', token, { model, plan: 'basic', name: 'counted', fields: { purpose: 'Experiment' } }),
      )
      costs.push(catalogued(await stack.calls()))
    }
    t.same(costs[1], costs[0], 'as many as for a product whose rules name each call')
  },
)

t.test('a replaced key is checked at a product with prefix rules too, by a request that runs no model', async (t) => {
  const cell = cells.find(({ way }) => way === '1 query')
  const path = `/applications/${cell?.application.id}`
  const { receipt } = await expectOk(api.post<{ receipt: { key_id: string } }>(`${path}/rotate`, token, {}))
  const read = async () => (await api.get<{ status: string }>(`${path}/keys/${receipt.key_id}/receipt`, token)).body
  await until('the check has ended', async () => (await read()).status === 'completed')
  t.match(await read(), { refused: true, reason: null, request: { method: 'GET', path: '/maas-portal-probe' } })
})

function oneOfEachBase(): DefaultCell[] {
  return cells.filter(({ way }) => way === '2 query')
}

/** Without what the background reads at its own times. */
function catalogued(calls: Record<string, number>): Record<string, number> {
  const own = /applications|accounts|users/
  return Object.fromEntries(Object.entries(calls).filter(([call]) => own.test(call) && !/application_plans/.test(call)))
}
