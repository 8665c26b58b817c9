import t from 'tap'
import { until } from '../../helper/faults.js'
import { startStack } from '../../helper/stack.js'

const stack = await startStack(['threescale', 'identity'])
await stack.portal()
t.teardown(() => stack.close())

interface List {
  items: { system_name: string; plans: { prices: unknown[] | null }[] }[]
  next_cursor: string | null
  approximate?: boolean
}

const list = async (query: Record<string, string>) =>
  (await (await fetch(`${stack.url}/api/v1/models?${new URLSearchParams(query)}`)).json()) as List
await until('prices are loaded', async () =>
  (await list({ limit: '100' })).items.every(({ plans }) => plans.every(({ prices }) => prices !== null)),
)
const found = async (q: string) => (await list({ q, limit: '100' })).items.map(({ system_name }) => system_name)
const page = async (query: Record<string, string>) =>
  (await fetch(`${stack.url}/models?${new URLSearchParams(query)}`)).text()
const cards = (html: string) =>
  [...html.matchAll(/<h2 class="card-title"><a href="\/models\/([^"]+)"/g)].map(([, name]) => name)

const german = ['bge-reranker', 'granite-chat', 'llama-chat', 'mistral-chat', 'nomic-embed', 'oidc-chat', 'whisper-stt']
const long = ['codestral-443', 'granite-chat', 'llama-chat', 'mistral-chat']
const coding = ['codestral-443', 'llama-chat', 'qwen-coder']

/** What users searched for in the demo, and others of the same kinds: all of the models, or the first ones. */
const queries: [q: string, { all?: string[]; first?: string[] }][] = [
  ['RAG over German documents, cheap', { first: ['nomic-embed', 'bge-reranker', 'granite-chat'] }],
  ['RAG', { first: ['nomic-embed', 'bge-reranker'] }],
  ['German', { all: german }],
  ['german embedding', { all: ['nomic-embed'] }],
  ['vision', { all: ['mistral-chat', 'oidc-chat'] }],
  ['128k', { all: long }],
  ['long context', { all: long }],
  ['sql', { all: coding }],
  ['summarise', { all: ['granite-chat'] }],
  ['transcribe', { all: ['whisper-stt'] }],
  ['deutsch', { all: german }],
  ['granite 3.3', { all: ['granite-chat'] }],
  ['granite', { first: ['granite-chat'] }],
  ['Llama 3.3 70B', { all: ['llama-chat'] }],
  ['ibm-granite/granite-3.3-8b-instruct', { all: ['granite-chat'] }],
  ['multilingual', { first: ['granite-chat', 'llama-chat', 'mistral-chat'] }],
  ['function calling', { all: ['granite-chat', 'llama-chat', 'mistral-chat'] }],
  ['français embeddings', { all: ['nomic-embed'] }],
  ['speech to text', { all: ['whisper-stt'] }],
  ['image understanding', { all: ['mistral-chat', 'oidc-chat'] }],
  ['image generation', { all: ['sdxl-image'] }],
  ['32k', { first: ['qwen-coder'] }],
  ['summarization of contracts', { all: ['granite-chat'] }],
  ['reranker for search', { all: ['bge-reranker'] }],
  ['coder', { all: coding }],
  ['embeding', { all: ['nomic-embed'] }],
  ['mistarl', { first: ['mistral-chat'] }],
  ['lama 3.1', { first: ['llama-chat'] }],
  ['nothing like it', { all: [] }],
]

t.test('queries in words of users find what they mean', async (t) => {
  for (const [q, { all, first = [] }] of queries) {
    const names = await found(q)
    if (all) t.same([...names].sort(), all, q)
    else t.same(names.slice(0, first.length), first, q)
  }
  const free = await found('free')
  t.ok(free.includes('granite-chat') && !free.includes('codestral-443'), 'one plan that costs nothing suffices')
  t.equal((await found('cheapest chat')).at(-1), 'codestral-443', 'the highest price is the last')
  t.ok((await found('gpt-like')).includes('granite-chat'))
})

t.test('pages of the API have the order of the page of the catalogue, without overlap or gaps', async (t) => {
  for (const [q] of queries) {
    const names: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { items, next_cursor }: List = await list({ q, limit: '2', ...(cursor && { cursor }) })
      names.push(...items.map(({ system_name }) => system_name))
      cursor = next_cursor
    }
    t.same(names, cards(await page({ q })), q)
    t.equal(new Set(names).size, names.length, q)
  }
})

t.test('a search that was corrected or is incomplete says so, and an empty one has suggestions', async (t) => {
  t.equal((await list({ q: 'embeddings' })).approximate, undefined)
  t.equal((await list({ q: 'granite unicorn' })).approximate, true)
  t.match(await page({ q: 'mistarl' }), 'No model matches “mistarl”. Showing results for “mistral”.')
  t.match(await page({ q: 'granite unicorn' }), 'No model matches “unicorn”. These models match the other words.')
  const empty = await page({ q: 'nomad', price: 'free' })
  t.match(empty, 'href="/models?q=nomic&amp;price=free"')
  t.match(empty, 'href="/models/nomic-embed"')
  t.match(empty, /href="\/models\?price=free">\s*Clear\s+search/)
  t.match(await page({ q: 'vision', type: 'rerank' }), '2 models match without the filters')
})

t.test('a restricted model is neither found nor suggested', async (t) => {
  for (const q of ['restricted-research', 'reserch', 'previw', 'preview-70b', 'nomad research'])
    t.notMatch(await page({ q }), /href="[^"]*(models\/restricted-research|q=preview|q=research)"/, q)
})

t.test('provider, language and price filter the catalogue and the API', async (t) => {
  for (const [query, names] of [
    [{ owner: 'Mistral AI' }, ['mistral-chat', 'codestral-443']],
    [{ owner: 'Nobody' }, []],
    [{ language: 'th' }, ['llama-chat', 'nomic-embed', 'bge-reranker']],
    [{ language: 'th-TH', q: 'rerank' }, ['bge-reranker']],
    [{ price: 'paid' }, ['codestral-443']],
    [{ price: 'free', owner: 'Mistral AI' }, ['mistral-chat']],
  ] as [Record<string, string>, string[]][]) {
    t.same(
      (await list(query)).items.map(({ system_name }) => system_name),
      names,
      JSON.stringify(query),
    )
    t.same(cards(await page(query)), names, JSON.stringify(query))
  }
  const html = await page({ language: 'de' })
  t.match(html, /<option value="de"\s+selected>\s*German/)
  t.match(html, /<option value="IBM"\s*>/)
  t.match(
    html,
    /<a href="\/models\?language=de"[^>]*aria-current[^>]*>\s*All\s*<span class="pill-count">7</,
    'counts of the result',
  )
  const unknown = await fetch(`${stack.url}/api/v1/models?language=german`)
  t.equal(unknown.status, 422)
})
