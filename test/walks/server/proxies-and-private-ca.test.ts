import { spawn } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../../src/project-root.js'
import { completeSignUp, launchBrowser } from '../../helper/browser.js'
import { connectProxy } from '../../helper/connect-proxy.js'
import { CLIENT, startEdge } from '../../helper/edge.js'
import { readiness, until } from '../../helper/faults.js'
import { privateCa } from '../../helper/private-ca.js'
import { portBeside, startStack } from '../../helper/stack.js'

/**
 * Every service uses TLS with a private CA. A reverse proxy is in front of the portal, and the only way out is an HTTPS proxy,
 * the only one that resolves the host names. The gateway has a CA of its own.
 */
const PORTAL = 'models.edge.test'
const THREESCALE = 'tenant-admin.edge.test'
const IDENTITY = 'sso.edge.test'
const GATEWAY = 'codestral-maas-apicast-production.apps.cluster.example'

const corporate = privateCa(PORTAL, THREESCALE, IDENTITY)
const cluster = privateCa(GATEWAY)
const folder = t.testdir({})
const both = join(folder, 'both.pem')
writeFileSync(both, corporate.ca + cluster.ca)
const portalConfig = join(folder, 'portal.yaml')
const demo = readFileSync(join(projectRoot, 'deploy', 'demo-portal.yaml'), 'utf8')
writeFileSync(portalConfig, `${demo}\ngateway_ca: ${cluster.caFile}\n`)
const audit = join(folder, 'audit.log')

// The waits take minutes, and longer on a busy machine.
t.setTimeout(600_000)
const stack = await startStack(['threescale', 'gateway'])
const issuer = `https://${IDENTITY}`
const publicUrl = `https://${PORTAL}`
await stack.part('identity', [], { OIDC_ISSUER: issuer, PUBLIC_URL: publicUrl })
const edge = await startEdge({
  [PORTAL]: { port: stack.port, ca: corporate },
  [THREESCALE]: { port: stack.port + 1, ca: corporate },
  [IDENTITY]: { port: stack.port + 2, ca: corporate },
  [GATEWAY]: { port: stack.port + 6, ca: cluster },
})
const proxy = await connectProxy(() => ({ port: edge.port }))
const settings = {
  PUBLIC_URL: publicUrl,
  THREESCALE_ADMIN_URL: `https://${THREESCALE}`,
  OIDC_ISSUER: issuer,
  TRUST_PROXY: '127.0.0.1',
  EXTRA_CA_FILE: both,
  HTTPS_PROXY: proxy.url,
  PORTAL_CONFIG: portalConfig,
  AUDIT_LOG: audit,
}
const portal = await stack.portal(settings)
// The browser maps the host names to the reverse proxy and trusts only these two keys.
const pins = [corporate, cluster].map(({ cert }) =>
  createHash('sha256')
    .update(new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64'),
)
const browser = await launchBrowser([
  `--host-resolver-rules=MAP *.edge.test:443 127.0.0.1:${edge.port}`,
  `--ignore-certificate-errors-spki-list=${pins.join(',')}`,
])
t.teardown(async () => {
  await browser.close()
  await stack.close()
  edge.close()
  proxy.close()
  corporate.close()
  cluster.close()
})

t.test('a user gets from sign-up to the copied curl command behind proxies and private CAs', async (t) => {
  const context = await browser.newContext({
    permissions: ['clipboard-read', 'clipboard-write'],
    extraHTTPHeaders: { 'x-forwarded-for': '6.6.6.6' },
  })
  const page = await context.newPage()
  const first = await page.goto(`${publicUrl}/applications/new?model=codestral-443`)
  t.match(await first?.request().redirectedFrom()?.url(), PORTAL)
  await page.waitForURL(({ host }) => host === IDENTITY)
  await page.fill('[name=username]', 'ada')
  await page.fill('[name=password]', 'demo')
  await page.click('button[type=submit]')
  await page.waitForURL((url) => url.host === PORTAL)
  if (page.url().endsWith('/sign-up')) await completeSignUp(page)
  t.equal(new URL(page.url()).origin, publicUrl)

  const cookies = (await context.cookies(publicUrl)).filter(({ domain }) => domain === PORTAL)
  t.ok(cookies.length > 0)
  for (const { name, secure, httpOnly, path } of cookies) {
    t.match({ name, secure, path }, { name: /^__Host-/, secure: true, path: '/' }, name)
    // The time zone cookie is written by a script of the portal.
    t.equal(httpOnly, name !== '__Host-maas_tz', name)
  }
  const again = await page.reload()
  t.match(again?.headers()['strict-transport-security'], 'max-age')

  await page.click('main button[type=submit]')
  await page.waitForURL(/\/applications\/\d+$/)
  await page.click('form[action$="/test"] button')
  t.match(await page.textContent('#test'), 'The model responded.', 'the portal reaches the gateway')
  await page.click('[data-copy-with-key=curl]')
  await page.waitForFunction(() => document.querySelector('[data-copy-with-key=curl]')?.textContent === 'Copied')
  const curl = await page.evaluate(() => navigator.clipboard.readText())
  t.match(curl, `--cacert ${cluster.caFile}`)
  t.match(curl, `https://${GATEWAY}`)
  const ran = await shell(curl)
  t.equal(ran.status, 0, ran.stderr)
  t.match(ran.stdout, 'chat.completion')
  const untrusting = await shell(curl.replace(/--cacert \S+/, ''))
  t.match(untrusting.stderr, /certificate/, 'without the option, curl trusts no certificate')

  await page.goto(`${publicUrl}/account`)
  await page
    .locator('form[action$="/logout"]')
    .first()
    .evaluate((form) => (form as HTMLFormElement).requestSubmit())
  await page.waitForURL((url) => url.pathname === '/signed-out')
  t.same(
    (await context.cookies(publicUrl)).filter(({ name }) => name.includes('session') && name.startsWith('__Host-maas')),
    [],
  )
  await context.close()

  const lines = readFileSync(audit, 'utf8').trim().split('\n')
  const addresses = lines.map((line) => (JSON.parse(line) as { address: string }).address)
  t.ok(lines.length >= 3)
  t.same([...new Set(addresses)], [CLIENT], 'the address from the proxy is used, not the one that the client sent')
  t.same(
    [...new Set(proxy.asked)].sort(),
    [`${GATEWAY}:443`, `${IDENTITY}:443`, `${THREESCALE}:443`].sort(),
    'all requests went through the proxy',
  )
  t.equal((await readiness(portal)).status, 'ready')
})

t.test('on HTTPS, every cookie has a prefix and is sent to this host over HTTPS only', async (t) => {
  const context = await browser.newContext()
  const page = await context.newPage()
  const reading: Promise<string[]>[] = []
  page.on('response', (response) => {
    if (!response.url().startsWith(publicUrl)) return
    const lines = response
      .headersArray()
      .then((headers) => headers.filter(({ name }) => name.toLowerCase() === 'set-cookie').map(({ value }) => value))
    reading.push(lines.catch(() => []))
  })
  await stack.behave({ sign_up_ms: 4000 })
  await page.goto(`${publicUrl}/login?return_to=/applications/new?model=codestral-443`)
  await page.fill('[name=username]', 'mary')
  await page.fill('[name=password]', 'demo')
  await page.click('button[type=submit]')
  await page.waitForURL((url) => url.host === PORTAL)
  if (page.url().endsWith('/sign-up')) await completeSignUp(page)
  await page.waitForURL((url) => url.pathname === '/applications/new')
  await stack.behave({ sign_up_ms: 0 })
  await page.click('main button[type=submit]')
  await page.waitForURL(/\/applications\/\d+$/)
  const application = page.url()
  await page.goto(`${application}/rotate`)
  await page.click('form[action$="/rotate"] button[type=submit]')
  await page.waitForURL(/\/revocation-check$/)
  await page.goto(`${publicUrl}/usage?tz=Pacific/Chatham`)
  await page.goto(`${application}/delete`)
  await page.fill('#confirm', (await page.textContent('label[for=confirm] strong')) ?? '')
  await page.click('form[action$="/delete"] button[type=submit]')
  await page.waitForURL(`${publicUrl}/applications`)
  await page
    .locator('form[action$="/logout"]')
    .first()
    .evaluate((form) => (form as HTMLFormElement).requestSubmit())
  await page.waitForURL((url) => url.pathname === '/signed-out')
  const cookies = (await Promise.all(reading)).flatMap((values) => values.flatMap((value) => value.split('\n')))
  await context.close()
  const seen = new Set<string>()
  for (const cookie of cookies) {
    const [pair = '', ...attributes] = cookie.split('; ')
    const name = pair.slice(0, pair.indexOf('='))
    const path = attributes.find((each) => each.startsWith('Path='))
    seen.add(name.replace(/login_.+/, 'login_'))
    t.ok(name.startsWith(path === 'Path=/' ? '__Host-maas_' : '__Secure-maas_'), `${name} ${path}`)
    for (const attribute of ['Secure', 'SameSite=Lax']) t.ok(attributes.includes(attribute), `${name} ${attribute}`)
    t.equal(attributes.includes('HttpOnly'), name !== '__Host-maas_tz', name)
    t.notOk(
      attributes.some((each) => /^domain=/i.test(each)),
      name,
    )
  }
  t.same([...seen].sort(), [
    '__Host-maas_flash',
    '__Host-maas_login_',
    '__Host-maas_session',
    '__Host-maas_sign_up',
    '__Host-maas_tz',
    '__Secure-maas_pending',
    '__Secure-maas_revocation_check',
  ])
})

t.test('without TRUST_PROXY, forwarded headers are ignored', async (t) => {
  const own = join(folder, 'untrusting.log')
  const { TRUST_PROXY: _trust, ...less } = settings
  const untrusting = await stack.portal({ ...less, AUDIT_LOG: own, PORT: portBeside(stack) })
  await fetch(`${untrusting.url}/logout`, {
    method: 'POST',
    headers: { 'x-forwarded-for': '6.6.6.6', origin: 'https://elsewhere.test', 'sec-fetch-site': 'cross-site' },
  })
  t.match(readFileSync(own, 'utf8'), /"address":"(::ffff:)?127\.0\.0\.1"/)
  t.notMatch(readFileSync(own, 'utf8'), '6.6.6.6')
  await untrusting.stop()
})

t.test('without the private CAs or the proxy, each failure names the setting to fix', async (t) => {
  const at = { PORT: portBeside(stack), AUDIT_LOG: 'off' }
  const reasons = async (env: Record<string, string>) => {
    const ill = await stack.portal({ ...env, ...at })
    let lines: string[] = []
    await until('each check has failed, and none for lack of time', async () => {
      const { checks } = await readiness(ill)
      lines = checks.map(({ name, reason }) => `${name}: ${reason}`)
      return !lines.some((line) => /no response within/.test(line))
    })
    await ill.stop()
    return lines
  }
  const { EXTRA_CA_FILE: _ca, ...noCa } = settings
  const { HTTPS_PROXY: _proxy, ...noProxy } = settings
  for (const [env, setting] of [
    [noCa, 'EXTRA_CA_FILE'],
    [noProxy, 'HTTPS_PROXY'],
  ] as const) {
    const reported = await reasons(env)
    t.match(reported[0], new RegExp(`^3scale: ${THREESCALE}.* could not be reached .*${setting}`))
    t.match(reported[1], new RegExp(`^identity provider: ${IDENTITY}.* could not be reached .*${setting}`))
  }

  const half = await stack.portal({ ...settings, ...at, EXTRA_CA_FILE: corporate.caFile })
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(`${publicUrl}/login`)
  await page.fill('[name=username]', 'ada')
  await page.fill('[name=password]', 'demo')
  await page.click('button[type=submit]')
  await page.waitForURL((url) => url.host === PORTAL)
  const cookie = (await context.cookies(publicUrl)).map(({ name, value }) => `${name}=${value}`).join('; ')
  await context.close()
  let path: string | undefined
  await until('3scale responds in time', async () => {
    const list = await (await fetch(`${half.url}/applications`, { headers: { cookie } })).text()
    path = /\/applications\/\d+/.exec(list)?.[0]
    return path !== undefined
  })
  const tried = await fetch(`${half.url}${path}/test`, { method: 'POST', headers: { cookie } })
  t.match(await tried.text(), 'its certificate is not trusted; set EXTRA_CA_FILE', 'the gateway')
  await half.stop()
})

/** In a process of its own: the reverse proxy and the proxy run in this one and must stay responsive. */
async function shell(text: string): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const child = spawn('bash', ['-c', text], { cwd: folder, env: { PATH: process.env.PATH, https_proxy: proxy.url } })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => {
      said[name] += String(chunk)
    })
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, ...said }
}
