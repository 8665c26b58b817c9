import type { BrowserContext, Page } from 'playwright-core'
import t from 'tap'
import { chooseClient, launchBrowser, signInAs, violations } from '../../helper/browser.js'
import { startStack } from '../../helper/stack.js'

t.setTimeout(900_000)

/** What every form of the portal has in common, in a browser with and without scripts. */
const stack = await startStack()
await stack.portal()
const browser = await launchBrowser()
t.teardown(async () => {
  await browser.close()
  await stack.close()
})

const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
const page = await signInAs(context, stack.url, 'mary')
const operator = await browser.newContext({ viewport: { width: 1280, height: 900 } })
await (await signInAs(operator, stack.url, 'admin')).close()
const [live, pending, keyed] = [
  await create('granite-chat'),
  await create('phi-approval'),
  await create('nomic-embed'),
] as const
const reranked = await create('bge-reranker')

async function create(model: string): Promise<string> {
  await page.goto(`${stack.url}/applications/new?model=${model}`)
  await page.click('main button[type=submit]')
  await page.waitForURL(/\/applications\/\d+$/)
  return new URL(page.url()).pathname
}

/** The same session in a browser with other settings. */
async function sessionOf(of: BrowserContext, options: { javaScriptEnabled?: boolean }): Promise<BrowserContext> {
  const other = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  await other.addCookies(await of.cookies())
  return other
}

t.test('a new application whose key does not work yet is not offered to be run', async (t) => {
  const shown = await context.newPage()
  await shown.goto(`${stack.url}/applications/new?model=phi-approval`)
  await shown.click('main button[type=submit]')
  await shown.waitForURL(/\/applications\/\d+$/)
  const text = (await shown.textContent('main')) ?? ''
  t.match(text, 'Its key works after the operator approves the application.')
  t.match(text, 'The gateway rejects calls until the key works.')
  t.notMatch(text, /run it/)
  await shown.goto(`${stack.url}/applications/new?model=granite-chat`)
  await shown.click('main button[type=submit]')
  await shown.waitForURL(/\/applications\/\d+$/)
  t.match(await shown.textContent('main'), 'Copy the code below and run it.')
  const { applications } = await stack.state()
  for (const state of ['suspended', 'deprecated']) {
    await stack.put(`/_demo/applications/${applications.at(-1)?.id}`, { state })
    await shown.reload()
    t.match(await shown.textContent('main'), 'The gateway rejects calls until the key works.', state)
  }
  await shown.close()
})

t.test('every form has a visible button, with and without scripts', async (t) => {
  const id = live.split('/').pop()
  const paths = [
    ...['/models', '/models?q=nothing+like+it', '/models/compare?model=granite-chat', '/missing-model?model=nowhere'],
    ...['/applications', '/applications/new', '/applications/new?model=granite-chat', live, pending, keyed],
    ...[`${live}/delete`, `${live}/plan`, `${live}/rotate`, `${keyed}/rotate`, `${keyed}/keys/new`, `${live}/usage`],
    ...['/account', '/usage', '/playground', `/playground?application=${id}`, '/models/granite-chat/reference'],
    ...[`/playground?application=${keyed.split('/').pop()}`, `/playground?application=${reranked.split('/').pop()}`],
  ]
  for (const javaScriptEnabled of [true, false])
    for (const [of, list] of [
      [context, paths],
      [operator, ['/missing-model?model=restricted-research', '/doctor', '/account']],
    ] as const) {
      const session = await sessionOf(of, { javaScriptEnabled })
      const shown = await session.newPage()
      for (const path of list) {
        await shown.goto(stack.url + path)
        t.same(await formsWithoutButton(shown), [], `${path} ${javaScriptEnabled ? 'with' : 'without'} scripts`)
      }
      await session.close()
    }
})

/** Forms without a visible button. With scripts, the catalogue and forms with `data-submits` react to their fields. */
function formsWithoutButton(shown: Page): Promise<string[]> {
  return shown.evaluate(() => {
    for (const details of document.querySelectorAll('details')) details.open = true
    const reacts = (form: HTMLFormElement) =>
      matchMedia('(scripting: enabled)').matches &&
      (form.matches('[data-compare]') || form.closest('[data-catalogue]') || form.querySelector('[data-submits]'))
    return [...document.forms]
      .filter((form) => !reacts(form))
      .filter((form) => ![...form.elements].some((field) => field.matches('button') && field.checkVisibility()))
      .map((form) => `${form.method} ${form.getAttribute('action')}`)
  })
}

interface Post {
  name: string
  path: string
  /** Fills and submits the form. */
  send(shown: Page): Promise<void>
}

t.test(
  'after a form, its result or its first invalid field has the focus and is in view',
  { timeout: 600_000 },
  async (t) => {
    const click = (selector: string) => (shown: Page) => shown.click(selector)
    const submitInvalid = (form: string, fields: Record<string, string>) => async (shown: Page) => {
      await shown.$eval(form, (element) => element.setAttribute('novalidate', ''))
      for (const [selector, value] of Object.entries(fields)) await shown.fill(selector, value)
      await shown.click(`${form} button[type=submit]`)
    }
    const chat = `/playground?application=${live.split('/').pop()}`
    const posts: Post[] = [
      { name: 'an invalid address', path: '/account', send: submitInvalid('form:has(#email)', { '#email': 'nobody' }) },
      {
        name: 'a member who exists',
        path: '/account',
        send: submitInvalid('form:has(#email)', { '#email': 'mary@example.com' }),
      },
      {
        name: 'an application without a name',
        path: '/applications/new?model=granite-chat',
        send: submitInvalid('form[action="/applications"]', { '#name': '' }),
      },
      { name: 'changes without a name', path: live, send: submitInvalid('form:has(#name)', { '#name': '' }) },
      { name: 'saved changes', path: live, send: click('form:has(#name) button') },
      { name: 'a revealed key', path: live, send: click('form[action$="/reveal"] button') },
      { name: 'a tested key', path: live, send: click('form[action$="/test"] button') },
      { name: 'a wrong confirmation', path: `${live}/delete`, send: submitInvalid('form.form', { '#confirm': 'no' }) },
      { name: 'a new key', path: `${keyed}/keys/new`, send: click('main form button[type=submit]') },
      {
        name: 'a key that is too short',
        path: `${keyed}/keys/new`,
        async send(shown) {
          await shown.click('summary:has-text("Use a custom value")')
          await shown.fill('#value', 'abc')
          await shown.click('main form button[type=submit]')
        },
      },
      { name: 'a rotated key', path: `${keyed}/rotate`, send: click('main form button[type=submit]') },
      { name: 'a replaced key', path: `${live}/rotate`, send: click('main form button[type=submit]') },
      {
        name: 'Try it',
        path: '/models/granite-chat/reference',
        async send(shown) {
          await shown.click('.docs-try > summary')
          await shown.click('.docs-try[open] button[type=submit]')
          await shown.waitForSelector('.docs-result')
        },
      },
      { name: 'an empty message', path: chat, send: submitInvalid('#conversation', { '#prompt': '' }) },
      {
        name: 'a message',
        path: chat,
        async send(shown) {
          await shown.fill('#prompt', 'hello')
          await shown.click('[data-send]')
        },
      },
      {
        name: 'a conversation as code',
        path: chat,
        async send(shown) {
          await shown.fill('#prompt', 'hello')
          await shown.click('text=Show as code')
        },
      },
      {
        name: 'embeddings',
        path: `/playground?application=${keyed.split('/').pop()}`,
        send: click('form.form button[type=submit]'),
      },
      {
        name: 'a ranking',
        path: `/playground?application=${reranked.split('/').pop()}`,
        send: click('form.form button[type=submit]'),
      },
    ]
    const session = await sessionOf(context, { javaScriptEnabled: false })
    for (const { name, path, send } of posts) {
      const shown = await session.newPage()
      await shown.goto(stack.url + path)
      await Promise.all([shown.waitForEvent('load'), send(shown)])
      await shown
        .waitForFunction(() => document.activeElement !== document.body, undefined, { timeout: 15_000 })
        .catch(() => {})
      t.same(await focusOf(shown), { isFocused: true, isInView: true }, name)
      await shown.close()
    }
    await session.close()
  },
)

function focusOf(shown: Page) {
  return shown.evaluate(() => {
    const element = document.activeElement
    const isFocused = element !== null && element !== document.body
    const { top = 0, bottom = 0 } = element?.getBoundingClientRect() ?? {}
    const masthead = document.querySelector('.masthead')?.getBoundingClientRect().bottom ?? 0
    return { isFocused, isInView: top >= masthead - 1 && top < innerHeight && bottom > masthead }
  })
}

t.test('a button shows that its form is being sent, and a second click sends nothing', async (t) => {
  const shown = await context.newPage()
  await shown.goto(`${stack.url}/applications/new?model=granite-chat`)
  await shown.fill('#name', 'Sent once')
  const requests: string[] = []
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  await shown.route(/\/applications$/, async (route) => {
    requests.push(route.request().method())
    await released
    await route.continue()
  })
  // Playwright's own click would wait for the navigation that the request holds up.
  await shown.$eval('form[action="/applications"] button[type=submit]', (button: HTMLButtonElement) => {
    button.click()
    return new Promise<void>((resolve) => {
      const observer = new MutationObserver(() => {
        if (button.getAttribute('aria-busy') !== 'true') return
        observer.disconnect()
        button.click()
        resolve()
      })
      observer.observe(button, { attributes: true })
    })
  })
  t.same(requests, ['POST'])
  release()
  await shown.waitForURL(/\/applications\/\d+$/)
  await shown.goBack()
  t.equal(await shown.locator('button[aria-busy]').count(), 0, 'the previous page shows no pending request')
  await shown.close()
})

t.test('the page of a new application shows when its first call has arrived', async (t) => {
  const shown = await context.newPage()
  await shown.goto(`${stack.url}/applications/new?model=granite-chat`)
  await shown.click('main button[type=submit]')
  await shown.waitForURL(/\/applications\/\d+$/)
  const status = shown.locator('.first-call')
  await status.locator('text=Waiting for your first call').waitFor()
  const session = await sessionOf(context, { javaScriptEnabled: false })
  const plain = await session.newPage()
  await plain.goto(shown.url())
  t.ok(await plain.locator('.first-call :text("This application has no calls yet.")').isVisible())
  await session.close()
  const application = Number(shown.url().split('/').pop())
  const answer = await fetch(`${stack.threescale}/_demo/usage`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([{ application, metric: 'hits', at: new Date().toISOString(), amount: 1 }]),
  })
  t.ok(answer.ok)
  await status.locator('text=Your first call has arrived').waitFor({ timeout: 60_000 })
  t.same(await status.getAttribute('data-shown'), 'received')
  await shown.reload()
  t.equal(await status.count(), 0, 'afterwards the page does not wait')
  await shown.goto(stack.url + pending)
  t.equal(await status.count(), 0, 'nor for an application whose key does not work')
  await shown.close()
})

t.test('questions about an application open above its page, and without scripts as a page', async (t) => {
  const shown = await context.newPage()
  const dialog = shown.locator('dialog[open]')
  for (const [path, link, title] of [
    [keyed, 'Rotate', /^Rotate/],
    [keyed, 'Add key', /^Add key to/],
    [live, 'Rotate', /^Rotate/],
    [live, 'Change plan', /^Change plan of/],
    [live, 'Delete application', /^Delete /],
  ] as const) {
    await shown.goto(stack.url + path)
    await shown.click(`main a[data-dialog]:has-text("${link}")`)
    await dialog.waitFor()
    t.match(await dialog.locator('h1').textContent(), title)
    t.equal(new URL(shown.url()).pathname, path, 'the page stays')
    t.same(await violations(shown), [], link)
    const ids = await shown.evaluate(() => [...document.querySelectorAll('[id]')].map(({ id }) => id))
    t.equal(new Set(ids).size, ids.length, 'every ID is unique')
    if (link === 'Rotate') await shown.keyboard.press('Escape')
    else if (link === 'Delete application') await dialog.locator('a:has-text("Cancel")').click()
    else await dialog.locator('.dialog-close').click()
    await dialog.waitFor({ state: 'detached' })
    t.equal(new URL(shown.url()).pathname, path)
  }

  await shown.goto(stack.url + live)
  await shown.click('main a[data-dialog]:has-text("Delete application")')
  await dialog.locator('[name=confirm]').fill('another name')
  await dialog.locator('button[type=submit]').click()
  await shown.waitForURL(/\/delete$/)
  t.equal(await shown.locator('#confirm[aria-invalid=true]').count(), 1, 'an invalid answer is shown on the page')

  await shown.goto(stack.url + live)
  await shown.dblclick('main a[data-dialog]:has-text("Rotate")')
  await dialog.waitFor()
  t.equal(await shown.locator('dialog.dialog').count(), 1, 'a second click opens no second dialog')
  await shown.route(/\/rotate$/, async (route) => {
    if (route.request().isNavigationRequest()) await route.continue()
    else await route.abort()
  })
  await shown.keyboard.press('Escape')
  await shown.click('main a[data-dialog]:has-text("Rotate")')
  await shown.waitForURL(/\/rotate$/)
  await shown.close()

  const session = await sessionOf(context, { javaScriptEnabled: false })
  const plain = await session.newPage()
  await plain.goto(stack.url + live)
  await plain.click('main a[data-dialog]:has-text("Delete application")')
  await plain.waitForURL(/\/delete$/)
  await session.close()
})

t.test('all invalid fields of the key form are reported at once', async (t) => {
  const shown = await context.newPage()
  await shown.goto(`${stack.url}/applications/new?model=granite-chat`)
  await shown.$eval('form[action="/applications"]', (form) => form.setAttribute('novalidate', ''))
  await shown.fill('#name', '')
  const required = await shown.locator('form[action="/applications"] :is(input, select)[required]').all()
  for (const field of required)
    await field.evaluate((element) => {
      const { tagName } = element
      if (tagName === 'SELECT') element.replaceChildren(new Option('', ''))
      else element.setAttribute('value', '')
    })
  await shown.click('form[action="/applications"] button[type=submit]')
  await shown.waitForSelector('.field-error')
  t.equal(await shown.locator('[aria-invalid=true]').count(), required.length)
  t.ok(required.length > 1, 'the tenant requires a name and a field of its own')
  await shown.close()
})

t.test('rotation of one of several keys shows the new key and which key is which', async (t) => {
  const shown = await context.newPage()
  await shown.goto(`${stack.url}${keyed}/rotate`)
  t.equal(await shown.locator('main form button.pf-m-primary').count(), 0, 'a further key is not the next step')
  await shown.click('main form button[type=submit]')
  await shown.waitForSelector('#new-key')
  t.match(await shown.textContent('#new-key'), /^maas_/)
  t.equal(await shown.locator('form[action$="/rotate"]').count(), 0)
  const rows = await shown.locator('.keys li').allTextContents()
  t.equal(rows.filter((row) => /Newest key/.test(row)).length, 1)
  t.match(rows[0], /Newest key/)
  t.notMatch(rows[0], /Revoke/)
  for (const row of rows.slice(1)) t.match(row, /Previous key[\s\S]*Revoke/)
  await shown.close()
})

t.test(
  'the account menu closes on Escape, on a click elsewhere, and when the focus leaves it',
  { timeout: 600_000 },
  async (t) => {
    const shown = await context.newPage()
    await shown.goto(`${stack.url}/usage`)
    const isOpen = () => shown.locator('.user-menu').evaluate((menu) => (menu as HTMLDetailsElement).open)
    const open = async () => {
      await shown.click('.user-menu summary')
      t.ok(await isOpen())
    }
    await open()
    await shown.keyboard.press('Escape')
    t.notOk(await isOpen())
    t.equal(await shown.evaluate(() => document.activeElement?.tagName), 'SUMMARY')
    await open()
    await shown.click('h1')
    t.notOk(await isOpen())
    await open()
    await shown.focus('footer a')
    t.notOk(await isOpen())
    await shown.close()
  },
)

t.test('a second click on Copy restores the label after the second one', async (t) => {
  const session = await sessionOf(context, {})
  await session.grantPermissions(['clipboard-read', 'clipboard-write'])
  const shown = await session.newPage()
  await shown.clock.install()
  await shown.goto(stack.url + live)
  const button = shown.locator('[data-copy=curl]')
  const label = () => button.textContent()
  await button.click()
  await shown.waitForFunction(() => document.querySelector('[data-copy=curl]')?.textContent === 'Copied')
  await shown.clock.runFor(1500)
  await button.click()
  await shown.clock.runFor(1000)
  t.equal(await label(), 'Copied')
  await shown.clock.runFor(1500)
  t.equal(await label(), 'Copy')
  await session.close()
})

t.test('a card copies the ID of its model, and is a link everywhere else', { timeout: 600_000 }, async (t) => {
  const session = await sessionOf(context, {})
  await session.grantPermissions(['clipboard-read', 'clipboard-write'])
  const shown = await session.newPage()
  await shown.goto(`${stack.url}/models`)
  const card = (name: string) => shown.locator('.model-card', { has: shown.locator(`a[href="/models/${name}"]`) })
  const copied = async () => {
    const button = card('granite-chat').locator('.copy-icon')
    await button.click()
    await shown.waitForSelector('.copy-icon[data-copied=true]')
    t.equal(await button.textContent(), 'Copied', 'as a screen reader announces it')
    return shown.evaluate(() => navigator.clipboard.readText())
  }
  t.equal(await copied(), 'ibm-granite/granite-3.3-8b-instruct')
  await shown.fill('#q', 'granite')
  await shown.waitForFunction(() => document.querySelectorAll('.model-card').length < 4)
  t.equal(await copied(), 'ibm-granite/granite-3.3-8b-instruct', 'in results that a search loaded, too')
  t.match(await card('granite-chat').locator('.chips li').last().textContent(), /^\+\d.*Reasoning/)
  await card('granite-chat').click({ position: { x: 150, y: 90 } })
  await shown.waitForURL(/\/models\/granite-chat$/)
  t.match(await shown.locator('.highlights dd').allTextContents(), [
    /131,072 tokens/,
    /Free or/,
    /calls a day/,
    /Active/,
  ])
  await shown.click('.plans a:has-text("Unlimited")')
  await shown.waitForURL(/\/applications\/new/)
  t.ok(await shown.isChecked('[name=plan][value=unlimited]'), 'the plan is selected')
  await session.close()
})

t.test('the catalogue is shown as cards or as a list, and the browser remembers which', async (t) => {
  const session = await sessionOf(context, {})
  const shown = await session.newPage()
  await shown.goto(`${stack.url}/models`)
  const top = (name: string) =>
    shown.locator(`.model-card:has([value="${name}"])`).evaluate((card) => card.getBoundingClientRect().top)
  t.equal(await top('granite-chat'), await top('llama-chat'), 'cards are next to each other')
  await shown.click('[data-layout=list]')
  t.ok((await top('granite-chat')) < (await top('llama-chat')), 'rows are below each other')
  t.same(await violations(shown), [])
  await shown.reload()
  await shown.waitForSelector('[data-layout=list][aria-pressed=true]')
  t.ok((await top('granite-chat')) < (await top('llama-chat')), 'also after a reload')
  await shown.click('[data-layout=cards]')
  t.equal(await top('granite-chat'), await top('llama-chat'))
  await session.close()
})

t.test(
  'what is copied with the key is the shown code, and only shell code exports variables',
  { timeout: 600_000 },
  async (t) => {
    const session = await sessionOf(context, {})
    await session.grantPermissions(['clipboard-read', 'clipboard-write'])
    const shown = await session.newPage()
    await shown.goto(stack.url + live)
    for (const client of ['curl', 'python-openai', 'python-requests', 'js-fetch']) {
      await chooseClient(shown, client)
      await shown.click(`[data-copy-with-key=${client}]`)
      await shown.waitForFunction(
        (name) => document.querySelector(`[data-copy-with-key=${name}]`)?.textContent === 'Copied',
        client,
      )
      const copied = await shown.evaluate(() => navigator.clipboard.readText())
      const code = (await shown.textContent(`code[data-client=${client}]`)) ?? ''
      const isSetting = (line: string) => /^(?:export MAAS_|os\.environ\[[^\]]*\] = |process\.env\.\w+ = )/.test(line)
      const linesOf = (text: string) => text.split('\n').filter((line) => line !== '' && !isSetting(line))
      t.same(linesOf(copied), linesOf(code), client)
      t.ok(copied.split('\n').some(isSetting), client)
      t.equal(/^export /m.test(copied), client === 'curl', client)
    }
    await session.close()
  },
)

t.test(
  'an error page has the navigation and the sign-in state, and sign-up offers no sign-in',
  { timeout: 600_000 },
  async (t) => {
    const shown = await context.newPage()
    await shown.goto(`${stack.url}/nowhere`)
    t.equal(await shown.locator('.main-nav a').count(), 4)
    t.equal(await shown.locator('.user-menu').count(), 1)
    t.equal(await shown.locator('a:has-text("Sign in")').count(), 0)
    await shown.close()
    const visitor = await browser.newContext()
    const strange = await visitor.newPage()
    await strange.goto(`${stack.url}/nowhere`)
    t.equal(await strange.locator('.masthead a:has-text("Sign in")').count(), 1)
    t.equal(await strange.locator('footer').count(), 1)
    await strange.goto(`${stack.url}/login`)
    await strange.fill('[name=username]', 'ada')
    await strange.fill('[name=password]', 'demo')
    await strange.click('button[type=submit]')
    await strange.waitForURL(/\/sign-up$/)
    t.equal(await strange.locator('a:has-text("Sign in")').count(), 0)
    t.match(await strange.textContent('main'), 'Signed in as')
    await visitor.close()
  },
)
