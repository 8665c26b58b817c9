import { writeFileSync } from 'node:fs'
import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Application } from '../../src/features/applications/schemas.js'
import type { Model } from '../../src/features/models/schemas.js'
import type { Snippet } from '../../src/features/snippets/schemas.js'
import { createApi } from '../helper/api.js'
import { startStack } from '../helper/stack.js'
import { createVisitor } from '../helper/visitor.js'
import { type Cell, expectOk, readCell } from './matrix.js'

/** A product as 3scale creates it, with the rules that its operator added, and a credential if the form offers it. */
export interface DefaultCell extends Cell {
  base: string
  /** As shown before an application exists. */
  before: { model: Model; snippets: Snippet[] }
}

type Rules = [verb: string, pattern: string, metric: string][]

/** Every new product has `GET /`; operators add these to make a model callable. */
const rulesByBase: Record<string, Rules> = {
  '/v1 by /': [['POST', '/', 'hits']],
  '/v1 by /v1': [
    ['GET', '/v1', 'hits'],
    ['POST', '/v1', 'hits'],
  ],
  '/llama/v1 by /llama': [['POST', '/llama', 'hits']],
}
const credentials = (['1', '2'] as const).flatMap((version) =>
  (['authorization', 'headers', 'query'] as const).map((location) => ({ version, location })),
)

/**
 * The demo with products that have only default settings: names of credentials, one metric, no API document, and a
 * PORTAL_CONFIG without products. One application for each; everything is read through the portal's API.
 */
export async function startDefaultProducts(folder: string) {
  const stack = await startStack()
  const mounted = await startBelow('/llama', `http://127.0.0.1:${stack.port + 5}/granite`)
  const config = join(folder, 'no-products.yaml')
  writeFileSync(config, 'branding: { name: Models }\n')
  const required = Object.entries(rulesByBase).flatMap(([name, rules]) =>
    credentials.map((way) => ({ name, rules, way })),
  )
  const names: string[] = []
  for (const { rules, way, name } of required)
    names.push(await addProduct({ ...way, rules, below: name.startsWith('/llama') }))
  await stack.portal({ PORTAL_CONFIG: config, CATALOG_TTL: '2', CATALOG_ACCESS: 'public' })
  const api = createApi(stack)
  await createVisitor(stack).signIn('ada')
  const token = await api.token({ username: 'ada' })
  const cells: DefaultCell[] = []
  for (const [index, { name, way }] of required.entries()) {
    const product = names[index] ?? ''
    const model = await expectOk(api.get<Model>(`/models/${product}`))
    const { items } = await expectOk(api.get<{ items: Snippet[] }>(`/models/${product}/snippets`))
    const created = await expectOk(
      api.post<Application>('/applications', token, {
        model: product,
        plan: 'basic',
        name: `for ${product}`,
        fields: { purpose: 'Experiment' },
      }),
    )
    const [base = ''] = name.split(' ')
    cells.push({
      name: `${way.version === '1' ? 'user_key' : 'app_id'} in ${way.location}, ${name}`,
      way: `${way.version} ${way.location}`,
      type: 'chat',
      base,
      before: { model, snippets: items },
      ...(await readCell(api, token, product, created.id)),
    })
  }
  const close = async () => {
    mounted.close()
    await stack.close()
  }
  return { stack, api, token, cells, addProduct, close }

  /** `below`: its model server responds only below `/llama`. */
  async function addProduct({
    below = false,
    rules,
    ...more
  }: {
    rules: Rules
    below?: boolean
    [name: string]: unknown
  }) {
    const answer = await fetch(`${stack.threescale}/_demo/products`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ server: 'granite', rules: [['GET', '/', 'hits'], ...rules], location: 'query', ...more }),
    })
    const { products } = (await answer.json()) as { products: { system_name: string }[] }
    const name = products[0]?.system_name ?? ''
    const { services } = await stack.state()
    const { id } = services.find(({ system_name }) => system_name === name) ?? {}
    if (below) await stack.put(`/_demo/services/${id}`, { api_backend: mounted.url })
    return name
  }
}

/** Waits until the catalogue has a product that was just added. */
export async function shown(api: ReturnType<typeof createApi>, name: string): Promise<Model> {
  for (let look = 0; look < 200; look++) {
    const { status, body } = await api.get<Model>(`/models/${name}`)
    if (status === 200) return body
    await sleep(100)
  }
  throw new Error(`${name} is not in the catalogue`)
}

/** A model server below a path, as one behind an ingress for several. */
async function startBelow(path: string, origin: string) {
  const server = createServer((incoming, response) => {
    const { method, headers, url = '' } = incoming
    if (!url.startsWith(`${path}/`)) return void response.writeHead(404).end('no such model')
    const onward = forward(origin + url.slice(path.length), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.once('error', () => response.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
