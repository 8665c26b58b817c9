import type { FastifyInstance, FastifyRequest } from 'fastify'

/**
 * Where 3scale's own developer portal had its pages (porta, lib/developer_portal/config/routes.rb) and the pages that the
 * guide to it added, with the page here that does the same: bookmarks, links in mails and in notebooks go on working when
 * this portal takes over its host name. Applications keep their numbers.
 */
const moved: [RegExp, string | ((part: string, query: URLSearchParams) => string)][] = [
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

export interface StockOptions {
  publicUrl: string
  /** host names of the stock portal that were given to this one */
  hosts: string[]
}

/**
 * 303 for every page that the stock portal had and this one has not; pages of its own are never touched. What is asked of
 * one of its host names goes to the public address, where sign-in and its cookies work.
 */
export function stockPaths(app: FastifyInstance, { publicUrl, hosts }: StockOptions): void {
  app.addHook('onRequest', (request, reply, done) => {
    const target = targetOf(request)
    if (target) reply.redirect(target, 303)
    else done()
  })

  function targetOf({ method, hostname, url, is404 }: FastifyRequest): string | undefined {
    if (method !== 'GET' && method !== 'HEAD') return undefined
    if (hosts.length > 0 && hosts.includes(hostname))
      return publicUrl + (stockPath(url) ?? (url.startsWith('/') ? url : '/'))
    return is404 ? stockPath(url) : undefined
  }
}

/** The new address of a page of the stock portal; undefined for anything else. */
export function stockPath(url: string): string | undefined {
  // not by URL: what clients send as a path, // for one, need not be an address
  const [pathname = '', query = ''] = url.split(/\?(.*)/s)
  const searchParams = new URLSearchParams(query)
  for (const [pattern, target] of moved) {
    const match = pattern.exec(pathname)
    if (match) return typeof target === 'string' ? target : target(match[1] ?? '', searchParams)
  }
  return undefined
}

/** The stock portal named a product by its system name or by its number; only the name means something here. */
function newApplication(query: URLSearchParams): string {
  const product = query.get('service_id') ?? ''
  return /^[\w.-]+$/.test(product) && !/^\d+$/.test(product)
    ? `/applications/new?model=${product}`
    : '/applications/new'
}

function search(query: URLSearchParams): string {
  const words = query.get('q') ?? ''
  return words ? `/models?q=${encodeURIComponent(words)}` : '/models'
}
