/**
 * nginx's `$uri`: percent-decoded byte by byte, slashes merged, dots resolved, one latin1 character a byte. Undefined:
 * nginx answers 400 (nginx, src/http/ngx_http_parse.c, ngx_http_parse_complex_uri).
 */
export function normaliseUri(path: string): string | undefined {
  if (!path.startsWith('/') || /%(?![0-9a-f]{2})|%00/i.test(path)) return undefined
  const decoded = path.replace(/%([0-9a-f]{2})/gi, (_code, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  const segments = decoded.split(/\/+/).slice(1)
  const resolved: string[] = []
  for (const [index, segment] of segments.entries()) {
    const isDots = segment === '.' || segment === '..'
    if (segment === '..' && resolved.pop() === undefined) return undefined
    if (!isDots) resolved.push(segment)
    else if (index === segments.length - 1) resolved.push('')
  }
  return `/${resolved.join('/')}`
}

/** As nginx writes a changed path to an upstream, and as APIcast matches mapping rules (ngx_escape_uri, NGX_ESCAPE_URI). */
export function escapeUri(uri: string): string {
  return uri.replace(
    /[^!$&-;=@-[\]_a-z~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

/** As nginx's `$arg_name`: case-insensitive, the first one with an `=` counts, and neither name nor value is decoded. */
export function rawArgument(search: string, name: string): string | undefined {
  for (const pair of search.slice(1).split('&')) {
    const equals = pair.indexOf('=')
    if (equals !== -1 && pair.slice(0, equals).toLowerCase() === name.toLowerCase()) return pair.slice(equals + 1)
  }
  return undefined
}
