import { isOfSignIn } from '../../web/pages.js'

/** A path on this host, or `/`: for anything that a browser could read as another place, and for pages of the sign-in itself. */
export function safeReturnTo(value: unknown): string {
  if (typeof value !== 'string' || value.length > 2000) return '/'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (!/^\/(?![/\\])/.test(value) || /[\u0000-\u001f\u007f\\]/.test(value)) return '/'
  const base = 'http://portal.invalid'
  if (!URL.canParse(value, base)) return '/'
  const url = new URL(value, base)
  if (url.origin !== base || url.pathname.startsWith('//') || isOfSignIn(url.pathname)) return '/'
  return url.pathname + url.search
}
