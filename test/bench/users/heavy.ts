import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { createVisitor, type Visitor } from '../../helper/visitor.js'
import { type Row, type Section, within } from '../table.js'
import { largeDocument } from './large-document.js'
import { addProducts, type MeasuredPortal, type Population, quiet } from './population.js'

const MOST_MS = 50
const PRODUCTS = 2000
const COMPARED = 4
const REPORT_SECONDS = 120

/** The most expensive pages, requested one at a time, of a catalogue of 2,000 products. */
export async function* heavy(
  population: Population,
  { times, waitSeconds }: { times: number; waitSeconds: number },
): AsyncIterable<Section> {
  const { stack, large, models } = population
  const documented = await addDocumentedProduct(population)
  await addProducts(stack, PRODUCTS)
  // Without Redis, which has the catalogue without these products.
  const portal = await population.startPortal({})
  try {
    await fetch(`${portal.url}/models`)
    await quiet(stack, waitSeconds)
    const [person] = large
    const application = person?.applications[0]
    const user = createVisitor({ url: portal.url })
    await user.signIn(person?.username ?? 'mary')
    const compared = models.slice(0, COMPARED).map((name) => `model=${name}`)
    const pages = [
      `/models/${documented}/reference`,
      `/models/${documented}`,
      '/models',
      '/models?page=20',
      '/models?q=chat&sort=price',
      `/models/compare?${compared.join('&')}`,
      '/docs/api',
      '/usage?range=90d&granularity=hour',
      '/usage?range=12m',
      '/usage.csv?range=12m',
      `/applications/${application}/usage?range=90d&granularity=hour`,
      `/applications/${application}/usage?range=12m`,
      '/applications/new',
      '/playground',
    ]
    const rows: Row[] = []
    for (const path of pages) rows.push(await rowOf(portal, user, path, times))
    const operator = createVisitor({ url: portal.url })
    await operator.signIn('admin')
    const run = await portal.probe.longestBlock(() => runDoctor(operator))
    rows.push(withinLimit('all checks of the doctor', run))
    rows.push(await rowOf(portal, operator, '/doctor', times))
    yield {
      title: `The longest block of the event loop by one request, ${PRODUCTS} products, an API document of 3.4 MB`,
      rows,
    }
  } finally {
    await portal.stop()
  }
}

async function rowOf({ probe }: MeasuredPortal, visitor: Visitor, path: string, times: number): Promise<Row> {
  const blocks: number[] = []
  let bytes = 0
  for (let time = 0; time < times; time++) {
    const block = await probe.longestBlock(async () => {
      const { status, text } = await visitor.once(path)
      if (status !== 200) throw new Error(`${path} returned ${status}`)
      bytes = text.length
    })
    blocks.push(block)
  }
  const what = path.replace(/\d{4,}/, ':id').replace(/(model=[^&]+&?)+/, '…')
  const note = `${Math.round(bytes / 1024)} KB, first request ${blocks[0]?.toFixed(1)} ms`
  return { ...withinLimit(what, Math.max(...blocks)), note }
}

function withinLimit(what: string, milliseconds: number): Row {
  return within(what, Math.round(milliseconds * 10) / 10, MOST_MS, 'ms')
}

/** A product whose gateway passes every path, so that each operation of the document is one of the product. */
async function addDocumentedProduct({ stack }: Population): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const rules = [
    ['GET', '/'],
    ['POST', '/'],
  ]
  const body = JSON.stringify({ system_name: 'large-document', name: 'Large document', type: 'chat', rules })
  const answer = await fetch(`${stack.threescale}/_demo/products?count=1`, { method: 'POST', headers, body })
  const { products } = (await answer.json()) as { products: { system_name: string }[] }
  const name = products[0]?.system_name ?? ''
  const { services } = await stack.state()
  const id = services.find(({ system_name }) => system_name === name)?.id
  await stack.put('/_demo/active_docs', { service_id: id, body: largeDocument() })
  return name
}

/** Starts the checks, and waits until they have ended. */
async function runDoctor(operator: Visitor): Promise<void> {
  const { status } = await operator.post('/doctor', {})
  if (status !== 303) throw new Error(`the doctor returned ${status}`)
  for (const end = performance.now() + REPORT_SECONDS * 1000; performance.now() < end; await sleep(1000)) {
    const { headers } = await operator.once('/doctor')
    if (!headers.has('refresh')) return
  }
}
