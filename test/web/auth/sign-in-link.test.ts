import t from 'tap'
import { safeReturnTo } from '../../../src/features/account/sign-in/return-to.js'
import { MAX_RETURN_TO, signInLink } from '../../../src/web/auth/sign-in-link.js'

const returnToOf = (link: string) => new URL(link, 'http://portal.invalid').searchParams.get('return_to')

t.test('a sign-in returns to every address that its link contains', async (t) => {
  const long = 'x'.repeat(MAX_RETURN_TO)
  for (const [url, expected] of [
    ['/models?q=a b&sort=price', '/models?q=a b&sort=price'],
    [`/models?q=${long}`, '/models'],
    [`/models/${long}?q=1`, '/'],
    [`/${long.slice(1)}`, `/${long.slice(1)}`],
  ] as const) {
    const returnTo = returnToOf(signInLink(url))
    t.equal(returnTo, expected)
    t.equal(decodeURI(safeReturnTo(returnTo)), expected)
  }
})
