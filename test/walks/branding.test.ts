import { join } from 'node:path'
import t from 'tap'
import { demoEnvironment } from '../../src/cli/demo-settings.js'
import { ConfigError, loadConfig } from '../../src/config/environment.js'
import { projectRoot } from '../../src/project-root.js'
import { launchBrowser, signInAs, violations } from '../helper/browser.js'
import { startStack } from '../helper/stack.js'

/** The example of docs/branding.md in a browser. */
t.setTimeout(300_000)
const stack = await startStack(['threescale', 'identity'])
await stack.portal({ PORTAL_CONFIG: join(projectRoot, 'deploy', 'branding', 'portal.yaml'), CATALOG_ACCESS: 'public' })
const browser = await launchBrowser()
t.teardown(async () => {
  await browser.close()
  await stack.close()
})

for (const colorScheme of ['light', 'dark'] as const)
  t.test(
    `pages have the logo, the colours, the announcement and the footer of the brand: ${colorScheme}`,
    async (t) => {
      const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 900 } })
      const page = await signInAs(context, stack.url, 'mary')
      for (const path of ['/models', '/account', '/nowhere']) {
        await page.goto(stack.url + path)
        const logo = page.locator('.brand img:visible')
        t.equal(await logo.count(), 1)
        t.match(await logo.getAttribute('src'), colorScheme === 'dark' ? /logo-dark\.svg$/ : /logo\.svg$/)
        t.ok(await logo.evaluate((image: HTMLImageElement) => image.complete && image.naturalWidth > 0), 'it is loaded')
        t.match(await page.getAttribute('link[rel=icon]', 'href'), /branding\/icon\.svg$/)
        t.match(await page.textContent('.announcement'), 'The GPU cluster in Oslo')
        t.match(await page.textContent('footer'), 'For internal use')
        const brand = await page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--brand'))
        t.equal(brand, colorScheme === 'dark' ? '#6fd3ab' : '#0b5d4b')
        t.same(await violations(page), [], path)
      }
      await context.close()
    },
  )

t.test('a brand that cannot be shown stops the start, with all problems', async (t) => {
  const folder = t.testdir({
    'portal.yaml': 'branding: { logo: logo.svg, colors: { light: "#ffcc00", dark: "#ffffff" } }\n',
  })
  const PORTAL_CONFIG = join(folder, 'portal.yaml')
  const load = () => loadConfig({ ...demoEnvironment(4610, {}), PORTAL_CONFIG })
  t.throws(load, ConfigError)
  t.throws(load, /PORTAL_CONFIG: branding\.logo cannot read logo\.svg/)
  t.throws(load, /PORTAL_CONFIG: branding\.colors\.light #ffcc00 has a contrast of 1\.4:1/)
})
