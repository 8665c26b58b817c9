import type { FastifyInstance, FastifyRequest } from 'fastify'

/**
 * Paths of 3scale's own developer portal (porta, lib/developer_portal/config/routes.rb) and of the pages in its guide, with the
 * corresponding page of this portal. Bookmarks and links remain valid if this portal takes over the host name. Ids of applications are
 * unchanged.
 */
const redirects: [RegExp, string | ((part: string, query: URLSearchParams) => string)][] = [
  [/^\/admin\/?$/, '/'],
  [/^\/admin\/applications\/(?:new|choose_service)\/?$/, (_part, query) => newApplication(query)],
  [/^\/admin\/applications\/(\d+)(?:\/.*)?$/, (id) => `/applications/${id}`],
  [/^\/admin\/(?:applications|access_details|contracts)(?:\/.*)?$/, '/applications'],
  [/^\/admin\/account(?:\/.*)?$/, '/account'],
  [/^\/admin\/(?:services|service_contracts)(?:\/.*)?$/, '/models'],
  [/^\/admin\/messages(?:\/.*)?$/, '/'],
  [/^\/buyer\/stats(?:\/.*)?$/, '/usage'],
  [/^\/buyer\/.*$/, '/applications'],
  [/^\/stats(?:\/.*)?$/, '/usage'],
  [/^\/(?:services|docs|examples|configuration|api_docs|swagger)(?:\/.*)?$/, '/models'],
  [/^\/search(?:\.\w+)?$/, (_part, query) => search(query)],
  [/^\/(?:signup|activate|session|auth|password|forgot_password)(?:\/.*)?$/, '/login'],
  [/^\/logout\/?$/, '/account'],
  [/^\/logged_out\/?$/, '/signed-out'],
  [/^\/(?:access_code|privacy|refunds)\/?$/, '/'],
]

export interface LegacyRedirectOptions {
  publicUrl: string
  /** host names of the stock portal that lead to this portal */
  hosts: string[]
}

/**
 * 303 for pages that only the stock portal has. Requests for one of its host names are redirected to the public URL, which sign-in and
 * its cookies require.
 */
export function legacyRedirects(app: FastifyInstance, { publicUrl, hosts }: LegacyRedirectOptions): void {
  app.addHook('onRequest', (request, reply, done) => {
    const target = targetOf(request)
    if (target) reply.redirect(target, 303)
    else done()
  })

  function targetOf({ method, hostname, url, is404 }: FastifyRequest): string | undefined {
    if (method !== 'GET' && method !== 'HEAD') return undefined
    if (hosts.length > 0 && hosts.includes(hostname))
      return publicUrl + (legacyRedirectTarget(url) ?? (url.startsWith('/') ? url : '/'))
    return is404 ? legacyRedirectTarget(url) : undefined
  }
}

/** The new path of a page of the stock portal; undefined for other paths. */
export function legacyRedirectTarget(url: string): string | undefined {
  // URL() rejects paths that clients may send, such as //
  const [pathname = '', query = ''] = url.split(/\?(.*)/s)
  const searchParams = new URLSearchParams(query)
  for (const [pattern, target] of redirects) {
    const match = pattern.exec(pathname)
    if (match) return typeof target === 'string' ? target : target(match[1] ?? '', searchParams)
  }
  return undefined
}

/** The stock portal identified a product by system name or id. Only the name is meaningful here. */
function newApplication(query: URLSearchParams): string {
  const product = query.get('service_id') ?? ''
  return /^[\w.-]+$/.test(product) && !/^\d+$/.test(product)
    ? `/applications/new?model=${product}`
    : '/applications/new'
}

function search(query: URLSearchParams): string {
  const term = query.get('q') ?? ''
  return term ? `/models?q=${encodeURIComponent(term)}` : '/models'
}
