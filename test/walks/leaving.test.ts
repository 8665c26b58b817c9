import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContext, Page } from 'playwright-core'
import t from 'tap'
import { completeSignUp, launchBrowser, violations } from '../helper/browser.js'
import { type SmallProvider, startSmallProvider } from '../helper/small-provider.js'
import { startStack } from '../helper/stack.js'

/**
 * Browsers apply the `form-action` of a page to every redirect of the response to its form. The providers here redirect to
 * origins that the portal does not know.
 */
const stack = await startStack(['threescale'])
const browser = await launchBrowser()
/** The origin of another provider. It redirects to `next`, or is the page after a sign-out. */
const referers: (string | undefined)[] = []
const upstream = createServer((request, response) => {
  referers.push(request.headers.referer)
  const next = new URL(request.url ?? '/', 'http://upstream').searchParams.get('next')
  if (next) response.writeHead(302, { location: next }).end()
  else response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Signed out upstream</h1>')
})
await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
const beyond = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
t.teardown(async () => {
  await browser.close()
  upstream.close()
  upstream.closeAllConnections()
  await stack.close()
})

let count = 0
async function portalWith(discovery: (provider: SmallProvider) => Record<string, unknown> = () => ({})) {
  const provider = await startSmallProvider()
  t.teardown(provider.close)
  Object.assign(provider.discovery, discovery(provider))
  provider.beginsAt = beyond
  const at = stack.port + 50 + count++
  const portal = await stack.portal({
    PORT: String(at),
    PUBLIC_URL: `http://localhost:${at}`,
    OIDC_ISSUER: provider.issuer,
  })
  return { provider, origin: portal.url }
}

/** Opens the sign-up form as a new user. */
async function arrive(context: BrowserContext, { provider, origin }: Portal): Promise<Page> {
  const name = `leaver${++count}`
  provider.claims = { sub: name, name, email: `${name}@example.com`, email_verified: true }
  const page = await context.newPage()
  await page.goto(`${origin}/login?return_to=/account`)
  await page.waitForURL(`${origin}/sign-up`)
  return page
}

async function signIn(context: BrowserContext, portal: Portal): Promise<Page> {
  const page = await arrive(context, portal)
  await completeSignUp(page)
  await page.waitForURL(`${portal.origin}/account`)
  return page
}

type Portal = Awaited<ReturnType<typeof portalWith>>

const far = await portalWith(() => ({
  end_session_endpoint: `${beyond}/end?next=${encodeURIComponent(`${beyond}/done`)}`,
}))
const near = await portalWith()
near.provider.endsAt = `${beyond}/done`
const without = await portalWith(() => ({ end_session_endpoint: undefined }))

for (const [name, portal] of [
  ['at another origin that leads on', far],
  ['at the issuer that leads on to another origin', near],
] as const)
  for (const javaScriptEnabled of [true, false])
    t.test(
      `a sign-out ${name} reaches the last page, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`,
      async (t) => {
        const context = await browser.newContext({ javaScriptEnabled })
        const page = await signIn(context, portal)
        referers.length = 0
        await page.locator('section form[action="/logout"] button').first().click()
        await page.waitForURL(`${beyond}/done*`)
        t.match(await page.textContent('h1'), 'Signed out upstream')
        t.ok(referers.length > 0)
        t.notMatch(referers.join(' '), portal.origin, 'no Referer contains the origin of the portal')
        await page.goto(`${portal.origin}/signed-out`)
        t.equal((await context.cookies(portal.origin)).filter(({ name }) => name === 'maas_session').length, 0)
        await context.close()
      },
    )

t.test('a sign-out from the sign-up form also ends the session at the provider', async (t) => {
  const context = await browser.newContext()
  const page = await arrive(context, far)
  await page.click('form[action="/logout"] button')
  await page.waitForURL(`${beyond}/done*`)
  t.match(await page.textContent('h1'), 'Signed out upstream')
  await context.close()
})

t.test('without an end_session_endpoint, the page states that the provider session may still be open', async (t) => {
  const context = await browser.newContext()
  const page = await signIn(context, without)
  await page.locator('section form[action="/logout"] button').first().click()
  await page.waitForURL(`${without.origin}/signed-out*`)
  t.match(await page.textContent('main'), 'Your session with your identity provider may still be open')
  await page.goto(`${without.origin}/signed-out?provider=constructor`)
  t.match(await page.textContent('main'), 'Your applications and their keys continue to work.')
  await context.close()
})

t.test(
  'a form submitted after the session ended leads through sign-in and states that nothing was changed',
  async (t) => {
    const { origin } = near
    const context = await browser.newContext()
    const page = await signIn(context, near)
    await page.fill('#email', 'invited@example.com')
    await context.clearCookies({ name: 'maas_session' })
    await page.click('form[action="/account/members"] button:has-text("Invite person")')
    await page.waitForSelector('.notice')
    t.equal(page.url(), `${origin}/account`)
    t.match(await page.textContent('.notice'), 'Your session ended before you submitted the form')
    t.notMatch(await page.textContent('.people'), 'invited@example.com')
    await page.goto(`${origin}/applications/new`)
    await page.selectOption('#model', 'granite-chat')
    await context.clearCookies({ name: 'maas_session' })
    await page.click('form[action="/applications/new"] button')
    await page.waitForURL(`${origin}/applications/new?model=granite-chat`)
    await page.waitForSelector('.user-menu')
    t.match(await page.textContent('.lead'), 'for', 'a GET form is preserved')
    await context.close()
  },
)

t.test('a fetch after the session ended gets a page instead of a redirect to another origin', async (t) => {
  const context = await browser.newContext()
  const page = await signIn(context, near)
  await context.clearCookies({ name: 'maas_session' })
  for (const path of ['/playground/stream', '/account/members'])
    t.same(
      await page.evaluate(async (address) => {
        const answer = await fetch(address, { method: 'POST', body: new URLSearchParams({ prompt: 'hello' }) })
        return [answer.status, answer.redirected, answer.headers.get('content-type')]
      }, path),
      [200, true, 'text/html; charset=utf-8'],
      path,
    )
  await context.close()
})

t.test(
  'the page between the portal and the provider has a link, no accessibility violation, and no-store',
  async (t) => {
    const { origin, provider } = near
    const context = await browser.newContext()
    // With 204, the browser stays on the page.
    await context.route(`${provider.origin}/**`, (route) => route.fulfill({ status: 204 }))
    const page = await context.newPage()
    await page.goto(`${origin}/models`)
    const [answer] = await Promise.all([
      page.waitForResponse((response) => new URL(response.url()).pathname === '/login'),
      page.click('a[href^="/login"]'),
    ])
    await page.waitForSelector('main a:has-text("Continue")')
    t.equal(answer?.status(), 200)
    t.equal(answer?.headers()['cache-control'], 'no-store')
    t.match(answer?.headers()['content-security-policy'], /form-action 'self'(;|$)/)
    t.match(await page.getAttribute('main a', 'href'), `${provider.origin}/authorize?`)
    t.equal(await page.textContent('main a'), 'Continue')
    t.same(await violations(page), [])
    await context.close()
  },
)

t.test('a typed address and a client that is not a browser are redirected to the provider', async (t) => {
  const { origin, provider } = near
  for (const site of [undefined, 'none', 'cross-site']) {
    const headers: Record<string, string> = site === undefined ? {} : { 'sec-fetch-site': site }
    const answer = await fetch(`${origin}/login`, { redirect: 'manual', headers })
    t.equal(answer.status, 303, site ?? 'no header')
    t.match(answer.headers.get('location'), `${provider.origin}/authorize?`)
  }
  for (const site of ['same-origin', 'same-site'])
    t.equal((await fetch(`${origin}/login`, { redirect: 'manual', headers: { 'sec-fetch-site': site } })).status, 200)
})
