import { setImmediate as breathe } from 'node:timers/promises'
import type { ApiDoc, MappingRule } from '../../../clients/threescale/nouns.js'
import { rulesFor, sampleOf } from '../../../clients/threescale/patterns.js'
import { mappedOperation } from '../../../model-calls/mapped-operations.js'
import { endpointAt } from '../../../model-calls/openai-endpoints.js'
import type { DocumentClaims, DocumentReader } from '../document.js'
import type { Find, Finding } from '../findings.js'
import { type FindHere, type Look, listed, type Tenant } from '../look.js'
import { mountsIn } from '../product-rules.js'

const verbs = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
/** compared with the rules before other work of this process gets its turn */
const CALLS_AT_ONCE = 8

/** The reference of a product: there, published, its own, and about what the gateway lets through. */
export async function docs(look: Look, find: FindHere, readDocument: DocumentReader): Promise<Finding[]> {
  const { tenant, product } = look
  if (!tenant.docs) return []
  const own = tenant.docs.filter(({ productId }) => productId === product.id)
  const shown = own.filter(({ published }) => published)
  if (own.length === 0) return [find('docs_missing')]
  if (shown.length === 0) return [find('docs_hidden', `“${own[0]?.name}” is there and not published.`)]
  const found: Finding[] = []
  for (const doc of shown) found.push(...(await examined(doc, look, find, readDocument)))
  return found
}

async function examined(doc: ApiDoc, look: Look, find: FindHere, readDocument: DocumentReader): Promise<Finding[]> {
  const { tenant, product, config } = look
  const found: Finding[] = []
  const other = tenant.products.find(
    ({ id, systemName }) =>
      id !== product.id && isNamedAfter(doc, systemName) && !isNamedAfter(doc, product.systemName),
  )
  if (other)
    found.push(find('docs_other_product', `“${doc.systemName}” is named after ${other.systemName} and linked here.`))
  const read = await readDocument(doc.body)
  if (read === 'too_complex') return [...found, find('docs_too_complex', `“${doc.name}”.`)]
  if (read === 'unreadable' || !read.isOpenApi)
    return [...found, find('docs_unreadable', `“${doc.name}”: no OpenAPI document.`)]
  if (!config) return found
  const stray = await unmapped(read, config.rules, mountsIn(look))
  if (stray.length > 0) found.push(find('docs_path', `No mapping rule lets through: ${listed(stray)}.`))
  const address = otherAddress(read, config.endpoint)
  if (address) found.push(find('docs_address', `“${doc.name}” names ${address}; the gateway is at ${config.endpoint}.`))
  return found
}

/** Published specs that are linked to no product. */
export function strayDocs({ docs: all, products }: Tenant, find: Find) {
  return (all ?? [])
    .filter(({ productId, published }) => published && productId === undefined)
    .map((doc) => {
      const meant = products.find(({ systemName }) => isNamedAfter(doc, systemName))
      const what = `“${doc.name}” (${doc.systemName}) is linked to no product.`
      return find('docs_unlinked', { what: meant ? `${what} By its name it is ${meant.systemName}’s.` : what })
    })
}

/** The guide named specs after products, with `_`, `-` or a word behind it. */
function isNamedAfter({ systemName }: ApiDoc, product: string): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, '_')
  return plain(systemName).replace(/_(docs?|api|spec|openapi|swagger|reference)$/, '') === plain(product)
}

/** Calls of a model that no rule takes, as the reference places them, and others that rules take with another verb only. */
async function unmapped({ base, calls }: DocumentClaims, rules: MappingRule[], mounts: string[]): Promise<string[]> {
  const found: string[] = []
  for (const [index, { verb, path }] of calls.entries()) {
    if (index % CALLS_AT_ONCE === CALLS_AT_ONCE - 1) await breathe()
    if (mappedOperation({ method: verb, base, path }, rules, mounts)) continue
    const called = base + path
    const example = sampleOf(called)
    const otherVerb = verbs.some((known) => rulesFor(rules, known, example).length > 0)
    if (otherVerb || (verb === 'POST' && endpointAt('POST', called) !== undefined)) found.push(`${verb} ${called}`)
  }
  return found
}

function otherAddress({ servers }: DocumentClaims, endpoint: string): string | undefined {
  const own = URL.canParse(endpoint) ? new URL(endpoint).hostname : ''
  // one that is right is enough: others may be staging
  if (servers.some((url) => new URL(url).hostname === own)) return undefined
  return servers[0]
}
