import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseEnv } from 'node:util'
import t from 'tap'
import type { LimitPeriod } from '../../../src/features/models/schemas.js'
import { createSnippets } from '../../../src/features/snippets/snippets.js'
import { exampleCall } from '../../../src/model-calls/example-calls.js'
import { modelOf, ruleOf } from '../../helper/models.js'
import { type Sample, samples, textsOfJs } from '../../snippets/fuzz.js'
import { readContinue, readDocker, readSecret } from '../../snippets/read.js'
import { each, inNewShell, startNode, startNotebooks, startPython } from '../../snippets/runners.js'

const snippets = createSnippets()
const folder = t.testdir({ shell: {} })
const python = startPython(folder)
const notebooks = startNotebooks(folder)
t.teardown(() => {
  python.stop()
  notebooks.stop()
})

const all = samples(60).map((sample) => ({
  sample,
  texts: Object.fromEntries(
    snippets
      .forModel(sample.model, { credentials: sample.credentials })
      .filter(({ alternative }) => !alternative)
      .map((snippet) => [snippet.client, snippet]),
  ),
}))
const written = (client: string) =>
  all.flatMap(({ sample, texts }) => {
    const snippet = texts[client]
    return snippet ? [{ sample, code: snippet.code, withKey: snippet.with_key ?? '' }] : []
  })
/** Plain characters for a report, because a control character or `#` would break the report itself. */
const plain = (text: string) =>
  text.replace(/[^ !-"$-~]/g, (found) => `\\u${found.charCodeAt(0).toString(16)}`).slice(0, 400)
const about = ({ model }: Sample) =>
  plain(`${model.type} ${model.credentials.mode} ${model.credentials.location} ${JSON.stringify(model.model_id)}`)

t.test('hostile names, keys, ids and addresses: bash parses every word as intended', async (t) => {
  const curls = written('curl')
  const stub = `curl() { printf '%s\\0' "$@" >> words; printf '%s\\n' '{"id": "asked", "access_token": "tok"}'; }\n`
  await each(curls, 4, async ({ sample, code, withKey }) => {
    const ran = await inNewShell(
      `rm -f words recording.wav; ${stub}${withKey}\ncat words`,
      `${folder}/shell/${curls.findIndex((one) => one.code === code)}`,
    )
    t.ok(ran.ok, `${about(sample)} ${plain(ran.out)}`)
    const words = ran.out.split('\0')
    const { url } = exampleCall(sample.model)
    const values = Object.values(sample.env)
    t.ok(
      words.some((word) => word.startsWith(url)),
      `${about(sample)}: address in ${plain(words.join(' '))}`,
    )
    const required = sample.model.credentials.mode === 'oidc' ? values.join(':') : (values.at(-1) ?? '')
    t.ok(
      words.some((word) => word.includes(required)),
      `${about(sample)}: key in ${plain(words.join(' '))}`,
    )
    if (sample.model.type === 'custom') return
    const id = sample.model.model_id ?? 'asked'
    const body = words.find((word) => word.startsWith('{"model"'))
    t.ok(body ? (JSON.parse(body) as { model: string }).model === id : words.includes(`model=${id}`), about(sample))
  })
})

t.test('the code with the key is the shown code with lines after its imports that set the key', async (t) => {
  const some = (clientNames: string[]) => clientNames.flatMap((client) => written(client).slice(0, 25))
  const [pythons, scripts] = [
    some(['python-openai', 'python-requests', 'langchain-python', 'llamaindex']),
    some(['js-openai', 'js-fetch', 'langchain-js']),
  ]
  const isSetting = (line: string) => /^(?:os\.environ\["\w+"\]|process\.env\.\w+) = /.test(line)
  const isImport = (line: string) => /^(?:import|from) /.test(line)
  for (const { sample, code, withKey } of [...pythons, ...scripts]) {
    const lines = withKey.split('\n').filter((line) => line !== '')
    const first = lines.findIndex(isSetting)
    t.same(
      lines.filter((line) => !isSetting(line)),
      code.split('\n').filter((line) => line !== ''),
      about(sample),
    )
    t.ok(first >= 0 && lines.slice(0, first).every(isImport), about(sample))
    t.notOk(lines.slice(first).some(isImport), about(sample))
  }
  const keys = ({ env }: Sample) => Object.values(env)
  const settingsOf = (withKey: string) => withKey.split('\n').filter(isSetting).join('\n')
  for (const { sample, withKey } of pythons) {
    const { texts, ok } = await python.read(`import os\n${settingsOf(withKey)}`)
    t.ok(ok, about(sample))
    for (const key of keys(sample)) t.ok(texts.includes(key), about(sample))
  }
  for (const { sample, withKey } of scripts) {
    const texts = textsOfJs(settingsOf(withKey))
    for (const key of keys(sample)) t.ok(texts.includes(key), about(sample))
  }
})

t.test('hostile values: Python parses the code and its strings are unchanged', async (t) => {
  for (const client of ['python-openai', 'python-requests', 'langchain-python', 'llamaindex']) {
    for (const { sample, code } of written(client)) {
      const read = await python.read(code)
      t.ok(read.ok, `${client} ${about(sample)} ${plain(read.out ?? '')}`)
      holds(t, read.texts, sample, client)
    }
  }
})

t.test('hostile values: JavaScript parses the code and its strings are unchanged', async (t) => {
  for (const client of ['js-openai', 'js-fetch', 'langchain-js'])
    for (const { sample, code } of written(client)) holds(t, textsOfJs(code), sample, client)
})

t.test('hostile values: a notebook is valid for nbformat, and its cells contain the values', async (t) => {
  for (const { sample, code, withKey } of written('jupyter')) {
    for (const text of [code, withKey]) {
      t.ok((await notebooks.check(text)).ok, about(sample))
      const { cells } = JSON.parse(text) as { cells: { cell_type: string; source: string[] }[] }
      const codes = cells.filter(({ cell_type }) => cell_type === 'code').map(({ source }) => source.join(''))
      const read = await Promise.all(codes.slice(1).map((each) => python.read(each)))
      const texts = read.flatMap((one) => one.texts)
      t.ok(read.every(({ ok }) => ok))
      holds(t, texts, sample, 'jupyter')
      if (text === withKey) for (const value of Object.values(sample.env)) t.ok(texts.includes(value))
    }
  }
})

t.test('hostile values: .env in a shell and in dotenv parsers and the Secret contain the same values', async (t) => {
  const envs = written('env')
  t.ok(envs.length > 0 && envs.length < all.length, 'values that .env parsers read differently are omitted')
  const secrets = new Map(written('kubernetes-secret').map(({ sample, withKey }) => [sample, readSecret(withKey)]))
  t.equal(secrets.size, all.length, 'a Secret can contain any value')
  for (const { env } of [...secrets.keys()])
    for (const value of Object.values(env))
      t.ok([...secrets.values()].some((values) => Object.values(values).includes(value)))
  const read = await each(envs, 4, ({ withKey }) =>
    inNewShell(`set -a; . /dev/stdin <<'END OF FILE'\n${withKey}\nEND OF FILE\nenv -0`, `${folder}/shell`),
  )
  for (const [index, { sample, withKey }] of envs.entries()) {
    const required = secrets.get(sample) ?? {}
    const pairs = (read[index]?.out ?? '')
      .split('\0')
      .map((pair) => [pair.split('=')[0], pair.slice(pair.indexOf('=') + 1)])
    const variables = Object.fromEntries(pairs.filter(([name]) => /^(MAAS|OPENAI)_/.test(name ?? ''))) as Record<
      string,
      string
    >
    t.same(variables, required, `${about(sample)} ${plain(withKey)}`)
    for (const value of Object.values(sample.env)) t.ok(Object.values(required).includes(value))
    t.same({ ...parseEnv(withKey) }, required, plain(withKey))
  }
})

t.test('hostile values: Continue and Open WebUI receive them unchanged', async (t) => {
  for (const { sample, withKey } of written('continue')) {
    const { model } = readContinue(withKey)
    t.match(model, {
      name: sample.model.name,
      apiBase: exampleCall(sample.model).base,
      model: sample.model.model_id ?? 'AUTODETECT',
    })
    const { mode, location } = sample.model.credentials
    const key = mode === 'user_key' && location === 'authorization' ? sample.env.MAAS_API_KEY : undefined
    if (key !== undefined) t.equal(model.apiKey, key)
  }
  const stub = `curl() { printf '%s\\n' '{"id": "asked", "access_token": "tok"}'; }\n`
  await each(written('open-webui'), 4, async ({ sample, withKey }) => {
    const values = Object.values(await readDocker(stub + withKey, `${folder}/shell`))
    t.ok(values.includes(sample.env.MAAS_API_KEY ?? 'tok'), about(sample))
    if (sample.model.model_id) t.ok(values.includes(sample.model.model_id), about(sample))
  })
})

t.test('code contains no invisible characters, and a comment never ends early', async (t) => {
  for (const { sample, texts } of all) {
    for (const { client, code } of Object.values(texts)) {
      t.notMatch(code, /[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/u, `${client} ${about(sample)}`)
    }
  }
})

t.test('every client that can do so sends the query of a mapping rule next to the credential', async (t) => {
  const { url, heard: announced } = await echoServer(t)
  const node = startNode(t.testdir({}))
  t.teardown(() => node.stop())
  const names = { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key' }
  const pattern = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21'
  for (const location of ['authorization', 'headers', 'query'] as const) {
    const model = modelOf({
      endpoint: url,
      base_url: `${url}/openai/deployments/gpt-4o`,
      paths: [ruleOf('POST', pattern)],
      credentials: { mode: 'user_key', location, names },
    })
    const texts = snippets.forModel(model, { credentials: { user_key: 'key' } })
    const code = (client: string) => texts.find((each) => each.client === client)?.code ?? ''
    const env = { MAAS_API_KEY: 'key', OPENAI_API_KEY: 'key' }
    const line = /JavaScript: (new OpenAI\(.*\))$/m.exec(code('env'))?.[1]
    const address = { MAAS_BASE_URL: model.base_url, OPENAI_BASE_URL: model.base_url }
    const runs: [client: string, run: () => Promise<unknown>][] = [
      ['curl', () => inNewShell(code('curl'), `${folder}/shell`, env)],
      ['python-requests', () => python.run(code('python-requests'), env)],
      ['python-openai', () => python.run(code('python-openai'), env)],
      ['jupyter', () => notebooks.execute(code('jupyter'), env)],
      ['js-fetch', () => node.run(code('js-fetch'), env)],
      ['js-openai', () => node.run(code('js-openai'), env)],
      [
        'env',
        () =>
          node.run(code('js-openai').replace(/^const client = [\s\S]*?^\}\);$/m, `const client = ${line};`), {
            ...env,
            ...address,
          }),
      ],
    ]
    for (const [client, run] of runs) {
      await run()
      const query = location === 'query' ? '&user_key=key' : ''
      t.same(announced.splice(0), [`POST ${pattern}${query}`], `${location} ${client}`)
    }
    for (const client of ['langchain-python', 'langchain-js', 'continue', 'open-webui'])
      t.match(texts.find((each) => each.client === client)?.note, 'cannot', client)
  }
})

t.test('code with a placeholder names it in a comment and in a note', async (t) => {
  const without = modelOf({ model_id: null, paths: [ruleOf('POST', '/v1/chat/completions'), ruleOf('GET', '/health')] })
  const open = modelOf({
    base_url: 'https://m.example.com/deployments/{deployment}',
    paths: [ruleOf('POST', '/deployments/{deployment}/chat/completions?api-version={version}')],
  })
  for (const { client, code, note, alternative } of snippets.forModel(without)) {
    t.match(code, 'MODEL_ID', client)
    t.notMatch(code, /\/models|models\.list|AUTODETECT/, `${client}: no request for a list that the rules do not allow`)
    t.match(note, 'Replace MODEL_ID with the model ID', client)
    t.equal(alternative, undefined, client)
    if (client !== 'jupyter') t.match(code, /(#|\/\/|rem) Replace MODEL_ID with the model ID/, client)
  }
  for (const { client, code, note, alternative } of snippets.forModel(open)) {
    if (alternative) continue
    t.match(note, /Replace \{deployment\} in the address.*Replace \{version\} in the address/, client)
    t.match(code, '{deployment}', client)
    t.notMatch(code, /%7B/, client)
  }
  const tei = modelOf({
    type: 'embedding',
    model_id: null,
    base_url: 'https://m.example.com',
    paths: [ruleOf('POST', '/embed'), ruleOf('GET', '/info')],
  })
  const [curl] = snippets.forModel(tei, { only: 'curl' })
  t.match(curl?.code, /https:\/\/m\.example\.com\/embed[\s\S]*'\{"inputs":\["The sky is blue/)
  t.notMatch(curl?.code, 'model')
})

t.test('a custom key that percent-encoding would change is omitted for clients that encode', async (t) => {
  const names = { user_key: 'k', app_id: 'i', app_key: 'j' }
  const model = modelOf({ credentials: { mode: 'user_key', location: 'query', names } })
  const alternative = (user_key: string) =>
    Object.fromEntries(
      snippets
        .forModel(model, { credentials: { user_key } })
        .map(({ client, alternative }) => [client, alternative ?? '']),
    )
  t.match(alternative('maas_2611250123456789'), { 'python-openai': '', 'js-openai': '', curl: '' })
  t.match(alternative('a+b/c='), {
    curl: '',
    'python-requests': '',
    'js-fetch': '',
    'python-openai': 'python-requests',
    'js-openai': 'js-fetch',
    'langchain-python': 'python-requests',
    'langchain-js': 'js-fetch',
    jupyter: 'python-requests',
  })
})

t.test('a curl header is one quoted word, unless a shell would interpret a character of its name', async (t) => {
  const header = (user_key: string) => {
    const names = { user_key, app_id: 'i', app_key: 'j' }
    const model = modelOf({ credentials: { mode: 'user_key', location: 'headers', names } })
    return snippets.forModel(model, { only: 'curl' })[0]?.code
  }
  t.match(header('X-API-Key'), '-H "X-API-Key: $MAAS_API_KEY"')
  t.match(header('$OTHER'), `-H '$''OTHER'": $MAAS_API_KEY"`)
  t.match(header('a`b'), '-H \'a`b\'": $MAAS_API_KEY"')
})

t.test('a client that cannot send a request is reported with an alternative', async (t) => {
  const names = { user_key: 'k', app_id: 'i', app_key: 'j' }
  const cannot = (mode: 'user_key' | 'app_id' | 'oidc', location: 'query' | 'headers' | 'authorization') =>
    snippets
      .forModel(modelOf({ credentials: { mode, location, names } }))
      .flatMap(({ client, alternative }) => (alternative ? [`${client} -> ${alternative}`] : []))
  t.same(cannot('user_key', 'authorization'), [])
  t.same(cannot('oidc', 'query'), ['cmd -> powershell'])
  t.same(cannot('user_key', 'headers'), ['open-webui -> continue'])
  t.same(cannot('app_id', 'authorization'), ['open-webui -> continue'])
  const query = ['llamaindex -> langchain-python', 'continue -> python-openai', 'open-webui -> python-openai']
  t.same(cannot('user_key', 'query'), query)
  t.same(cannot('app_id', 'query'), query)
})

t.test('code supports long limit periods, a private CA, streams and an unknown token address', async (t) => {
  const plan = {
    system_name: 'p',
    name: 'P',
    default: true,
    approval_required: false,
    cost_per_month: 0,
    setup_fee: 0,
    trial_period_days: 0,
    prices: [],
    currency: null,
  }
  const limits = (period: LimitPeriod) => [
    { ...plan, limits: [{ metric: 'hits', metric_name: 'Hits', period, value: 5 }] },
  ]
  const js = (period: LimitPeriod) =>
    snippets.forModel(modelOf({ plans: limits(period) }), { only: 'js-openai' })[0]?.code
  t.match(js('day'), 'maxRetries: 0', 'openai 6 would sleep until the next day')
  t.notMatch(js('minute'), 'maxRetries')
  const own = createSnippets({ caFile: "/etc/pki/our ca's.pem" })
  for (const { client, code } of own.forModel(modelOf({}))) {
    if (['open-webui', 'env', 'kubernetes-secret'].includes(client)) continue
    t.match(code, /our ca/, client)
  }
  const body = { messages: [{ role: 'user', content: 'Hi' }], stream: true, temperature: 0.5, stop: null }
  const streamed = Object.fromEntries(
    snippets.forModel(modelOf({}), { body }).map(({ client, code }) => [client, code]),
  )
  t.match(streamed.curl, / -N /)
  t.match(streamed['js-openai'], 'for await (const chunk of answer)')
  t.match(streamed['python-openai'], /stream=True[\s\S]*stop=None[\s\S]*for chunk in answer/)
  t.match(streamed['langchain-python'], /temperature=0\.5[\s\S]*stop=None[\s\S]*for chunk in llm\.stream/)
  t.match(streamed['langchain-js'], /temperature: 0\.5[\s\S]*await llm\.stream/)
  t.match(streamed.llamaindex, /temperature=0\.5[\s\S]*additional_kwargs=\{"stop": None\}[\s\S]*llm\.stream_chat/)
  const unknown = modelOf({
    credentials: { mode: 'oidc', location: 'headers', names: { user_key: '', app_id: '', app_key: '' } },
  })
  const first = snippets.forModel(unknown).filter(({ alternative }) => !alternative)
  for (const { code } of first.slice(0, 4)) t.match(code, 'MAAS_TOKEN_URL', 'never guessed')
})

/** A model server that responds to a chat and records its requests. */
async function echoServer(t: { teardown(work: () => unknown): void }) {
  const announced: string[] = []
  const server = createServer((request, response) => {
    announced.push(`${request.method} ${request.url}`)
    response.setHeader('content-type', 'application/json')
    request.resume().once('end', () => response.end('{"choices":[{"message":{"role":"assistant","content":"hi"}}]}'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard: announced }
}

/** Asserts that the texts contain the model id and an address that starts with the endpoint. */
function holds(
  t: { ok(value: boolean, message: string): unknown },
  texts: string[],
  { model }: Sample,
  client: string,
): void {
  const { base, url } = exampleCall(model)
  if (model.type !== 'custom' && model.model_id !== null) t.ok(texts.includes(model.model_id), `${client}: id`)
  t.ok(
    texts.some((text) => text === base || text.startsWith(url)),
    `${client}: address`,
  )
}
