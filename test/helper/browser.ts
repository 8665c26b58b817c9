import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
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

/** Debian's Chromium, headless. */
export function launchBrowser(more: string[] = []) {
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: [...flags, ...more] })
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** axe-core's violations on the page as it is, each as `rule: element`. */
export async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe)
  return page.evaluate(async () => {
    const { violations } = await (
      globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; nodes: { target: string[] }[] }[] }> }
      }
    ).axe.run()
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`))
  })
}

/** Signs in through the sign-in service's page, and through the completion form where there is one. */
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
