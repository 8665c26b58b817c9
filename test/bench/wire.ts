import { launchBrowser, signInAs } from '../helper/browser.js'
import { startStack } from '../helper/stack.js'
import type { Row } from './table.js'

const KB = 1024

/** Bytes on the wire of a first and a second visit of each page, as Chromium counts them. */
export async function wire(): Promise<Row[]> {
  const stack = await startStack(['threescale', 'identity'])
  const browser = await launchBrowser()
  try {
    await stack.portal()
    const rows: Row[] = []
    const signedIn = await browser.newContext()
    const page = await signInAs(signedIn, stack.url, 'mary')
    await page.goto(`${stack.url}/applications/new?model=granite-chat`)
    await page.click('main button[type=submit]')
    const application = new URL(page.url()).pathname
    await page.close()
    const cookies = await signedIn.cookies()
    for (const path of ['/', '/models', '/models/granite-chat', '/applications', application]) {
      const context = await browser.newContext()
      await context.addCookies(cookies)
      const visit = async () => {
        const shown = await context.newPage()
        const session = await context.newCDPSession(shown)
        await session.send('Network.enable')
        const fonts = new Set<string>()
        const bytes = { all: 0, fonts: 0 }
        session.on('Network.responseReceived', ({ requestId, type }) => {
          if (type === 'Font') fonts.add(requestId)
        })
        session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
          bytes.all += encodedDataLength
          if (fonts.has(requestId)) bytes.fonts += encodedDataLength
        })
        await shown.goto(stack.url + path, { waitUntil: 'networkidle' })
        await shown.close()
        return bytes
      }
      const first = await visit()
      const second = await visit()
      const own = first.all - first.fonts
      const goals = path === '/models'
      rows.push({
        what: `bytes of ${path.replace(/\d+$/, ':id')}`,
        value: `${kb(own)} KB and ${kb(first.fonts)} KB of fonts at first, ${kb(second.all)} KB at the second visit`,
        number: own,
        ...(goals
          ? { goal: 'at most 60 KB without fonts, then 8 KB', met: own <= 60 * KB && second.all <= 8 * KB }
          : {}),
      })
      await context.close()
    }
    return rows
  } finally {
    await browser.close()
    await stack.close()
  }
}

function kb(bytes: number): string {
  return (bytes / KB).toFixed(1)
}
