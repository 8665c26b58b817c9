import t from 'tap'
import type { ApiDoc, MappingRule } from '../../../../../src/clients/threescale/types.js'
import { checkEndpoint } from '../../../../../src/features/doctor/checks/product/endpoint.js'
import { checkModelId, type ModelIdDeps } from '../../../../../src/features/doctor/checks/product/model-id.js'
import type { Finding } from '../../../../../src/features/doctor/findings/findings.js'
import type { ProductContext } from '../../../../../src/features/doctor/product-context.js'

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
  } as unknown as ProductContext
}

async function requested(look: ProductContext, deps: Partial<ModelIdDeps>, check = checkModelId) {
  const urls: string[] = []
  const sendGuarded = async ({ url }: { url: URL }) => {
    urls.push(url.href)
    return { status: 200, headers: {}, text: '{"data":[{"id":"org/served"}]}' }
  }
  const found = await check(look, find as never, { sendGuarded } as never, {
    configured: () => ({ mayAskPrivately: true }),
    documentedId: () => undefined,
    listWithKey: async () => undefined,
    ...deps,
  })
  return { urls, found }
}

t.test('with prefix rules, the doctor requests the model list at the address that the code uses', async (t) => {
  const prefixes = [rule('GET', '/'), rule('POST', '/')]
  const idIn = () => 'org/written'
  const wrong = [{ code: 'model_id_wrong' }]
  t.match(await requested(lookAt(prefixes), { documentedId: idIn }), {
    urls: ['http://vllm:8000/v1/models'],
    found: wrong,
  })
  const versioned = lookAt(prefixes, { privateAddress: 'http://vllm:8000/v1' })
  t.match(
    await requested(versioned, { documentedId: idIn }),
    { urls: ['http://vllm:8000/v1/models'], found: wrong },
    '/v1 only once',
  )
  t.match(
    await requested(lookAt([rule('POST', '/')]), { documentedId: idIn }),
    { urls: [], found: [] },
    'no rule allows this request',
  )
  t.match(await requested(lookAt(prefixes, { type: 'custom' }), { documentedId: idIn }), { urls: [], found: [] })
})

t.test('an unknown model id is reported for generative models, with and without prefix rules', async (t) => {
  const codes = async (rules: MappingRule[], type = '') =>
    (await requested(lookAt(rules, { type }), {})).found.map(({ code }) => code)
  t.same(await codes([rule('GET', '/'), rule('POST', '/')], 'chat'), ['model_id_unknown'])
  t.same(await codes([rule('POST', '/v1/chat/completions')]), ['model_id_unknown'])
  t.same(await codes([rule('GET', '/'), rule('POST', '/predict')]), [])
  t.same(await codes([rule('GET', '/'), rule('POST', '/')], 'rerank'), [])
})

t.test('the request without a key is sent to an address that an open model server would serve', async (t) => {
  const at = async (...rules: MappingRule[]) =>
    (await requested(lookAt(rules), {}, checkEndpoint as unknown as typeof checkModelId)).urls
  t.same(await at(rule('GET', '/'), rule('POST', '/')), ['https://host/v1/models'])
  t.same(await at(rule('GET', '/'), rule('POST', '/llama')), ['https://host/llama/v1/models'])
  t.same(await at(rule('GET', '/health'), rule('POST', '/predict')), ['https://host/health'])
  t.same(await at(rule('POST', '/predict')), ['https://host/v1/models'])
})
