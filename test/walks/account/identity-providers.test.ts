import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import type { BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { start } from '../../../src/app.js'
import { demoEnvironment } from '../../../src/cli/demo-settings.js'
import { loadConfig } from '../../../src/config/environment.js'
import { parsePortalConfig } from '../../../src/config/portal-config.js'
import { completeSignUp, launchBrowser } from '../../helper/browser.js'
import { type Documented, documented, inTable } from '../../helper/provider-docs.js'
import { type Client, type Person, type Profile, profiles } from '../../helper/provider-profiles.js'
import { type ScriptedProvider, startProvider } from '../../helper/scripted-provider.js'
import { freePort, startStack } from '../../helper/stack.js'

/** Each product of docs/identity-providers.md, with its documented settings, through a complete session in a browser. */
const RESTRICTED = 'restricted-research'
const GRAPH = 'https://graph.windows.net/9a3b1c52/users/eve/getMemberObjects'
const stack = await startStack(['threescale'])
const browser = await launchBrowser()
t.teardown(async () => {
  await browser.close()
  await stack.close()
})

t.test('every provider of the table has a section, valid settings and a scripted provider', async (t) => {
  const names = profiles.map(({ name }) => name)
  t.same(
    inTable.map(({ name }) => name),
    names,
  )
  t.same(
    documented.map(({ name }) => name),
    names,
  )
  for (const { name, anchor } of inTable)
    t.equal(
      anchor,
      name
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replace(/ /g, '-'),
      `the link of ${name}`,
    )
  for (const { name, env, config } of documented) {
    t.same(parsePortalConfig(config, name).problems, [], name)
    t.ok(env.OIDC_ISSUER?.startsWith('https://'), name)
  }
})

for (const [index, profile] of profiles.entries())
  t.test(profile.name, async (t) => {
    const ida: Person = { username: `ida${index}`, name: 'Ida Rhodes', email: `ida.${index}@example.com` }
    const { portal, provider } = await startPair(t, profile, [ida])
    const context = await browser.newContext()
    t.teardown(() => context.close())
    const faults = watch(context, portal.url)
    const page = await context.newPage()

    await page.goto(`${portal.url}/login?return_to=/account`)
    await signInAtProvider(page, ida)
    await page.waitForURL(`${portal.url}/sign-up`)
    await completeSignUp(page)
    t.equal(page.url(), `${portal.url}/account`, 'a new person signs up')
    const user = await userOf(ida)
    t.equal(user?.state, 'active')
    const restricted = await page.goto(`${portal.url}/models/${RESTRICTED}`)
    t.equal(restricted?.status(), 200, 'a model for a group is visible to its member')

    await signOut(page, portal.url)
    const signedOutText = (await page.textContent('main')) ?? ''
    await page.goto(`${portal.url}/login?return_to=/account`)
    if (profile.endSession) {
      t.ok(await isAsked(page), "the next sign-in asks for the user's credentials")
      await signInAtProvider(page, ida)
    } else
      t.match(
        signedOutText,
        /Your session with your identity provider may still be open/,
        'the page states that the session at the provider continues',
      )
    await page.waitForURL(`${portal.url}/account`)
    t.same(await userOf(ida), user, 'a second sign-in finds the same account')

    const api = createCalls(portal.url)
    const token = await provider.accessToken(ida)
    if (token === undefined) {
      const refused = await api('/me', 'f'.repeat(64))
      t.equal(refused.status, 401)
      t.match(
        ((await refused.json()) as { detail: string }).detail,
        /opaque|JWT/,
        'an opaque token is rejected with the reason',
      )
    } else {
      const me = await api('/me', token)
      const body = await me.text()
      t.equal(me.status, 200, `a client with a user: ${body}`)
      t.match(body, `"id":${user?.account_id}`, 'it has the same account as the pages')
      const sees = JSON.stringify(decodeJwt(token)).includes(`${profile.group}"`)
      t.equal((await api(`/models/${RESTRICTED}`, token)).status, sees ? 200 : 404, 'groups apply to the API as well')
    }
    const service = await provider.serviceToken()
    if (service !== undefined) {
      const models = await api('/models', service)
      t.equal(models.status, 200, `a client without a user: ${await models.text()}`)
    }
    t.equal((await api('/models', await provider.idToken(ida))).status, 401, 'an ID token is not an access token')

    const status = await provider.signOutEverywhere(ida)
    if (profile.logoutToken) {
      t.equal(status, 200, 'the provider reports that the session has ended')
      await page.goto(`${portal.url}/account`)
      t.ok(await isAsked(page), 'the next page requires sign-in')
    } else t.equal(status, undefined)
    const { findings } = await portal.doctor.examine(10_000)
    const errors = findings.filter(({ code, severity }) => code.startsWith('identity') && severity === 'error')
    t.same(errors, [], 'the doctor reports nothing about the provider')
    t.same(faults, [], 'no form was redirected to another origin, and the browser blocked nothing')
  })

t.test('a member of more groups than Microsoft Entra ID puts into tokens sees why models are missing', async (t) => {
  const [entra] = profiles
  if (!entra) return t.fail('there is no profile')
  const without = { groups: undefined, _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: GRAPH } } }
  const profile: Profile = {
    ...entra,
    idToken: (exchange) => ({ ...entra.idToken(exchange), ...without }),
    accessToken: (exchange) => ({ ...entra.accessToken?.(exchange), ...without }),
  }
  const eve: Person = { username: 'eve', name: 'Eve Curie', email: 'eve.curie@example.com' }
  const { portal, provider } = await startPair(t, profile, [eve])
  const context = await browser.newContext()
  t.teardown(() => context.close())
  const page = await context.newPage()
  await page.goto(`${portal.url}/login?return_to=/account`)
  await signInAtProvider(page, eve)
  await page.waitForURL(`${portal.url}/sign-up`)
  await completeSignUp(page)
  t.match(await page.textContent('body'), /omitted your groups because there are too many/, 'after the sign-in')
  const hidden = await page.goto(`${portal.url}/models/${RESTRICTED}`)
  t.equal(hidden?.status(), 404)
  t.match(
    await page.textContent('main'),
    /did not include your groups because there are too many/,
    'on the page of the model',
  )
  const answer = await createCalls(portal.url)(`/models/${RESTRICTED}`, (await provider.accessToken(eve)) ?? '')
  t.equal(answer.status, 404)
  t.match(((await answer.json()) as { detail: string }).detail, /did not include your groups/, 'and at the API')
})

function createCalls(origin: string) {
  return (path: string, token: string) =>
    fetch(`${origin}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } })
}

/** Whether the provider asks for credentials, which it does only without a session. Pages of the portal may come first. */
async function isAsked(page: Page): Promise<boolean> {
  const field = page.locator('[name=username]')
  return field.waitFor({ timeout: 10_000 }).then(
    () => true,
    () => false,
  )
}

async function signInAtProvider(page: Page, { username }: Person): Promise<void> {
  await page.fill('[name=username]', username)
  await page.click('button[type=submit]')
}

/** Signs out with the button of the menu, to the page where the provider returns the browser. */
async function signOut(page: Page, portal: string): Promise<void> {
  await page.goto(`${portal}/account`)
  await page.click('main form[action="/logout"] button')
  await page.waitForURL((url) => url.origin === portal && url.pathname === '/signed-out')
}

async function userOf({ email }: Person) {
  return (await stack.state()).users.find((user) => user.email === email)
}

/** Form responses that redirect to another origin, which browsers may block, and requests that the browser blocked. */
function watch(context: BrowserContext, portal: string): string[] {
  const faults: string[] = []
  context.on('response', (response) => {
    const location = response.headers().location ?? ''
    const isForm = response.request().method() === 'POST' && response.url().startsWith(portal)
    if (isForm && new URL(location, portal).origin !== portal) faults.push(`${response.url()} leads to ${location}`)
  })
  context.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) faults.push(message.text())
  })
  return faults
}

/** A portal with the documented settings and a scripted provider for the product; each has the address of the other. */
async function startPair(t: Test, profile: Profile, people: Person[]) {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const url = `http://localhost:${port}`
  const settings = documented.find(({ name }) => name === profile.name) as Documented
  const client: Client = {
    id: settings.env.OIDC_CLIENT_ID ?? '',
    secret: 's3cr3t:with+odd %characters&=',
    redirectUri: `${url}/login/callback`,
    postLogoutUri: `${url}/signed-out`,
    backchannelUri: `${url}/logout/backchannel`,
  }
  const provider = await startProvider(profile, client, people)
  t.teardown(provider.close)
  const file = join(t.testdir(), 'portal.yaml')
  const more = `terms: { version: "2026-01", text: Terms, field: terms_version }\nproducts: { ${RESTRICTED}: { visible_to: ["${profile.group}"] } }\n`
  writeFileSync(file, here(settings.config, profile, provider) + more)
  const env = {
    ...demoEnvironment(port, {}),
    THREESCALE_ADMIN_URL: stack.threescale,
    METRICS_PORT: String(metricsPort),
    LOG_LEVEL: 'silent',
    AUDIT_LOG: 'off',
    PORTAL_CONFIG: file,
    OIDC_CLIENT_SECRET: client.secret,
    API_CLIENTS: '',
    ...Object.fromEntries(Object.entries(settings.env).map(([name, value]) => [name, here(value, profile, provider)])),
  }
  const portal = await start(loadConfig(env))
  t.teardown(portal.stop)
  return { portal: { url, doctor: portal.doctor }, provider }
}

/** Replaces the product's addresses in the documentation with those of the scripted provider. */
function here(text: string, { hosts }: Profile, { at }: ScriptedProvider): string {
  return Object.entries(hosts).reduce(
    (all, [host, origin]) =>
      all.replaceAll(new RegExp(`https?://${host.replaceAll('.', '\\.')}(?=[/"\\s]|$)`, 'gm'), at[origin]),
    text,
  )
}
