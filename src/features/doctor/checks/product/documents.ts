import { setImmediate as breathe } from 'node:timers/promises'
import { matchingRules, samplePath } from '../../../../clients/threescale/tenant-rules/mapping-rules.js'
import type { ApiDoc, MappingRule } from '../../../../clients/threescale/types.js'
import { findEndpoint } from '../../../../model-calls/openai-endpoints.js'
import { mapOperation } from '../../../../model-calls/paths/mapped-operations.js'
import type { DocumentReader, DocumentSummary } from '../../document-summary.js'
import type { CreateFinding, Finding } from '../../findings/findings.js'
import { type CreateProductFinding, formatList, type ProductContext, type Tenant } from '../../product-context.js'
import { documentMessages } from './messages.js'
import { mountPathsIn } from './product-rules.js'

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
/** Calls that are compared with mapping rules before the event loop continues. */
const CALLS_PER_TURN = 8

/** Whether the product has a published document of its own that matches the mapping rules. */
export async function checkDocuments(
  context: ProductContext,
  finding: CreateProductFinding,
  readDocument: DocumentReader,
): Promise<Finding[]> {
  const { tenant, product } = context
  if (!tenant.docs) return []
  const own = tenant.docs.filter(({ productId }) => productId === product.id)
  const shown = own.filter(({ published }) => published)
  if (own.length === 0) return [finding('docs_missing')]
  if (shown.length === 0) return [finding('docs_unpublished', documentMessages.unpublished(String(own[0]?.name)))]
  const found: Finding[] = []
  for (const doc of shown) found.push(...(await checkDocument(doc, context, finding, readDocument)))
  return found
}

async function checkDocument(
  doc: ApiDoc,
  context: ProductContext,
  finding: CreateProductFinding,
  readDocument: DocumentReader,
): Promise<Finding[]> {
  const { tenant, product, config } = context
  const found: Finding[] = []
  const other = tenant.products.find(
    ({ id, systemName }) =>
      id !== product.id && isNamedAfter(doc, systemName) && !isNamedAfter(doc, product.systemName),
  )
  if (other)
    found.push(finding('docs_other_product', documentMessages.namedAfterOther(doc.systemName, other.systemName)))
  const read = await readDocument(doc.body)
  if (read === 'too_complex') return [...found, finding('docs_too_complex', documentMessages.tooComplex(doc.name))]
  if (read === 'unreadable' || !read.isOpenApi)
    return [...found, finding('docs_unreadable', documentMessages.notOpenApi(doc.name))]
  if (!config) return found
  const stray = await unmappedCalls(read, config.rules, mountPathsIn(context))
  if (stray.length > 0) found.push(finding('docs_unmapped_path', documentMessages.unmapped(formatList(stray))))
  const address = otherServer(read, config.endpoint)
  if (address)
    found.push(finding('docs_server_mismatch', documentMessages.otherServer(doc.name, address, config.endpoint)))
  return found
}

/** Published documents that are not linked to a product. */
export function checkUnlinkedDocuments({ docs: all, products }: Tenant, finding: CreateFinding) {
  return (all ?? [])
    .filter(({ productId, published }) => published && productId === undefined)
    .map((doc) => {
      const owner = products.find(({ systemName }) => isNamedAfter(doc, systemName))
      return finding('docs_unlinked', { what: documentMessages.unlinked(doc.name, doc.systemName, owner?.systemName) })
    })
}

/** The 3scale guide names documents after products, with separators or a suffix. */
function isNamedAfter({ systemName }: ApiDoc, product: string): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, '_')
  return plain(systemName).replace(/_(docs?|api|spec|openapi|swagger|reference)$/, '') === plain(product)
}

/** Model calls without a mapping rule, and other calls whose rules require another method. */
async function unmappedCalls(
  { base, calls }: DocumentSummary,
  rules: MappingRule[],
  mounts: string[],
): Promise<string[]> {
  const found: string[] = []
  for (const [index, { method, path }] of calls.entries()) {
    if (index % CALLS_PER_TURN === CALLS_PER_TURN - 1) await breathe()
    if (mapOperation({ method, base, path }, rules, mounts)) continue
    const called = base + path
    const example = samplePath(called)
    const otherMethod = methods.some((known) => matchingRules(rules, known, example).length > 0)
    if (otherMethod || (method === 'POST' && findEndpoint('POST', called) !== undefined))
      found.push(`${method} ${called}`)
  }
  return found
}

function otherServer({ servers }: DocumentSummary, endpoint: string): string | undefined {
  const own = URL.canParse(endpoint) ? new URL(endpoint).hostname : ''
  // One matching server is sufficient: others may be staging servers.
  if (servers.some((url) => new URL(url).hostname === own)) return undefined
  return servers[0]
}
