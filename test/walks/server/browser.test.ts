import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t from 'tap'
import { buildPortal } from '../../../src/app.js'
import { demoEnvironment } from '../../../src/cli/demo-settings.js'
import { loadConfig } from '../../../src/config/environment.js'
import { projectRoot } from '../../../src/project-root.js'
import { chooseClient, completeSignUp, follow, launchBrowser, signInAs, violations } from '../../helper/browser.js'
import { startStack } from '../../helper/stack.js'

t.setTimeout(900_000)
const stack = await startStack()
await stack.portal()
const browser = await launchBrowser()
t.teardown(async () => {
  await browser.close()
  await stack.close()
})

t.test('a new user gets from the first page to a model call with the copied code in at most six clicks', async (t) => {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  const page = await context.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    if (
      message.type() === 'error' &&
      !message.text().includes('favicon') &&
      message.location().url.startsWith(stack.url)
    )
      problems.push(message.text())
  })
  await page.goto(stack.url)
  let clicks = 0
  const click = async (selector: string) => {
    clicks++
    await page.click(selector)
  }
  await click('a[href="/applications/new?model=granite-chat"]')
  await page.fill('[name=username]', 'ada')
  await page.fill('[name=password]', 'demo')
  await click('button[type=submit]')
  await page.locator('[name="account.department"]').selectOption('Research')
  await page.fill('[name="user.job_title"]', 'Scientist')
  await click('[name=accept_terms]')
  await click('main button[type=submit]')
  await click('main button[type=submit]')
  await page.waitForURL(/\/applications\/\d+$/)
  await click('[data-copy-with-key=curl]')
  t.ok(clicks <= 6, `${clicks} clicks`)
  await page.waitForFunction(() => document.querySelector('[data-copy-with-key=curl]')?.textContent === 'Copied')
  const curl = await page.evaluate(() => navigator.clipboard.readText())
  const shell = (text: string, cwd: string) =>
    spawnSync('env', ['-i', `PATH=${process.env.PATH}`, 'bash', '-c', text], { encoding: 'utf8', cwd })
  await stack.settled()
  const ran = shell(curl, t.testdir({}))
  t.equal(ran.status, 0, ran.stderr)
  t.match(ran.stdout, 'chat.completion')

  await chooseClient(page, 'js-openai')
  await page.click('[data-copy-with-key=js-openai]')
  await page.waitForFunction(() => document.querySelector('[data-copy-with-key=js-openai]')?.textContent === 'Copied')
  const js = await page.evaluate(() => navigator.clipboard.readText())
  const folder = join(t.testdir({}), 'js')
  mkdirSync(folder)
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'))
  const node = ['-i', `PATH=${process.env.PATH}`, process.execPath, '--input-type=module', '-']
  const called = spawnSync('env', node, { encoding: 'utf8', cwd: folder, input: js })
  t.equal(called.status, 0, called.stderr)
  t.match(called.stdout, 'I am ibm-granite/granite-3.3-8b-instruct')

  await follow(page, 'form[action$="/test"] button')
  t.match(await page.textContent('#test'), 'The model responded.')
  t.same(problems, [], 'no errors in the browser console')
  await context.close()
})

t.test('a new user gets from the first page to a model call without JavaScript', async (t) => {
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto(`${stack.url}/models`)
  await page.fill('[name=q]', 'mistral')
  await page.click('form[role=search] button')
  await page.waitForURL(/q=mistral/)
  t.match(await page.textContent('.count'), '2 of 17 models')
  await page.click('a[href="/applications/new?model=mistral-chat"]')
  await page.fill('[name=username]', 'mary')
  await page.fill('[name=password]', 'demo')
  await page.click('button[type=submit]')
  await completeSignUp(page)
  await page.click('main button[type=submit]')
  await page.click('form[action$="/reveal"] button')
  const code = (await page.textContent('code[data-client=curl]')) ?? ''
  await stack.settled()
  const ran = spawnSync('env', ['-i', `PATH=${process.env.PATH}`, 'bash', '-c', code], { encoding: 'utf8' })
  t.equal(ran.status, 0, ran.stderr)
  await page.click('.user-menu summary')
  await page.click('.user-panel button')
  // Without scripts, the provider shows its own sign-out page.
  await page.waitForURL(/\/session\/end/)
  await page.click('button[name=logout][value=yes]')
  await page.waitForURL(`${stack.url}/signed-out`)
  t.match(await page.textContent('h1'), /signed out/i)
  await context.close()
})

t.test('HTML and script in the text of a product are not interpreted', async (t) => {
  const page = await browser.newPage()
  const dialogs: string[] = []
  page.on('dialog', (dialog) => {
    dialogs.push(dialog.message())
    void dialog.dismiss()
  })
  await page.goto(`${stack.url}/models/hostile-name`)
  t.equal(await page.textContent('h1'), '<script>alert(1)</script> "Quotes" & Co')
  t.equal(await page.locator('iframe, main img, main script, main style').count(), 0)
  t.equal(await page.locator('a[href^="javascript:"]').count(), 0)
  t.same(dialogs, [])
  await page.close()
})

t.test('every page and named state has no accessibility violation, in both themes and at both widths', async (t) => {
  const signedOut = await browser.newContext()
  const signedIn = await browser.newContext()
  const page = await signInAs(signedIn, stack.url, 'mary')
  await page.goto(`${stack.url}/applications/new?model=phi-approval`)
  await follow(page, 'main button[type=submit]')
  const pending = new URL(page.url()).pathname
  await page.goto(`${stack.url}/applications/new?model=granite-chat`)
  await follow(page, 'main button[type=submit]')
  const live = new URL(page.url()).pathname
  await page.goto(`${stack.url}/applications/new?model=llama-chat`)
  await follow(page, 'main button[type=submit]')
  const suspended = new URL(page.url()).pathname
  await stack.put(`/_demo/applications/${suspended.split('/').pop()}`, { state: 'suspended' })
  await page.goto(`${stack.url}/applications/new?model=nomic-embed`)
  await follow(page, 'main button[type=submit]')
  const keyed = new URL(page.url()).pathname
  await page.goto(`${stack.url}${keyed}/rotate`)
  await follow(page, 'main form button[type=submit]')
  const retire = (await page.getAttribute('a[href$="/revoke"]', 'href')) ?? ''
  await page.goto(`${stack.url}/applications/new?model=oidc-chat`)
  await follow(page, 'main button[type=submit]')
  const tokens = new URL(page.url()).pathname
  await page.goto(`${stack.url}/account`)
  await page.fill('#email', 'guest@example.com')
  await follow(page, 'main button:has-text("Invite")')
  const { users } = await stack.state()
  const self = users.find(({ email }) => email === 'mary@example.com')?.id
  const guest = users.find(({ email }) => email === 'guest@example.com')?.id
  const empty = await browser.newContext()
  await (await signInAs(empty, stack.url, 'admin')).close()
  const account = (await stack.state()).users.find(({ email }) => email === 'admin@example.com')?.account_id
  const tenant = await stack.state()
  for (const { id } of tenant.applications.filter(({ account_id }) => account_id === account)) {
    await fetch(`${stack.threescale}/admin/api/accounts/${account}/applications/${id}.json`, {
      method: 'DELETE',
      headers: { authorization: `Basic ${btoa('demo-token:')}` },
    })
  }

  /** A page that reloads itself stays as it is. */
  const staysOn = (page: Page, addresses: string) =>
    page.route(addresses, (route) =>
      route.request().method() === 'GET' ? route.fulfill({ status: 204 }) : route.continue(),
    )

  interface Row {
    /** The route of the router that this row covers. */
    route: string
    path: string
    context?: typeof signedIn
    name?: string
    before?: (page: Awaited<ReturnType<typeof signInAs>>) => Promise<unknown>
  }
  const rows: Row[] = [
    { route: '/', path: '/' },
    { route: '/', path: '/', context: signedIn, name: 'signed in' },
    { route: '/models', path: '/models' },
    { route: '/models', path: '/models?q=nothing+like+it', name: 'no match' },
    { route: '/models', path: '/models?mine=1', context: signedIn, name: 'only those with access' },
    { route: '/models/compare', path: '/models/compare?model=granite-chat&model=llama-chat' },
    { route: '/models/compare', path: '/models/compare', name: 'nothing chosen' },
    { route: '/models/:system_name', path: '/models/granite-chat' },
    {
      route: '/models/:system_name',
      path: '/models/qwen-coder',
      name: 'a client that cannot',
      before: (page) => chooseClient(page, 'llamaindex'),
    },
    { route: '/models/:system_name', path: '/models/nowhere', name: 'not found' },
    { route: '/models/:system_name/reference', path: '/models/granite-chat/reference' },
    { route: '/models/:system_name/reference', path: '/models/tiny-limited/reference', name: 'made by the portal' },
    { route: '/models/:system_name/reference', path: '/models/hostile-name/reference', name: 'of hostile text' },
    {
      route: '/models/:system_name/reference',
      path: '/models/granite-chat/reference',
      context: signedIn,
      name: 'tried',
      before: async (page) => {
        await page.click('.docs-try > summary')
        await page.click('.docs-try[open] button[type=submit]')
        await page.waitForSelector('.docs-result')
      },
    },
    { route: '/missing-model', path: '/missing-model?model=nowhere', context: signedIn },
    { route: '/missing-model', path: '/missing-model?model=restricted-research', context: empty, name: 'an operator' },
    { route: '/doctor', path: '/doctor', context: empty, name: 'no report' },
    {
      route: '/doctor',
      path: '/doctor',
      context: empty,
      before: async (page) => {
        if (await page.locator('main button:enabled').count()) await page.click('main button')
        await page.waitForSelector('.finding')
      },
    },
    { route: '/signed-out', path: '/signed-out' },
    { route: '/terms', path: '/terms' },
    { route: '/docs/api', path: '/docs/api' },
    { route: '/login/callback', path: '/login/callback', name: 'sign-in failed' },
    {
      route: '/login',
      path: '/login',
      name: "the identity provider's page",
      before: async (page) => void (await page.waitForSelector('[name=password]')),
    },
    { route: '/applications', path: '/applications', context: signedIn },
    { route: '/applications', path: '/applications', context: empty, name: 'empty' },
    { route: '/applications/new', path: '/applications/new', context: signedIn },
    { route: '/applications/new', path: '/applications/new?model=granite-chat', context: signedIn, name: 'with plans' },
    { route: '/applications/:id', path: live, context: signedIn },
    { route: '/applications/:id', path: pending, context: signedIn, name: 'pending' },
    { route: '/applications/:id', path: suspended, context: signedIn, name: 'suspended' },
    {
      route: '/applications/:id',
      path: live,
      context: signedIn,
      name: 'revealed',
      before: (page) => follow(page, 'form[action$="/reveal"] button'),
    },
    {
      route: '/applications/:id',
      path: live,
      context: signedIn,
      name: 'tested',
      before: (page) => follow(page, 'form[action$="/test"] button'),
    },
    {
      route: '/applications/:id',
      path: live,
      context: signedIn,
      name: 'menu open',
      before: (page) => page.click('.user-menu summary'),
    },
    { route: '/applications/:id/delete', path: `${live}/delete`, context: signedIn },
    {
      route: '/applications/:id/delete',
      path: `${live}/delete`,
      context: signedIn,
      name: 'wrong confirmation',
      before: async (page) => {
        await page.fill('#confirm', 'no')
        await follow(page, 'main button[type=submit]')
      },
    },
    { route: '/applications', path: '/applications?q=nothing+like+it', context: signedIn, name: 'no match' },
    { route: '/applications/:id', path: keyed, context: signedIn, name: 'with two keys' },
    { route: '/applications/:id/plan', path: `${live}/plan`, context: signedIn },
    { route: '/applications/:id/plan', path: `${keyed}/plan`, context: signedIn, name: 'no other plan' },
    { route: '/applications/:id/rotate', path: `${live}/rotate`, context: signedIn, name: 'one key' },
    { route: '/applications/:id/rotate', path: `${keyed}/rotate`, context: signedIn, name: 'several keys' },
    { route: '/applications/:id/rotate', path: `${tokens}/rotate`, context: signedIn, name: 'a client secret' },
    { route: '/applications/:id/keys/new', path: `${keyed}/keys/new`, context: signedIn },
    {
      route: '/applications/:id/keys/new',
      path: `${keyed}/keys/new`,
      context: signedIn,
      name: 'a value that cannot be',
      before: async (page) => {
        await page.click('summary:has-text("Use a custom value")')
        await page.fill('#value', 'abc')
        await follow(page, 'main button[type=submit]')
      },
    },
    { route: '/applications/:id/keys/:key_id/revoke', path: retire, context: signedIn },
    {
      route: '/applications/:id/keys/:key_id/revocation-check',
      path: `${live}/rotate`,
      context: signedIn,
      before: async (page) => {
        await staysOn(page, '**/revocation-check')
        await follow(page, 'main form button[type=submit]')
        await page.waitForURL(/\/revocation-check$/)
      },
    },
    {
      route: '/applications/:id/keys/:key_id/revocation-check',
      path: `${live}/rotate`,
      context: signedIn,
      name: 'completed',
      before: async (page) => {
        await page.click('main form button[type=submit]')
        // The page reloads itself.
        await page.waitForSelector('text=The gateway rejects the previous key.')
      },
    },
    { route: '/applications/:id', path: live, context: signedIn, name: 'with revocation checks' },
    {
      route: '/applications/:id/keys/:key_id/revocation-check',
      path: `${tokens}/rotate`,
      context: signedIn,
      name: 'of a client secret',
      before: async (page) => {
        await staysOn(page, '**/revocation-check')
        await follow(page, 'main form button[type=submit]')
        await page.waitForURL(/\/revocation-check$/)
      },
    },
    {
      route: '/applications/new',
      path: `/applications/new?model=granite-chat&from=${live.split('/').pop()}`,
      context: signedIn,
      name: 'a second one to move over to',
    },
    {
      route: '/applications/pending/:attempt',
      path: '/applications/new?model=granite-chat',
      context: signedIn,
      name: 'not done yet',
      before: async (page) => {
        await stack.faults([{ match: 'POST */applications.json', hang: true, times: 1 }])
        await staysOn(page, '**/pending/**')
        await follow(page, 'main button[type=submit]')
        await page.waitForSelector('h1:has-text("Creating application")')
        await stack.faults([])
      },
    },
    { route: '/account', path: '/account', context: signedIn },
    {
      route: '/account',
      path: '/account',
      context: signedIn,
      name: 'a wrong address, an invitation and a service',
      before: async (page) => {
        await page.fill('#email', `${'a-rather-long-name'.repeat(3)}@example.com`)
        await follow(page, 'main button:has-text("Invite")')
        await page.$eval('#email', (field) => field.setAttribute('type', 'text'))
        await page.fill('#email', 'nobody')
        await follow(page, 'main button:has-text("Invite")')
      },
    },
    { route: '/account/members/:id', path: `/account/members/${self}`, context: signedIn, name: 'the last admin' },
    { route: '/account/members/:id', path: `/account/members/${guest}`, context: signedIn, name: 'an invitation' },
    { route: '/usage', path: '/usage', context: signedIn },
    { route: '/usage', path: '/usage', context: empty, name: 'nothing yet' },
    { route: '/applications/:id/usage', path: `${live}/usage`, context: signedIn },
    { route: '/playground', path: '/playground', context: empty, name: 'nothing to try' },
    {
      route: '/playground',
      path: `/playground?application=${live.split('/').pop()}`,
      context: signedIn,
      name: 'answered',
      before: async (page) => {
        // A form that is sent before its script has loaded gets a complete response, without a time to first token.
        await page.waitForLoadState('networkidle')
        await page.fill('#prompt', 'hello')
        await page.click('[data-send]')
        await page.waitForFunction(() => /First token/.test(document.querySelector('.message-meta')?.textContent ?? ''))
      },
    },
    {
      route: '/playground/code',
      path: `/playground?application=${live.split('/').pop()}`,
      context: signedIn,
      name: 'a conversation as code',
      before: async (page) => {
        await page.fill('#prompt', 'hello')
        await follow(page, 'text=Show as code')
        await follow(page, '.code-tab:has-text("Python")')
        await follow(page, '.code-choice:has-text("LangChain")')
      },
    },
    {
      route: '/playground/code',
      path: `/playground?application=${live.split('/').pop()}`,
      context: signedIn,
      name: 'a conversation too long for code',
      before: async (page) => {
        await page.fill('#prompt', 'x'.repeat(32_000))
        await page.fill('#system', 'x')
        await follow(page, 'text=Show as code')
      },
    },
  ]
  const broken = [{ match: '* /admin/api/*', status: 500 }]
  const down: Row[] = [
    { route: '/applications', path: '/applications', context: signedIn, name: '3scale down' },
    { route: '/models', path: '/models', context: signedIn, name: '3scale down' },
    {
      route: '/applications/:id',
      path: '/models',
      context: signedIn,
      name: 'not saved',
      before: async (page) => {
        await stack.faults([])
        await page.goto(stack.url + live)
        await stack.faults(broken)
        await follow(page, 'form:has(#name) button[type=submit]')
      },
    },
  ]
  const check = async (list: Row[]) => {
    for (const { path, context = signedOut, name = '', before } of list) {
      const shown = await context.newPage()
      await shown.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
      await shown.goto(stack.url + path)
      await before?.(shown)
      // Every rule runs at each width and in each theme, but only the color rules depend on both.
      for (const [theme, width, tag] of [
        ['light', 1280, undefined],
        ['dark', 1280, 'color-contrast'],
        ['dark', 360, undefined],
        ['light', 360, 'color-contrast'],
      ] as const) {
        await shown.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
        await shown.setViewportSize({ width, height: 800 })
        t.same(await violations(shown, tag), [], `${path} ${name} ${theme} at ${width} px`)
      }
      for (const width of [1280, 320]) {
        await shown.setViewportSize({ width, height: 800 })
        const wide = await shown.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        )
        t.ok(wide <= 0, `${path} ${name} does not scroll horizontally at ${width} px`)
      }
      await shown.close()
    }
  }
  await check(rows)
  await stack.faults(broken)
  await check(down)
  await stack.faults([])

  const portal = await buildPortal(loadConfig({ ...demoEnvironment(stack.port, {}), LOG_LEVEL: 'silent' }))
  await portal.app.ready()
  const elsewhere = new Set([
    '/sign-up',
    '/applications/:id/notebook.ipynb',
    // The page of an unfinished creation, which has another title.
    '/sign-up/pending',
    '/applications/:id/delete/pending',
  ])
  const pages = portal.routes.filter(
    ({ method, url }) =>
      method === 'GET' &&
      !/^\/(api|static|webhooks|\.well-known)\//.test(url) &&
      !/\.(csv|json)$/.test(url) &&
      !elsewhere.has(url),
  )
  for (const { url } of pages)
    t.ok(
      rows.some(({ route }) => route === url),
      `${url} has a row`,
    )
  await portal.stop()
})

t.test('the sign-up form with invalid input has no accessibility violation', async (t) => {
  await fetch(`http://127.0.0.1:${stack.port + 2}/_demo/people`, {
    method: 'POST',
    body: JSON.stringify({
      username: 'newcomer',
      email: 'newcomer@example.com',
      email_verified: true,
      name: 'New Comer',
    }),
  })
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(`${stack.url}/login`)
  await page.fill('[name=username]', 'newcomer')
  await page.fill('[name=password]', 'demo')
  await page.click('button[type=submit]')
  await page.waitForURL('**/sign-up')
  t.same(await violations(page), [])
  await page.$eval('form.form', (form) => form.setAttribute('novalidate', ''))
  await page.fill('[name="user.job_title"]', 'Kept')
  await follow(page, 'main button[type=submit]')
  t.match(await page.textContent('main'), 'Department is required.')
  t.equal(await page.inputValue('[name="user.job_title"]'), 'Kept')
  t.same(await violations(page), [])
  await context.close()
})

t.test('a first visit transfers at most 70 KB without its fonts, which are less than 90 KB', async (t) => {
  for (const path of ['/models', '/models/granite-chat/reference']) {
    const context = await browser.newContext()
    const page = await context.newPage()
    const session = await context.newCDPSession(page)
    await session.send('Network.enable')
    const fonts = new Set<string>()
    const bytes = { fonts: 0, others: 0 }
    session.on('Network.responseReceived', ({ requestId, type }) => {
      if (type === 'Font') fonts.add(requestId)
    })
    session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      bytes[fonts.has(requestId) ? 'fonts' : 'others'] += encodedDataLength
    })
    await page.goto(stack.url + path, { waitUntil: 'networkidle' })
    t.ok(bytes.others > 10_000 && bytes.others <= 70 * 1024, `${path}: ${bytes.others} bytes`)
    t.ok(bytes.fonts > 10_000 && bytes.fonts < 90 * 1024, `${path}: ${bytes.fonts} bytes of fonts`)
    await context.close()
  }
})
