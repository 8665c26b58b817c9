import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { launchBrowser } from '../helper/browser.js'
import { excessWidth, watchPage } from './camera.js'

const icon = '<link rel="icon" href="data:,">'
const pages: Record<string, { status?: number; html: string }> = {
  '/good': { html: '<p>Good</p>' },
  '/missing': { status: 404, html: '<p>Not found</p>' },
  '/console': { html: '<script>console.error("a mistake")</script>' },
  '/script': { html: '<script>throw new Error("a mistake")</script>' },
  '/request': { html: '<img src="/nowhere.png" alt="">' },
  '/wide': { html: '<div style="width: 500px">Wide</div>' },
  '/moving': { html: '<meta http-equiv="refresh" content="1; url=/good">' },
}
const server = createServer((request, response) => {
  const page = pages[request.url ?? ''] ?? { status: 404, html: '' }
  response.writeHead(page.status ?? 200, { 'content-type': 'text/html' })
  response.end(`<!doctype html>${icon}${page.html}`)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const browser = await launchBrowser()
t.teardown(async () => {
  await browser.close()
  server.close()
  server.closeAllConnections()
})

async function problemsOf(path: string, status: number, failing = ''): Promise<string[]> {
  const page = await browser.newPage({ viewport: { width: 390, height: 800 } })
  const watch = watchPage(page, { status, failing })
  await page.goto(origin + path)
  await watch.settle()
  watch.measure(await excessWidth(page))
  await page.close()
  return watch.problems
}

t.test('a page that is wrong is reported, and one that is right is not', async (t) => {
  const cases: [path: string, status: number, problem: string | undefined][] = [
    ['/good', 200, undefined],
    ['/missing', 404, undefined],
    ['/missing', 200, 'does not load: its status is 404, not 200'],
    ['/good', 404, 'does not load: its status is 200, not 404'],
    ['/console', 200, 'has an error in the console: a mistake'],
    ['/script', 200, 'has an error in a script: a mistake'],
    ['/request', 200, `has a failed request: ${origin}/nowhere.png (404)`],
    ['/wide', 200, 'scrolls sideways at 390 px, by 118 px'],
  ]
  for (const [path, status, problem] of cases)
    t.same(await problemsOf(path, status), problem ? [problem] : [], `${path} ${status}`)
  t.same(await problemsOf('/request', 200, '/nowhere.png'), [], 'unless the request is meant to fail')
})

t.test('a page that refreshes itself stays while it is photographed', async (t) => {
  const page = await browser.newPage()
  const { settle, problems } = watchPage(page)
  await page.goto(`${origin}/moving`)
  await settle()
  await page.waitForRequest(`${origin}/good`)
  t.equal(new URL(page.url()).pathname, '/moving')
  t.same(problems, [])
  await page.close()
})
