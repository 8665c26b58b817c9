import { MAX_RETURN_TO } from '../../../web/auth/sign-in-link.js'
import { isSignInPath } from '../../../web/pages/render.js'

/** A path of this site; `/` for pages of the sign-in and for anything that a browser could resolve to another site. */
export function safeReturnTo(value: unknown): string {
  if (typeof value !== 'string' || value.length > MAX_RETURN_TO) return '/'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (!/^\/(?![/\\])/.test(value) || /[\u0000-\u001f\u007f\\]/.test(value)) return '/'
  const base = 'http://portal.invalid'
  if (!URL.canParse(value, base)) return '/'
  const url = new URL(value, base)
  if (url.origin !== base || url.pathname.startsWith('//') || isSignInPath(url.pathname)) return '/'
  return url.pathname + url.search
}
