/** The longest address to which a sign-in returns; it is stored in a cookie. */
export const MAX_RETURN_TO = 2000

/** The link to a sign-in that returns to this address, to its path if its query is too long, and to the home page otherwise. */
export function signInLink(url: string): string {
  const returnTo = [url, url.split('?')[0] ?? ''].find(({ length }) => length <= MAX_RETURN_TO) ?? '/'
  return `/login?return_to=${encodeURIComponent(returnTo)}`
}
