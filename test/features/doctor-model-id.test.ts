import t from 'tap'
import type { ApiDoc, MappingRule } from '../../src/clients/threescale/nouns.js'
import { endpoint } from '../../src/features/doctor/checks/endpoint.js'
import { type ModelIdDeps, modelId } from '../../src/features/doctor/checks/model-id.js'
import type { Finding } from '../../src/features/doctor/findings.js'
import type { Look } from '../../src/features/doctor/look.js'

const rule = (method: string, pattern: string) => ({ method, pattern, metric: 'hits', delta: 1 }) as MappingRule
const find = (code: string, what = '') => ({ code, what }) as unknown as Finding
const docs = [{ productId: 7, published: true } as ApiDoc]

/** A product with one backend, whose model server lists `org/served`. */
function lookAt(rules: MappingRule[], { mounted = '/', privateAddress = 'http://vllm:8000', type = '' } = {}) {
  return {
    tenant: { docs, backends: new Map([[1, { privateAddress }]]), production: new Map([[7, {}]]) },
    product: { id: 7, systemName: 'm' },
    config: { endpoint: 'https://host', rules },
    usages: [{ path: mounted, backendId: 1 }],
    type,
  } as unknown as Look
}

async function asked(look: Look, deps: Partial<ModelIdDeps>, check = modelId) {
  const urls: string[] = []
  const sendGuarded = async ({ url }: { url: URL }) => {
    urls.push(url.href)
    return { status: 200, headers: {}, text: '{"data":[{"id":"org/served"}]}' }
  }
  const found = await check(look, find as never, { sendGuarded } as never, {
    noted: () => ({ mayAskPrivately: true }),
    idIn: () => undefined,
    listWithKey: async () => undefined,
    ...deps,
  })
  return { urls, found }
}

t.test('prefix rules: the doctor asks for the list where the code of the model does', async (t) => {
  const prefixes = [rule('GET', '/'), rule('POST', '/')]
  const idIn = () => 'org/written'
  const wrong = [{ code: 'model_id_wrong' }]
  t.match(await asked(lookAt(prefixes), { idIn }), { urls: ['http://vllm:8000/v1/models'], found: wrong })
  const versioned = lookAt(prefixes, { privateAddress: 'http://vllm:8000/v1' })
  t.match(await asked(versioned, { idIn }), { urls: ['http://vllm:8000/v1/models'], found: wrong }, '/v1 once')
  t.match(await asked(lookAt([rule('POST', '/')]), { idIn }), { urls: [], found: [] }, 'no rule lets that through')
  t.match(await asked(lookAt(prefixes, { type: 'custom' }), { idIn }), { urls: [], found: [] })
})

t.test('an id that nobody gives is reported of models that generate, prefix rules or not', async (t) => {
  const codes = async (rules: MappingRule[], type = '') =>
    (await asked(lookAt(rules, { type }), {})).found.map(({ code }) => code)
  t.same(await codes([rule('GET', '/'), rule('POST', '/')], 'chat'), ['model_id_unknown'])
  t.same(await codes([rule('POST', '/v1/chat/completions')]), ['model_id_unknown'])
  t.same(await codes([rule('GET', '/'), rule('POST', '/predict')]), [])
  t.same(await codes([rule('GET', '/'), rule('POST', '/')], 'rerank'), [])
})

t.test('the call without a key goes where an open model server would answer', async (t) => {
  const at = async (...rules: MappingRule[]) =>
    (await asked(lookAt(rules), {}, endpoint as unknown as typeof modelId)).urls
  t.same(await at(rule('GET', '/'), rule('POST', '/')), ['https://host/v1/models'])
  t.same(await at(rule('GET', '/'), rule('POST', '/llama')), ['https://host/llama/v1/models'])
  t.same(await at(rule('GET', '/health'), rule('POST', '/predict')), ['https://host/health'])
  t.same(await at(rule('POST', '/predict')), ['https://host/v1/models'])
})
