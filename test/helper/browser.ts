import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'

export const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Names of the program in different distributions. */
const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** CHROMIUM_PATH, or the first program on the path. */
export function chromiumPath({ CHROMIUM_PATH, PATH = '' }: Record<string, string | undefined> = process.env): string {
  if (CHROMIUM_PATH) return CHROMIUM_PATH
  const folders = PATH.split(delimiter).filter(Boolean)
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file))
  if (!found) throw new Error('There is no Chromium on the path. Name its program in CHROMIUM_PATH.')
  return found
}

/** Chromium, headless. */
export function launchBrowser(more: string[] = []) {
  return chromium.launch({ executablePath: chromiumPath(), args: [...flags, ...more] })
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Violations that axe-core finds on the current page, as `rule: element`; of the default rules, or of one, such as `color-contrast`. */
export async function violations(page: Page, rule?: string): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe)
  return page.evaluate(async (only) => {
    const { violations } = await (
      globalThis as unknown as {
        axe: { run(options: object): Promise<{ violations: { id: string; nodes: { target: string[] }[] }[] }> }
      }
    ).axe.run(only === undefined ? {} : { runOnly: { type: 'rule', values: [only] } })
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`))
  }, rule)
}

/** Clicks a button or link, and waits until the page that it leads to has loaded. */
export async function follow(page: Page, selector: string): Promise<void> {
  await Promise.all([page.waitForEvent('load'), page.click(selector)])
}

/** Selects a client of the code on a page: first its group, as only clients of the selected group are visible. */
export async function chooseClient(page: Page, client: string): Promise<void> {
  const group = await page.getAttribute(`#client-${client}`, 'data-group')
  await page.click(`.code-tab[data-group="${group}"]`)
  await page.click(`.code-choice[for=client-${client}]`)
}

/** Signs in through the page of the identity provider, and through the completion form if there is one. */
export async function signInAs(context: BrowserContext, origin: string, username: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${origin}/login`)
  await page.fill('[name=username]', username)
  await page.fill('[name=password]', 'demo')
  await page.click('button[type=submit]')
  await page.waitForURL((url) => url.origin === origin)
  if (page.url().endsWith('/sign-up')) await completeSignUp(page)
  return page
}

export async function completeSignUp(page: Page): Promise<void> {
  const department = page.locator('[name="account.department"]')
  if ((await department.count()) > 0) {
    await department.selectOption('Research')
    await page.fill('[name="user.job_title"]', 'Scientist')
  }
  await page.check('[name=accept_terms]')
  await page.click('main button[type=submit]')
  await page.waitForURL((url) => !url.pathname.endsWith('/sign-up'))
}
