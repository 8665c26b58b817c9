import type { Page } from 'playwright-core'
import t from 'tap'
import { launchBrowser, signInAs, violations } from '../helper/browser.js'
import { startStack } from '../helper/stack.js'

/** The search over models, applications, pages and actions, with the keyboard and with the mouse. */
t.setTimeout(300_000)
const stack = await startStack(['threescale', 'identity'])
await stack.portal({ CATALOG_ACCESS: 'public' })
const browser = await launchBrowser()
t.teardown(async () => {
  await browser.close()
  await stack.close()
})
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
const page = await signInAs(context, stack.url, 'mary')
const APPLICATION = 'Notes & <b>drafts</b>'
await page.goto(`${stack.url}/applications/new?model=granite-chat`)
await page.fill('#name', APPLICATION)
await page.click('main button[type=submit]')
await page.waitForURL(/\/applications\/\d+$/)
const application = page.url()

const optionsOf = (shown: Page) => shown.locator('.palette [role=option] > span:first-child').allTextContents()
const isOpen = (shown: Page) => shown.locator('.palette[open]').isVisible()

async function search(shown: Page, query: string, expected: string): Promise<void> {
  await shown.keyboard.press('Control+k')
  await shown.waitForSelector('.palette[open]')
  await shown.keyboard.type(query)
  await shown.locator(`.palette [role=option]:has-text("${expected}")`).first().waitFor()
}

t.test('it opens in three ways, and "/" does not interrupt typing', async (t) => {
  await page.goto(`${stack.url}/account`)
  for (const open of [
    () => page.keyboard.press('/'),
    () => page.keyboard.press('Control+k'),
    () => page.click('[data-palette]'),
  ]) {
    await open()
    await page.waitForSelector('.palette[open]')
    t.ok(await page.evaluate(() => document.activeElement?.matches('.palette input')))
    t.same(await violations(page), [])
    await page.keyboard.press('Escape')
    t.notOk(await isOpen(page))
  }
  await page.focus('#email')
  await page.keyboard.type('a/b')
  t.equal(await page.inputValue('#email'), 'a/b')
  t.notOk(await isOpen(page))
  await page.goto(`${stack.url}/models`)
  await page.keyboard.press('/')
  t.ok(await page.evaluate(() => document.activeElement?.matches('#q')), 'the search field of the catalogue')
})

t.test('it finds models as the catalogue does, and opens what is selected', async (t) => {
  await page.goto(`${stack.url}/account`)
  await search(page, 'vision', 'Mistral')
  t.ok((await optionsOf(page)).includes('Search all models for “vision”'))
  t.match(await page.locator('.palette [role=status]').textContent(), /^\d+ results$/)
  t.equal(await page.locator('.palette [aria-selected=true]').count(), 1)
  const first = await page.locator('.palette [role=option]').first().getAttribute('href')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Enter')
  await page.waitForURL(`${stack.url}${first}`)
  await search(page, 'vision', 'Search all')
  await page.click('.palette [role=option]:has-text("Search all")')
  await page.waitForURL(`${stack.url}/models?q=vision`)
})

t.test('it finds applications by name, as text, and pages and actions', async (t) => {
  await page.goto(`${stack.url}/account`)
  await search(page, 'drafts', 'Notes')
  t.ok((await optionsOf(page)).includes(APPLICATION))
  await page.keyboard.press('ArrowDown')
  await page.click('.palette [role=option]:has-text("Notes")')
  await page.waitForURL(application)
  await search(page, 'rest api', 'REST API')
  await page.click('.palette [role=option]:has(:text-is("REST API"))')
  await page.waitForURL(`${stack.url}/docs/api`)
  const dark = () => page.evaluate(() => document.documentElement.classList.contains('pf-v6-theme-dark'))
  const before = await dark()
  await search(page, 'dark', 'Switch between')
  await page.click('.palette [role=option]:has-text("Switch between")')
  t.equal(await dark(), !before)
})

t.test('results that arrive later do not change what is selected', async (t) => {
  const shown = await context.newPage()
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  await shown.route(/fragment=results/, async (route) => {
    await released
    await route.continue()
  })
  await shown.goto(`${stack.url}/account`)
  await search(shown, 'a', 'Playground')
  const selected = () => shown.locator('.palette [aria-selected=true]').textContent()
  await shown.keyboard.press('ArrowUp')
  await shown.keyboard.press('ArrowUp')
  const before = await selected()
  release()
  await shown.waitForFunction(() => document.querySelectorAll('.palette [href^="/models/"]').length > 0)
  t.equal(await selected(), before)
  await shown.close()
})

t.test('opening it costs 3scale the list of applications alone', async (t) => {
  const shown = await context.newPage()
  await shown.goto(`${stack.url}/docs/api`)
  await stack.resetCalls()
  await search(shown, 'drafts', 'Notes')
  t.same(Object.keys(await stack.calls()), ['GET /admin/api/accounts/{id}/applications.json'])
  await shown.close()
})

t.test('if models cannot be loaded, it says so and links to the catalogue', async (t) => {
  const shown = await context.newPage()
  await shown.route(/fragment=results/, (route) => route.fulfill({ status: 503 }))
  await shown.goto(`${stack.url}/account`)
  await search(shown, 'granite', 'Search all')
  await shown.locator('.palette [role=status]:has-text("could not be loaded")').waitFor()
  t.equal(await shown.locator('.palette [href^="/models/"]').count(), 0)
  t.ok((await optionsOf(shown)).includes('Search all models for “granite”'))
  await shown.close()
})

t.test('a visitor searches models and pages, and can sign in', async (t) => {
  const visitor = await browser.newContext({ viewport: { width: 390, height: 844 } })
  const shown = await visitor.newPage()
  await shown.goto(`${stack.url}/`)
  await search(shown, 'granite', 'Granite')
  await shown.fill('.palette input', 'sign')
  await shown.locator('.palette [role=option]:has-text("Sign in")').waitFor()
  t.notOk((await optionsOf(shown)).includes('Sign out'))
  t.equal(await shown.locator('.palette :text("Your applications")').count(), 0)
  await visitor.close()
})
