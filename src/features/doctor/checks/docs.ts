import type { ApiDoc, MappingRule } from '../../../clients/threescale/nouns.js'
import { rulesFor, sampleOf } from '../../../clients/threescale/patterns.js'
import { readSpec } from '../../../clients/threescale/spec.js'
import { endpointAt } from '../../../model-calls/openai-endpoints.js'
import type { Find } from '../findings.js'
import { listed, type ProductCheck, type Tenant } from '../look.js'

type Spec = Record<string, unknown>

/** The reference of a product: there, published, its own, and about what the gateway lets through. */
export const docs: ProductCheck = ({ tenant, product, config }, find) => {
  if (!tenant.docs) return []
  const own = tenant.docs.filter(({ productId }) => productId === product.id)
  const shown = own.filter(({ published }) => published)
  if (own.length === 0) return [find('docs_missing')]
  if (shown.length === 0) return [find('docs_hidden', `“${own[0]?.name}” is there and not published.`)]
  return shown.flatMap((doc) => {
    const found = []
    const other = tenant.products.find(
      ({ id, systemName }) =>
        id !== product.id && isNamedAfter(doc, systemName) && !isNamedAfter(doc, product.systemName),
    )
    if (other)
      found.push(find('docs_other_product', `“${doc.systemName}” is named after ${other.systemName} and linked here.`))
    const spec = readSpec(doc.body)
    if (!spec || !(spec.openapi || spec.swagger))
      return [...found, find('docs_unreadable', `“${doc.name}”: no OpenAPI document.`)]
    if (!config) return found
    const stray = unmapped(spec, config.rules)
    if (stray.length > 0) found.push(find('docs_path', `No mapping rule lets through: ${listed(stray)}.`))
    const address = otherAddress(spec, config.endpoint)
    if (address)
      found.push(find('docs_address', `“${doc.name}” names ${address}; the gateway is at ${config.endpoint}.`))
    return found
  })
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

/** Calls of a model that no rule takes, and others that rules take with another verb only. */
function unmapped(spec: Spec, rules: MappingRule[]): string[] {
  const base = basePath(spec)
  const verbs = ['get', 'post', 'put', 'patch', 'delete']
  return Object.entries(member(spec.paths)).flatMap(([path, item]) =>
    Object.keys(member(item))
      .filter((verb) => verbs.includes(verb))
      .map((verb) => ({ verb: verb.toUpperCase(), called: base + path }))
      .filter(({ verb, called }) => {
        const example = sampleOf(called)
        if (rulesFor(rules, verb, example).length > 0) return false
        const otherVerb = verbs.some((known) => rulesFor(rules, known.toUpperCase(), example).length > 0)
        return otherVerb || (verb === 'POST' && endpointAt('POST', called) !== undefined)
      })
      .map(({ verb, called }) => `${verb} ${called}`),
  )
}

function basePath(spec: Spec): string {
  const [server] = Array.isArray(spec.servers) ? (spec.servers as unknown[]) : []
  const url = spec.swagger ? spec.basePath : member(server).url
  if (typeof url !== 'string' || !URL.canParse(url, 'http://spec.invalid')) return ''
  return new URL(url, 'http://spec.invalid').pathname.replace(/\/+$/, '')
}

function otherAddress(spec: Spec, endpoint: string): string | undefined {
  const servers = Array.isArray(spec.servers) ? spec.servers.map((server) => member(server).url) : []
  const named = spec.swagger && typeof spec.host === 'string' ? [`https://${spec.host}`] : servers
  const own = URL.canParse(endpoint) ? new URL(endpoint).hostname : ''
  const absolute = named.filter(
    (url) => typeof url === 'string' && /^https?:\/\//.test(url) && URL.canParse(url),
  ) as string[]
  // one that is right is enough: others may be staging
  if (absolute.length === 0 || absolute.some((url) => new URL(url).hostname === own)) return undefined
  return absolute[0]
}

function member(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
