import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseEnv } from 'node:util'
import t from 'tap'
import type { Application } from '../../src/features/applications/schemas.js'
import { clients } from '../../src/features/snippets/clients.js'
import { proofs } from '../../src/features/snippets/proofs.js'
import type { Snippet } from '../../src/features/snippets/schemas.js'
import { createSnippets } from '../../src/features/snippets/snippets.js'
import { launchBrowser } from '../helper/browser.js'
import { readCmd } from '../snippets/cmd.js'
import { answered, type Cell, expectOk, hostile, readCell, startMatrix } from '../snippets/matrix.js'
import { createPowerShell } from '../snippets/powershell.js'
import { readContinue, readDocker, readSecret, unknownArguments, wantedOfContinue } from '../snippets/read.js'
import { nameOf, readRecording, replay } from '../snippets/recording.js'
import { sendOverHttp } from '../snippets/requests.js'
import { startRoute } from '../snippets/route.js'
import { each, environmentOf, inNewShell, runCurl, startNode, startPython } from '../snippets/runners.js'
import { createTally, writeProofs } from '../snippets/tally.js'

const folder = t.testdir({ node: {}, python: {}, shell: {} })
const matrix = await startMatrix(folder)
const python = startPython(`${folder}/python`)
const node = startNode(`${folder}/node`)
const tally = createTally()
t.teardown(async () => {
  python.stop()
  node.stop()
  await matrix.close()
})
const { cells, stack, api, token } = matrix

/** The snippets of one client that can make the call, each with its cell. */
const able = (client: string, of: Cell[] = cells) =>
  of.flatMap((cell) => {
    const snippet = cell.snippets.find((candidate) => candidate.client === client)
    return snippet && !snippet.nearest ? [{ cell, snippet, env: environmentOf(cell) }] : []
  })

/** The same cells as if nothing had told the id: the code then asks for it. */
const asking = cells.map((cell): Cell => {
  const model = { ...cell.model, model_id: null }
  return { ...cell, model, snippets: createSnippets().forModel(model, { credentials: cell.application.credentials }) }
})

t.test('the matrix is whole: every client has code for every cell, or says why not and who can', async (t) => {
  t.equal(cells.length, 80)
  for (const { name, snippets } of cells) {
    t.same(
      snippets.map(({ client }) => client),
      clients.map(({ client }) => client),
      name,
    )
    for (const { client, code, note, nearest, with_key } of snippets) {
      if (!nearest) {
        t.ok(code !== '' && with_key, `${name}: ${client}`)
        continue
      }
      const instead = snippets.find((candidate) => candidate.client === nearest)
      t.ok(code === '' && note && instead && !instead.nearest, `${name}: ${client} names ${nearest}`)
    }
  }
})

t.test('curl: every text with the key runs in a new shell', async (t) => {
  const few = asking.filter(({ way, type }) => way === 'key-bearer' || type === 'chat')
  const all = [...able('curl'), ...able('curl', few)]
  const ran = await each(all, 4, ({ cell, snippet }) => {
    const own = `${folder}/shell/${cell.name.replace(' ', '-')}-${cell.model.model_id ? 'told' : 'asking'}`
    return inNewShell(`${snippet.with_key}\ntest ! -f speech.wav || echo speech.wav is written`, own)
  })
  for (const [index, { cell, snippet }] of all.entries()) {
    t.match(ran[index]?.out, answered[cell.type], `${cell.name}: ${snippet.with_key}`)
    t.ok(ran[index]?.ok, cell.name)
    tally.add('run', 'curl')
  }
})

t.test('PowerShell: what its code sends, read by the grammar and the documented rules, is answered', async (t) => {
  const powershell = await createPowerShell()
  for (const { cell, snippet, env } of [...able('powershell'), ...able('powershell', asking)])
    for (const [code, given] of [
      [snippet.code, env],
      [snippet.with_key ?? '', {}],
    ] as const) {
      const { out, files } = await powershell.run(code, { env: given, send: sendOverHttp })
      const written = Object.entries(files).map(([name, { length }]) => `${name} is written, ${length > 100}`)
      t.match(`${out}${written}`, answered[cell.type], `${cell.name}: ${code}`)
      tally.add('parsed', 'powershell')
    }
})

t.test('cmd: the words that Windows makes of its code are answered, at the prompt and in a batch file', async (t) => {
  const own = `${folder}/shell/cmd`
  mkdirSync(own, { recursive: true })
  writeFileSync(`${own}/recording.wav`, 'RIFF')
  for (const { cell, snippet, env } of able('cmd'))
    for (const mode of ['prompt', 'batch'] as const)
      for (const [code, given] of [
        [snippet.code, env],
        [snippet.with_key ?? '', {}],
      ] as const) {
        const [words = []] = readCmd(code, mode, given).calls
        const { ok, out } = await runCurl(words, own)
        t.ok(ok, `${cell.name} ${mode}: ${out}`)
        t.match(
          cell.type === 'text_to_speech' ? 'speech.wav is written' : out,
          answered[cell.type],
          `${cell.name} ${mode}: ${code}`,
        )
        tally.add('parsed', 'cmd')
      }
  t.ok(existsSync(`${own}/speech.wav`))
  const left = cells.flatMap(({ way, snippets }) =>
    snippets.some(({ client, nearest }) => client === 'cmd' && nearest) ? [way] : [],
  )
  t.same(
    [...new Set(left)].sort(),
    ['token-bearer', 'token-header', 'token-query'],
    'tokens alone are left to PowerShell',
  )
})

t.test('Python requests: every text runs in Debian’s Python', async (t) => {
  for (const { cell, snippet, env } of [...able('python-requests'), ...able('python-requests', asking)]) {
    const ran = await python.run(snippet.code, env)
    t.match(ran.out, answered[cell.type], `${cell.name}: ${snippet.code}`)
    t.ok(ran.ok, cell.name)
    tally.add('run', 'python-requests')
  }
})

for (const client of ['js-openai', 'js-fetch', 'langchain-js']) {
  t.test(`${client}: every text runs in Node.js`, async (t) => {
    for (const { cell, snippet, env } of [...able(client), ...able(client, asking)]) {
      const ran = await node.run(snippet.code, env)
      t.match(ran.out, answered[cell.type], `${cell.name}: ${snippet.code}`)
      t.ok(ran.ok, cell.name)
      tally.add('run', client)
    }
  })
}

t.test('the key and the code in one text: one of each way, in a new shell with an empty environment', async (t) => {
  const of = (client: string, ways: RegExp) =>
    able(client).filter(({ cell }) => cell.type === 'chat' && ways.test(cell.way))
  const some = [
    ...of('python-requests', /./),
    ...of('js-openai', /./),
    ...of('js-fetch', /bearer|basic|query/),
    ...of('langchain-js', /key-bearer|id-basic/),
  ]
  t.equal(some.length, 28)
  const ran = await each(some, 3, ({ snippet }) => inNewShell(snippet.with_key ?? '', `${folder}/node`))
  for (const [index, { cell, snippet }] of some.entries())
    t.match(ran[index]?.out, answered.chat, `${cell.name}: ${snippet.with_key}`)
})

t.test('.env: its variables and its own line drive the real client to the answer', async (t) => {
  for (const { cell, snippet } of able('env')) {
    const text = snippet.with_key ?? ''
    const sourced = await inNewShell(`set -a; . /dev/stdin <<'ENV'\n${text}\nENV\nenv -0`, `${folder}/shell/env`)
    const variables = variablesOf(sourced.out)
    t.same(
      variablesOf(
        Object.entries(parseEnv(text))
          .map((pair) => pair.join('='))
          .join('\0'),
      ),
      variables,
      cell.name,
    )
    const shellLine = /^# Shell, [^:]*: (export OPENAI_API_KEY=.*)$/m.exec(text)?.[1]
    if (shellLine) {
      const exported = await inNewShell(`${shellLine}\nenv -0`, `${folder}/shell/env`, variables)
      Object.assign(variables, variablesOf(exported.out))
    }
    const line = /^# JavaScript: (new OpenAI\(.*\))$/m.exec(text)?.[1] ?? 'new OpenAI()'
    const js = cell.snippets.find(({ client }) => client === 'js-openai')?.code ?? ''
    const code = js.replace(/^const client = new OpenAI\(\{[\s\S]*?^\}\);$/m, `const client = ${line};`)
    t.not(code, js)
    const ran = await node.run(code, variables)
    t.match(ran.out, answered[cell.type], `${cell.name}: ${text}\n${code}`)
    tally.add('run', 'env')
  }
})

t.test('Continue: its own parser and schema read the file, and the credential is where it belongs', async (t) => {
  for (const { cell, snippet } of able('continue')) {
    const { model } = readContinue(snippet.with_key ?? '')
    t.match(model, wantedOfContinue(cell), cell.name)
    const without = readContinue(snippet.code)
    t.match(without.model, { apiBase: cell.model.base_url, model: cell.model.model_id ?? '' })
    if (cell.application.credentials.mode !== 'oidc') t.ok(without.secrets.length > 0, 'the key comes from a secret')
    tally.add('parsed', 'continue')
  }
})

t.test('Open WebUI: bash hands over variables that it knows', async (t) => {
  const all = able('open-webui')
  const read = await each(all, 4, ({ snippet }) => readDocker(snippet.with_key ?? '', `${folder}/shell/docker`))
  for (const [index, { cell }] of all.entries()) {
    const values = Object.values(read[index] ?? {})
    const { user_key } = cell.application.credentials
    t.ok(values.includes(cell.model.model_id ?? ''), cell.name)
    t.ok(values.some((value) => value.startsWith(cell.model.base_url)))
    t.ok(values.some((value) => (user_key ? value === user_key : /^[\w-]+\.[\w-]+\.[\w-]+$/.test(value))))
    tally.add('parsed', 'open-webui')
  }
})

t.test('Kubernetes Secret: YAML that the schema takes, with the same variables as .env', async (t) => {
  for (const { cell, snippet } of able('kubernetes-secret')) {
    const env = cell.snippets.find(({ client }) => client === 'env')
    t.same(readSecret(snippet.with_key ?? ''), { ...parseEnv(env?.with_key ?? '') }, cell.name)
    t.same(Object.keys(readSecret(snippet.code)).sort(), Object.keys(parseEnv(env?.code ?? '')).sort())
    tally.add('parsed', 'kubernetes-secret')
  }
})

t.test('Jupyter: nbformat takes the notebook, and its code is the code of the openai client', async (t) => {
  for (const { cell, snippet } of able('jupyter')) {
    for (const text of [snippet.code, snippet.with_key ?? '']) {
      t.ok((await python.checkNotebook(text)).ok, cell.name)
      const cellsOfIt = (JSON.parse(text) as { cells: { cell_type: string; source: string[] }[] }).cells
      const codes = cellsOfIt.filter(({ cell_type }) => cell_type === 'code').map(({ source }) => source.join(''))
      t.equal(codes.at(-1), cell.snippets.find(({ client }) => client === 'python-openai')?.code)
      for (const code of codes.filter((candidate) => !candidate.startsWith('%'))) t.ok((await python.read(code)).ok)
    }
  }
})

t.test('openai, LangChain and Jupyter for Python: what the real packages sent is answered', async (t) => {
  const recording = readRecording()
  for (const { name, version, sha256 } of recording.packages)
    t.match(`${name} ${version} ${sha256}`, /^[\w-]+ [\d.]+ [0-9a-f]{64}$/)
  for (const client of ['python-openai', 'langchain-python', 'jupyter']) {
    for (const { cell, snippet } of [...able(client), ...able(client, asking)]) {
      const { status, text } = await replay(recording, nameOf(client, snippet.code, cell), cell)
      t.equal(status, 200, `${cell.name} ${client}: ${text.slice(0, 300)}; changed code is recorded anew by record.ts`)
      t.match(cell.type === 'text_to_speech' ? `${text.slice(0, 4)} speech.wav is written` : text, answered[cell.type])
      if (status === 200) tally.add('replayed', client)
    }
  }
})

t.test('LlamaIndex: Python that parses, with arguments that it documents', async (t) => {
  for (const { cell, snippet } of [...able('llamaindex'), ...able('llamaindex', asking)]) {
    const read = await python.read(snippet.code)
    t.ok(read.ok, snippet.code)
    t.same(unknownArguments(read), [], cell.name)
    tally.add('parsed', 'llamaindex')
  }
})

t.test('no text without the key holds a secret, and every text with it holds one', async (t) => {
  for (const cell of cells) {
    const { user_key, app_keys, client_secret } = cell.application.credentials
    const secret = user_key ?? app_keys?.[0] ?? client_secret ?? ''
    for (const { client, code, with_key, nearest } of cell.snippets) {
      t.ok(secret.length > 20 && !code.includes(secret), `${cell.name} ${client}`)
      if (nearest || (client === 'continue' && cell.way.startsWith('token'))) continue
      const { app_id } = cell.application.credentials
      t.ok(
        with_key?.includes(secret) || with_key?.includes(btoa(`${app_id}:${secret}`)),
        `${cell.name} ${client} with key`,
      )
    }
  }
})

/** An application of the caller for a product, with what its owner may read. */
async function take(model: string) {
  const body = { model, name: `for ${model}`, fields: { purpose: 'Experiment' } }
  const { id } = await expectOk(api.post<Application>('/applications', token, body))
  await stack.settled()
  return { id, ...(await readCell(api, token, model, id)) }
}

const codeOf = (cell: Pick<Cell, 'snippets'>, client: string) => cell.snippets.find((one) => one.client === client)

t.test('a conversation as it was sent, with parameters and as a stream, runs in each client', async (t) => {
  const cell = cells.find(({ name }) => name === 'key-bearer chat') as Cell
  const messages = [
    { role: 'system', content: "It's short." },
    { role: 'user', content: 'Say "hi" to $HOME' },
  ]
  for (const stream of [false, true]) {
    const body = { messages, temperature: 0.5, max_tokens: 20, ...(stream ? { stream } : {}) }
    const credentials = cell.application.credentials
    const texts = { snippets: createSnippets().forModel(cell.model, { credentials, body }) }
    for (const client of ['js-openai', 'js-fetch', 'langchain-js', 'python-requests', 'curl']) {
      const { code = '', with_key = '' } = codeOf(texts, client) ?? {}
      const env = environmentOf(cell)
      const ran =
        client === 'curl'
          ? await inNewShell(with_key, `${folder}/shell`)
          : await (client === 'python-requests' ? python : node).run(code, env)
      const said = ran.out.replace(/"delta":\{"content":"((?:[^"\\]|\\.)*)"|[\s\S]/g, '$1') || ran.out
      t.match(said.replaceAll('\\"', '"'), 'you said: Say "hi" to $HOME', `${client} ${code}`)
    }
  }
})

t.test('a product added while all runs has code that runs, within CATALOG_TTL and without a restart', async (t) => {
  const answer = await fetch(`${stack.threescale}/_demo/products?count=1`, { method: 'POST' })
  const { products } = (await answer.json()) as { products: { system_name: string }[] }
  const name = products[0]?.system_name ?? ''
  const before = Date.now()
  while ((await api.get(`/models/${name}`)).status !== 200 && Date.now() - before < 20_000) await sleep(100)
  const body = { model: name, plan: 'basic', name: 'fresh', fields: { purpose: 'Experiment' } }
  const { id } = await expectOk(api.post<Application>('/applications', token, body))
  await stack.settled()
  const ran = await inNewShell(codeOf(await readCell(api, token, name, id), 'curl')?.with_key ?? '', `${folder}/shell`)
  t.match(ran.out, /I am demo-org\/Added-/)
})

t.test('a backend with /v1 and rules without it: the base address has none, and the code runs', async (t) => {
  const cell = await take('deepseek-v1')
  t.equal(cell.model.base_url, cell.model.endpoint)
  const env = environmentOf(cell)
  for (const client of ['js-openai', 'langchain-js'])
    t.match((await node.run(codeOf(cell, client)?.code ?? '', env)).out, /I am deepseek-ai/, client)
  t.match((await python.run(codeOf(cell, 'python-requests')?.code ?? '', env)).out, /I am deepseek-ai/)
  t.match((await inNewShell(codeOf(cell, 'curl')?.with_key ?? '', `${folder}/shell`)).out, /I am deepseek-ai/)
})

t.test('an address that 3scale writes with :443 runs through a route, certificate and all', async (t) => {
  const cell = await take('codestral-443')
  const host = new URL(cell.model.endpoint).hostname
  t.match(stateOf(await stack.state(), 'codestral-443'), `https://${host}:443`)
  const route = await startRoute(host, stack.port + 6, `${folder}/shell`)
  const ran = await inNewShell(codeOf(cell, 'curl')?.with_key ?? '', `${folder}/shell`, { CURL_HOME: route.home })
  route.close()
  t.match(ran.out, /I am mistralai\/Codestral/)
})

t.test('a custom key with signs that encoding would change arrives as it is', async (t) => {
  const cell = cells.find(({ name }) => name === 'key-query chat')
  await stack.put(`/_demo/applications/${cell?.application.id}`, { user_key: 'abc+def/ghi==' })
  const odd = await readCell(api, token, cell?.model.system_name ?? '', cell?.application.id ?? 0)
  const env = environmentOf(odd)
  t.same(env, { MAAS_API_KEY: 'abc+def/ghi==' })
  t.match((await node.run(codeOf(odd, 'js-fetch')?.code ?? '', env)).out, answered.chat)
  t.match((await python.run(codeOf(odd, 'python-requests')?.code ?? '', env)).out, answered.chat)
  t.match((await inNewShell(codeOf(odd, 'curl')?.with_key ?? '', `${folder}/shell`)).out, answered.chat)
  t.match(codeOf(odd, 'js-openai'), { code: '', nearest: 'js-fetch', note: 'percent-encodes' })
})

t.test('code for an application: its owner alone, its own model, the key only on request', async (t) => {
  const [cell] = cells
  const path = `/models/${cell?.model.system_name}/snippets`
  const id = cell?.application.id
  const plain = await api.get<{ items: Snippet[] }>(`${path}?application_id=${id}`, token)
  t.ok(plain.body.items.every(({ with_key }) => with_key === undefined))
  const one = await api.get<{ items: Snippet[] }>(`${path}?application_id=${id}&client=env&reveal=true`, token)
  t.same(
    one.body.items.map(({ client }) => client),
    ['env'],
  )
  t.match(one.body.items[0]?.with_key, cell?.application.credentials.user_key ?? '-')
  t.equal(one.headers.get('cache-control'), 'no-store')
  t.equal((await api.get(`${path}?application_id=${id}&reveal=true`)).status, 401, 'a visitor')
  const other = (await stack.state()).applications.find(({ name }) => name === 'other chat')
  t.equal((await api.get(`/models/granite-chat/snippets?application_id=${other?.id}`, token)).status, 404)
  t.equal((await api.get(`/models/granite-chat/snippets?application_id=${id}`, token)).status, 422, 'another model')
  t.equal((await api.get(`/models/nowhere/snippets`, token)).status, 404)
})

t.test(
  'hostile facts in the page: shown as they are, nothing runs; keyboard and no scripts choose clients',
  async (t) => {
    const browser = await launchBrowser()
    t.teardown(() => browser.close())
    const { items } = (await api.get<{ items: Snippet[] }>(`/models/${hostile.product}/snippets`)).body
    for (const javaScriptEnabled of [true, false]) {
      const context = await browser.newContext({ javaScriptEnabled })
      const page = await context.newPage()
      const ran: string[] = []
      page.on('dialog', (dialog) => {
        ran.push(dialog.message())
        void dialog.dismiss()
      })
      await page.goto(`${stack.url}/models/${hostile.product}`)
      const { nearest } = items.find(({ client }) => client === 'env') ?? {}
      t.equal(nearest, 'curl', 'this id has no notation that all readers of .env files share')
      for (const { client, code } of items.filter((item) => !item.nearest)) {
        await page.click(`label[for=client-${client}]`)
        t.ok(await page.isVisible(`code[data-client=${client}]`), client)
        t.equal(await page.textContent(`code[data-client=${client}]`), code)
      }
      t.equal(await page.locator('pre.code:visible').count(), 1, 'one at a time')
      t.equal(await page.locator('main script, main img').count(), 0)
      await page.focus('#client-kubernetes-secret')
      await page.keyboard.press('ArrowUp')
      t.ok(await page.isVisible('code[data-client=open-webui]'), 'arrow keys choose')
      await page.goto(`${stack.url}/models/qwen-coder`)
      await page.click('label[for=client-llamaindex]')
      await page.click('.code-instead:visible label')
      t.ok(await page.isVisible('code[data-client=langchain-python]'), 'the nearest is one click away')
      await page.goto(`${stack.url}/models/${hostile.product}`)
      const shown = javaScriptEnabled ? 'langchain-python' : 'curl'
      t.ok(await page.isVisible(`code[data-client=${shown}]`), 'the choice is remembered where scripts run')
      const said = await page
        .locator('.code-panel:has-text("Run in our tests") code')
        .evaluateAll((all) => all.map((one) => one.dataset.client))
      const runs = items.flatMap(({ client, nearest }) => (proofs[client] === 'run' && !nearest ? [client] : []))
      t.same(said, runs, '“run in our tests” is said of those that are, and of no other')
      t.same(ran, [])
      await context.close()
    }
  },
)

t.test('how each client is proven is what the committed file says', async (t) => {
  if (process.argv.includes('--write')) writeProofs(tally.proofs())
  t.same(tally.proofs(), proofs, 'run: node dist/test/walks/snippets.test.js --write')
  t.comment(tally.line())
})

/** The public address as 3scale has it. */
function stateOf({ services }: { services: { system_name: string }[] }, name: string): string {
  return JSON.stringify(services.find(({ system_name }) => system_name === name))
}

function variablesOf(text: string): Record<string, string> {
  const pairs = text.split('\0').filter((pair) => /^(MAAS|OPENAI)_/.test(pair))
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
}
