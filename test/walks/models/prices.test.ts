import { join } from 'node:path'
import t from 'tap'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

const PORTAL_CONFIG = `
terms: { version: "2026-01", text: As usual., field: terms_version }
currency: EUR
products:
  llama-chat: { prices: { per_million_tokens: 0.9 } }
  mistral-chat: { prices: { per_million_prompt_tokens: 0.15, per_million_completion_tokens: 0.6 } }
  qwen-coder: { state: retired, retires_on: "2026-01-31", successor: granite-chat }
  granite-chat: { state: deprecated, successor: llama-chat }
`
const stack = await startStack()
await stack.portal({ PORTAL_CONFIG: join(t.testdir({ 'portal.yaml': PORTAL_CONFIG }), 'portal.yaml') })
t.teardown(() => stack.close())
const mary = createVisitor(stack)
await mary.signIn('mary', '/models')

t.test('the prices of PORTAL_CONFIG are shown wherever a model or a plan is chosen, and are sorted by', async (t) => {
  const [llama, mistral] = [/EUR 0\.90 per million tokens/, /EUR 0\.15 per million prompt tokens/]
  for (const path of ['/models?q=llama', '/models/llama-chat', '/models/compare?model=llama-chat'])
    t.match((await mary.get(path)).text, llama, path)
  t.match((await mary.get('/models/mistral-chat')).text, mistral)
  t.match((await mary.get('/applications/new?model=llama-chat')).text, llama, 'the form')
  const { plans } = (await (await fetch(`${stack.url}/api/v1/models/llama-chat`)).json()) as {
    plans: { prices: object[] }[]
  }
  t.match(plans[0]?.prices, [{ cost_per_unit: 9e-7, from: 1, to: null }], 'the API')
  const sorted = (await mary.get('/models?sort=price&q=chat')).text
  const position = (name: string) => sorted.indexOf(`href="/models/${name}"`)
  t.ok(position('granite-chat') < position('mistral-chat'), 'free before priced')
  t.ok(position('mistral-chat') < position('llama-chat'), '0.75 for a million of each before 0.90')
})

t.test('a retired model gets no new application, and a deprecated one names its successor', async (t) => {
  const retired = (await mary.get('/applications/new?model=qwen-coder')).text
  t.match(retired, 'This model was retired on 31 January 2026.')
  t.match(retired, 'href="/applications/new?model=granite-chat"')
  t.notMatch(retired, 'action="/applications"')
  const deprecated = (await mary.get('/applications/new?model=granite-chat')).text
  t.match(deprecated, 'This model is deprecated.')
  t.match(deprecated, 'href="/applications/new?model=llama-chat"')
  t.match(deprecated, 'action="/applications"')
  t.notMatch((await mary.get('/applications/new')).text, 'value="qwen-coder"')
  const home = (await mary.get('/')).text
  t.notMatch(home, 'href="/models/granite-chat"', 'models to start with are available ones')
  t.match(home, 'href="/models/llama-chat"')
})
