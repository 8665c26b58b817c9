import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseEnv } from 'node:util'
import t from 'tap'
import type { Application } from '../../../src/features/applications/schemas.js'
import { clients } from '../../../src/features/snippets/clients.js'
import type { Snippet } from '../../../src/features/snippets/schemas.js'
import { createSnippets } from '../../../src/features/snippets/snippets.js'
import { verification } from '../../../src/features/snippets/verification.js'
import { chooseClient, launchBrowser } from '../../helper/browser.js'
import { able, asking, codeOf, conversations, few, saidIn } from '../../snippets/cells.js'
import { readCmd } from '../../snippets/cmd.js'
import { answered, type Cell, expectOk, hostile, readCell, startMatrix } from '../../snippets/matrix.js'
import { createPowerShell } from '../../snippets/powershell.js'
import { readContinue, readDocker, readSecret, wantedOfContinue } from '../../snippets/read.js'
import { sendOverHttp } from '../../snippets/requests.js'
import { startRoute } from '../../snippets/route.js'
import { each, environmentOf, inNewShell, runCurl, startNode } from '../../snippets/runners.js'
import { checkProofs, createTally } from '../../snippets/tally.js'

const folder = t.testdir({ node: {}, shell: {} })
const matrix = await startMatrix(folder)
const node = startNode(`${folder}/node`)
const tally = createTally()
t.teardown(async () => {
  node.stop()
  await matrix.close()
})
const { cells, stack, api, token } = matrix
const unknown = asking(cells)

t.test('every client has code for every cell of the matrix, or states why not and an alternative', async (t) => {
  t.equal(cells.length, 80)
  for (const { name, snippets } of cells) {
    t.same(
      snippets.map(({ client }) => client),
      clients.map(({ client }) => client),
      name,
    )
    for (const { client, code, note, alternative, with_key } of snippets) {
      if (!alternative) {
        t.ok(code !== '' && with_key, `${name}: ${client}`)
        continue
      }
      const instead = snippets.find((candidate) => candidate.client === alternative)
      t.ok(code === '' && note && instead && !instead.alternative, `${name}: ${client} names ${alternative}`)
    }
  }
})

t.test('curl: every snippet with the key runs in a new shell', async (t) => {
  const all = [...able('curl', cells), ...able('curl', few(unknown))]
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

t.test('PowerShell: requests parsed from its code by grammar and documented rules are answered', async (t) => {
  const powershell = await createPowerShell()
  for (const { cell, snippet, env } of [...able('powershell', cells), ...able('powershell', unknown)])
    for (const [code, input] of [
      [snippet.code, env],
      [snippet.with_key ?? '', {}],
    ] as const) {
      const { out, files } = await powershell.run(code, { env: input, send: sendOverHttp })
      const written = Object.entries(files).map(([name, { length }]) => `${name} is written, ${length > 100}`)
      t.match(`${out}${written}`, answered[cell.type], `${cell.name}: ${code}`)
      tally.add('parsed', 'powershell')
    }
})

t.test('cmd: requests parsed from its code are answered, at the prompt and in a batch file', async (t) => {
  const own = `${folder}/shell/cmd`
  mkdirSync(own, { recursive: true })
  writeFileSync(`${own}/recording.wav`, 'RIFF')
  for (const { cell, snippet, env } of able('cmd', cells))
    for (const mode of ['prompt', 'batch'] as const)
      for (const [code, input] of [
        [snippet.code, env],
        [snippet.with_key ?? '', {}],
      ] as const) {
        const [words = []] = readCmd(code, mode, input).calls
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
    snippets.some(({ client, alternative }) => client === 'cmd' && alternative) ? [way] : [],
  )
  t.same(
    [...new Set(left)].sort(),
    ['token-bearer', 'token-header', 'token-query'],
    'only tokens have PowerShell as the alternative',
  )
})

for (const client of ['js-openai', 'js-fetch', 'langchain-js']) {
  t.test(`${client}: every snippet runs in Node.js`, async (t) => {
    for (const { cell, snippet, env } of [...able(client, cells), ...able(client, unknown)]) {
      const ran = await node.run(snippet.code, env)
      t.match(ran.out, answered[cell.type], `${cell.name}: ${snippet.code}`)
      t.ok(ran.ok, cell.name)
      tally.add('run', client)
    }
  })
}

t.test('snippets that include the key run with an empty environment, one of each way', async (t) => {
  const of = (client: string, ways: RegExp) =>
    able(client, cells).filter(({ cell }) => cell.type === 'chat' && ways.test(cell.way))
  const some = [
    ...of('js-openai', /./),
    ...of('js-fetch', /bearer|basic|query/),
    ...of('langchain-js', /key-bearer|id-basic/),
  ]
  t.equal(some.length, 18)
  const ran = await each(some, 3, ({ snippet }) => node.run(snippet.with_key ?? '', {}))
  for (const [index, { cell, snippet }] of some.entries())
    t.match(ran[index]?.out, answered.chat, `${cell.name}: ${snippet.with_key}`)
})

t.test('.env: its variables and its command run the real client', async (t) => {
  for (const { cell, snippet } of able('env', cells)) {
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

t.test('Continue: its own parser and schema accept the file, and the credential is in the right field', async (t) => {
  for (const { cell, snippet } of able('continue', cells)) {
    const { model } = readContinue(snippet.with_key ?? '')
    t.match(model, wantedOfContinue(cell), cell.name)
    const without = readContinue(snippet.code)
    t.match(without.model, { apiBase: cell.model.base_url, model: cell.model.model_id ?? '' })
    if (cell.application.credentials.mode !== 'oidc') t.ok(without.secrets.length > 0, 'the key comes from a secret')
    tally.add('parsed', 'continue')
  }
})

t.test('Open WebUI: bash passes environment variables that it supports', async (t) => {
  const all = able('open-webui', cells)
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

t.test('Kubernetes Secret: the YAML matches the schema and has the same variables as .env', async (t) => {
  for (const { cell, snippet } of able('kubernetes-secret', cells)) {
    const env = cell.snippets.find(({ client }) => client === 'env')
    t.same(readSecret(snippet.with_key ?? ''), { ...parseEnv(env?.with_key ?? '') }, cell.name)
    t.same(Object.keys(readSecret(snippet.code)).sort(), Object.keys(parseEnv(env?.code ?? '')).sort())
    tally.add('parsed', 'kubernetes-secret')
  }
})

t.test('only snippets with the key contain a secret', async (t) => {
  for (const cell of cells) {
    const { user_key, app_keys, client_secret } = cell.application.credentials
    const secret = user_key ?? app_keys?.[0] ?? client_secret ?? ''
    for (const { client, code, with_key, alternative } of cell.snippets) {
      t.ok(secret.length > 20 && !code.includes(secret), `${cell.name} ${client}`)
      if (alternative || (client === 'continue' && cell.way.startsWith('token'))) continue
      const { app_id } = cell.application.credentials
      t.ok(
        with_key?.includes(secret) || with_key?.includes(btoa(`${app_id}:${secret}`)),
        `${cell.name} ${client} with key`,
      )
    }
  }
})

/** An application of the caller for a product, as its owner may read it. */
async function take(model: string) {
  const body = { model, name: `for ${model}`, fields: { purpose: 'Experiment' } }
  const { id } = await expectOk(api.post<Application>('/applications', token, body))
  await stack.settled()
  return { id, ...(await readCell(api, token, model, id)) }
}

const runners: Record<string, (code: string, env: Record<string, string>) => Promise<{ ok: boolean; out: string }>> = {
  curl: (code, env) => inNewShell(code, `${folder}/shell`, env),
  'js-openai': node.run,
  'js-fetch': node.run,
  'langchain-js': node.run,
}

t.test('the code of a conversation runs in each client, with parameters and as a stream', async (t) => {
  const cell = cells.find(({ name }) => name === 'key-bearer chat') as Cell
  for (const body of conversations) {
    const credentials = cell.application.credentials
    const texts = { snippets: createSnippets().forModel(cell.model, { credentials, body }) }
    for (const [client, run] of Object.entries(runners)) {
      const { code = '', with_key = '' } = codeOf(texts, client) ?? {}
      const ran = await (client === 'curl' ? run(with_key, {}) : run(code, environmentOf(cell)))
      t.match(saidIn(ran.out), 'you said: Say "hi" to $HOME', `${client} ${code}`)
    }
  }
})

t.test('a product added at run time has working code within CATALOG_TTL, without a restart', async (t) => {
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

t.test('for a backend with /v1 and rules without it, the base address omits it and the code runs', async (t) => {
  const cell = await take('deepseek-v1')
  t.equal(cell.model.base_url, cell.model.endpoint)
  const env = environmentOf(cell)
  for (const [client, run] of Object.entries(runners))
    t.match((await run(codeOf(cell, client)?.code ?? '', env)).out, /I am deepseek-ai/, client)
})

t.test('an address that 3scale writes with :443 works through a route, including its certificate', async (t) => {
  const cell = await take('codestral-443')
  const host = new URL(cell.model.endpoint).hostname
  t.match(stateOf(await stack.state(), 'codestral-443'), `https://${host}:443`)
  const route = await startRoute(host, stack.port + 6, `${folder}/shell`)
  const ran = await inNewShell(codeOf(cell, 'curl')?.with_key ?? '', `${folder}/shell`, { CURL_HOME: route.home })
  route.close()
  t.match(ran.out, /I am mistralai\/Codestral/)
})

t.test('a custom key with characters that encoding would change is sent unchanged', async (t) => {
  const cell = cells.find(({ name }) => name === 'key-query chat')
  await stack.put(`/_demo/applications/${cell?.application.id}`, { user_key: 'abc+def/ghi==' })
  const unusual = await readCell(api, token, cell?.model.system_name ?? '', cell?.application.id ?? 0)
  const env = environmentOf(unusual)
  t.same(env, { MAAS_API_KEY: 'abc+def/ghi==' })
  t.match((await node.run(codeOf(unusual, 'js-fetch')?.code ?? '', env)).out, answered.chat)
  t.match((await inNewShell(codeOf(unusual, 'curl')?.with_key ?? '', `${folder}/shell`)).out, answered.chat)
  t.match(codeOf(unusual, 'js-openai'), { code: '', alternative: 'js-fetch', note: 'percent-encodes' })
})

t.test('code for an application is for its owner and its model only, with the key on request', async (t) => {
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

t.test('hostile names are escaped, and clients can be selected by keyboard and without scripts', async (t) => {
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
    const { alternative } = items.find(({ client }) => client === 'env') ?? {}
    t.equal(alternative, 'curl', 'this id has no notation that all readers of .env files share')
    for (const { client, code } of items.filter((item) => !item.alternative)) {
      await chooseClient(page, client)
      t.ok(await page.isVisible(`code[data-client=${client}]`), client)
      t.equal(await page.textContent(`code[data-client=${client}]`), code)
    }
    t.equal(await page.locator('pre.code:visible').count(), 1, 'one at a time')
    t.equal(await page.locator('main script, main img').count(), 0)
    await page.focus('#client-kubernetes-secret')
    await page.keyboard.press('ArrowUp')
    t.ok(await page.isVisible('code[data-client=open-webui]'), 'arrow keys select')
    await page.focus('#client-cmd')
    await page.keyboard.press('ArrowDown')
    t.ok(await page.isVisible('code[data-client=python-openai]'), 'and lead to the next group')
    const width = await page.locator('.code-choice[for=client-langchain-python]').evaluate((label) => label.clientWidth)
    t.ok(width > 1, 'whose clients become visible')
    await page.goto(`${stack.url}/models/qwen-coder`)
    await chooseClient(page, 'llamaindex')
    await page.click('.code-instead:visible label')
    t.ok(await page.isVisible('code[data-client=langchain-python]'), 'the alternative is one click away')
    await page.goto(`${stack.url}/models/${hostile.product}`)
    const shown = javaScriptEnabled ? 'langchain-python' : 'curl'
    t.ok(await page.isVisible(`code[data-client=${shown}]`), 'the selection is stored where scripts run')
    const said = await page
      .locator('.code-panel:has(.code-head .pf-m-green) code')
      .evaluateAll((all) => all.map((one) => one.dataset.client))
    const runs = items.flatMap(({ client, alternative }) =>
      verification[client] === 'run' && !alternative ? [client] : [],
    )
    t.same(said, runs, '“run in our tests” is shown for exactly the clients that are run')
    t.same(ran, [])
    await context.close()
  }
})

t.test('the committed file states how each client is tested', async (t) => {
  const others = clients.filter(({ group }) => group !== 'Python').map(({ client }) => client)
  checkProofs(t, tally, others)
  t.same(Object.keys(verification).sort(), clients.map(({ client }) => client).sort(), 'of every client')
})

/** The public address in 3scale. */
function stateOf({ services }: { services: { system_name: string }[] }, name: string): string {
  return JSON.stringify(services.find(({ system_name }) => system_name === name))
}

function variablesOf(text: string): Record<string, string> {
  const pairs = text.split('\0').filter((pair) => /^(MAAS|OPENAI)_/.test(pair))
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
}
