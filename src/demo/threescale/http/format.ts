/** Addresses whose default format is JSON; everywhere else it is XML (porta, config/routes.rb). */
const JSON_BY_DEFAULT =
  /^\/(admin\/api\/(backend_apis|personal|cms|registry\/policies|objects\/status|account\/proxy_configs)(\/|$)|admin\/api\/(services\/\d+\/backend_usages|accounts\/\d+\/service_subscriptions)|stats\/)/
/** Addresses that do not exist in another format. */
const JSON_ONLY = /^\/admin\/api\/accounts\/\d+\/service_subscriptions(\/|$)/
/** Statistics are always JSON (app/controllers/stats/base_controller.rb). */
const ALWAYS_JSON = /^\/stats\//

/**
 * Rails takes the last `.word` of a path for the format, and the default of the address wins over `Accept` and `format=`. An
 * application key may hold dots: there only `.json` and `.xml` are a format, so a key ending in one needs it twice.
 */
export function splitFormat(url: string): { path: string; query: string; format: string } {
  const [address = '', ...rest] = url.split('?')
  const query = rest.length > 0 ? `?${rest.join('?')}` : ''
  const extension = /\/keys\/[^/]+$/.test(address) ? /\.(json|xml)$/.exec(address) : /\.(\w+)$/.exec(address)
  const path = extension ? address.slice(0, extension.index) : address
  if (ALWAYS_JSON.test(path)) return { path, query, format: 'json' }
  if (extension) return { path, query, format: extension[1] ?? '' }
  return { path, query, format: JSON_BY_DEFAULT.test(address) ? 'json' : 'xml' }
}

export function exists(path: string, format: string): boolean {
  return format === 'json' || !JSON_ONLY.test(path)
}

/** The 3scale part's own routes have no extension in them. */
export function withoutFormat(url: string): string {
  if (!/^\/(admin|stats)\//.test(url)) return url
  const { path, query, format } = splitFormat(url)
  return exists(path, format) ? path + query : url
}
