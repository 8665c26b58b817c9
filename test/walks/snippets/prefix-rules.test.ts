import { parseEnv } from 'node:util'
import t from 'tap'
import type { Application } from '../../../src/features/applications/schemas.js'
import { clients } from '../../../src/features/snippets/clients.js'
import { createSnippets } from '../../../src/features/snippets/snippets.js'
import { until } from '../../helper/faults.js'
import { codeOf, createVisitor, decode } from '../../helper/visitor.js'
import { type DefaultCell, shown, startDefaultProducts } from '../../snippets/default-products.js'
import { answered, expectOk } from '../../snippets/matrix.js'
import { readContinue, readDocker, readSecret, wantedOfContinue } from '../../snippets/read.js'
import { each, environmentOf, inNewShell, startNode, startNotebooks, startPython } from '../../snippets/runners.js'

const folder = t.testdir({ node: {}, python: {}, shell: {} })
const products = await startDefaultProducts(folder)
const python = startPython(`${folder}/python`)
const llamaindex = startPython(`${folder}/llamaindex`, 'llamaindex')
const notebooks = startNotebooks(`${folder}/notebooks`)
const node = startNode(`${folder}/node`)
t.teardown(async () => {
  for (const { stop } of [python, llamaindex, notebooks, node]) stop()
  await products.close()
})
const { stack, api, token, cells } = products

/** The code of a cell while the id is unknown, and once it is known; both with the key. */
const all = cells.flatMap((cell) => {
  const credentials = cell.application.credentials
  const unknown = createSnippets().forModel(cell.before.model, { credentials })
  return [
    { cell: { ...cell, model: cell.before.model }, asks: true, snippets: unknown },
    { cell, asks: false, snippets: cell.snippets },
  ]
})
/** The snippets of one client that can send the request. */
const able = (client: string) =>
  all.flatMap(({ cell, asks, snippets }) => {
    const snippet = snippets.find((candidate) => candidate.client === client)
    return snippet && !snippet.alternative ? [{ cell, asks, snippet, env: environmentOf(cell) }] : []
  })

t.test('with default settings a product is a chat model, with one address on page, API and code', async (t) => {
  t.equal(cells.length, 18)
  const visitor = createVisitor(stack)
  for (const { name, base, before, model, application } of cells) {
    const base_url = before.model.endpoint + base
    t.match(before.model, { type: 'chat', base_url, model_id: null, sources: { type: 'assumed' } }, name)
    t.match(
      model,
      { type: 'chat', base_url, model_id: 'ibm-granite/granite-3.3-8b-instruct' },
      `${name}: detected since`,
    )
    t.match(model.sources, { type: 'assumed', model_id: 'model_server' }, name)
    t.equal(application.base_url, base_url)
    const page = decode((await visitor.get(`/models/${model.system_name}`)).text)
    t.match(page, base_url)
    t.match(page, 'assumed, because the mapping rules are prefixes')
    t.match(codeOf(page, 'curl'), `${base_url}/chat/completions`)
    const listed = await expectOk(api.get<{ items: { system_name: string }[] }>('/models?type=chat&limit=100'))
    t.ok(listed.items.some(({ system_name }) => system_name === model.system_name))
  }
})

t.test('while the id is unknown, the code requests it and states this', async (t) => {
  for (const { name, before, base } of cells) {
    const code = (client: string) => before.snippets.find((snippet) => snippet.client === client)?.code ?? ''
    for (const client of ['curl', 'python-requests', 'js-fetch']) {
      t.match(code(client), `${before.model.endpoint}${base}/models`, `${name} ${client}`)
      t.match(code(client), 'The portal does not know the model ID', `${name} ${client}`)
    }
  }
})

t.test('every client has code for every way to send a credential, or names an alternative', async (t) => {
  for (const { cell, snippets } of all) {
    t.same(
      snippets.map(({ client }) => client),
      clients.map(({ client }) => client),
    )
    for (const { client, code, note, alternative, with_key } of snippets) {
      if (!alternative) t.ok(code !== '' && with_key, `${cell.name}: ${client}`)
      else t.ok(code === '' && note && snippets.some((other) => other.client === alternative && !other.alternative))
    }
  }
})

t.test('curl: every snippet with the key runs in a new shell', async (t) => {
  const texts = able('curl')
  t.equal(texts.length, 36)
  const ran = await each(texts, 3, ({ snippet }) => inNewShell(snippet.with_key ?? '', `${folder}/shell`))
  for (const [index, { cell, snippet }] of texts.entries()) {
    t.match(ran[index]?.out, answered.chat, `${cell.name}: ${snippet.with_key}`)
    t.ok(ran[index]?.ok, cell.name)
  }
})

const runners = {
  'python-requests': python.run,
  'python-openai': python.run,
  'langchain-python': python.run,
  llamaindex: llamaindex.run,
  jupyter: notebooks.execute,
  'js-openai': node.run,
  'js-fetch': node.run,
  'langchain-js': node.run,
}
for (const [client, run] of Object.entries(runners)) {
  t.test(`${client}: every snippet runs`, async (t) => {
    const texts = able(client)
    t.equal(texts.length, client === 'llamaindex' ? 24 : 36, 'LlamaIndex sends no parameters in the query')
    for (const { cell, snippet, env } of texts) {
      const { ok, out } = await run(snippet.code, env)
      t.match(out, answered.chat, `${cell.name}: ${snippet.code}`)
      t.ok(ok, cell.name)
    }
  })
}

t.test('.env: its variables and its command run the real client', async (t) => {
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

t.test('Continue, Open WebUI and a Kubernetes Secret are read by their programs with the same address', async (t) => {
  for (const { cell, asks, snippet } of able('continue')) {
    const required = { ...wantedOfContinue(cell), model: asks ? 'AUTODETECT' : cell.model.model_id }
    t.match(readContinue(snippet.with_key ?? '').model, required, cell.name)
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
})

t.test('Test it, playground and reference send the same request, with no further call to 3scale', async (t) => {
  const ada = createVisitor(stack)
  await ada.signIn('ada')
  for (const cell of oneOfEachBase()) {
    const { id } = cell.application
    const tested = await ada.submit(await ada.get(`/applications/${id}`), /\/test$/)
    t.match(tested.text, 'The model responded', cell.name)
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

t.test('an id that was unknown at creation is detected by the playground and stored', async (t) => {
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

t.test('for a model that is not a chat model, Test it states that the type was assumed', async (t) => {
  const product = await products.addProduct({ rules: [['POST', '/', 'hits']], server: 'nomic' })
  await shown(api, product)
  const body = { model: product, plan: 'basic', name: 'vectors', fields: { purpose: 'Experiment' } }
  const { id } = await expectOk(api.post<Application>('/applications', token, body))
  const ada = createVisitor(stack)
  await ada.signIn('ada')
  const tested = await ada.submit(await ada.get(`/applications/${id}`), /\/test$/)
  t.match(tested.text, 'The type of this model (Chat) is assumed')
})

t.test('prefix rules cost no extra call to 3scale in the catalogue or when an application is created', async (t) => {
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
  t.same(costs[1], costs[0], 'as many as for a product with a rule for each request')
})

t.test('the revocation check of a product with prefix rules sends a request that runs no model', async (t) => {
  const cell = cells.find(({ way }) => way === '1 query')
  const path = `/applications/${cell?.application.id}`
  const { revocation_check: check } = await expectOk(
    api.post<{ revocation_check: { key_id: string } }>(`${path}/rotate`, token, {}),
  )
  const read = async () =>
    (await api.get<{ status: string }>(`${path}/keys/${check.key_id}/revocation-check`, token)).body
  await until('the check has ended', async () => (await read()).status === 'completed')
  t.match(await read(), { refused: true, reason: null, request: { method: 'GET', path: '/maas-portal-probe' } })
})

function oneOfEachBase(): DefaultCell[] {
  return cells.filter(({ way }) => way === '2 query')
}

/** Excludes the reads of background tasks. */
function catalogued(calls: Record<string, number>): Record<string, number> {
  const own = /applications|accounts|users/
  return Object.fromEntries(Object.entries(calls).filter(([call]) => own.test(call) && !/application_plans/.test(call)))
}
