import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import lighthouse, { desktopConfig } from 'lighthouse'
import { chromium } from 'playwright-core'
import { spawnBound } from '../helper/bound-process.js'
import { chromiumPath, flags, signInAs } from '../helper/browser.js'
import { freePort, startStack, toProcess } from '../helper/stack.js'
import type { Row } from './table.js'

const goals = { accessibility: 1, 'best-practices': 1, performance: 0.95 } as const
type Category = keyof typeof goals

/** Lighthouse's scores of the pages people use most, as a phone and as a desktop, of somebody who is signed in. */
export async function lighthouseScores(): Promise<Row[]> {
  const stack = await startStack()
  const profile = mkdtempSync(join(tmpdir(), 'maas-lighthouse-'))
  const port = await freePort()
  // by itself, not through playwright, which would be in the way of Lighthouse's own recording
  const browser = spawnBound(chromiumPath(), [
    '--headless',
    ...flags,
    `--remote-debugging-port=${port}`,
    `--user-data-dir=${profile}`,
    'about:blank',
  ])
  const running = toProcess(browser)
  try {
    await stack.portal()
    const application = await signInAndApply(stack.url, port)
    const rows: Row[] = []
    for (const path of ['/', '/models', '/models/granite-chat', application, `${application}/usage`, '/playground']) {
      for (const device of ['phone', 'desktop'] as const) rows.push(await score(stack.url, path, device, port))
    }
    return rows
  } finally {
    await running.stop()
    await stack.close()
    rmSync(profile, { recursive: true, force: true })
  }
}

/** Leaves the session's cookie in the browser. The address of a new application. */
async function signInAndApply(origin: string, port: number): Promise<string> {
  const address = `http://127.0.0.1:${port}`
  while (!(await fetch(`${address}/json/version`).catch(() => undefined))) await sleep(100)
  const connection = await chromium.connectOverCDP(address)
  const [context] = connection.contexts()
  if (!context) throw new Error('Chromium has no context')
  const page = await signInAs(context, origin, 'mary')
  await page.goto(`${origin}/applications/new?model=granite-chat`)
  await page.click('main button[type=submit]')
  const { pathname } = new URL(page.url())
  await page.close()
  await connection.close()
  return pathname
}

async function score(origin: string, path: string, device: 'phone' | 'desktop', port: number): Promise<Row> {
  const run = () =>
    lighthouse(
      origin + path,
      { port, logLevel: 'silent', disableStorageReset: true, onlyCategories: Object.keys(goals) },
      device === 'desktop' ? desktopConfig : undefined,
    )
  const first = await run()
  // now and then Chromium loses the recording of a load, and Lighthouse asks to be run again
  const result = first?.lhr.runtimeError ? await run() : first
  if (!result || result.lhr.runtimeError) throw new Error(`${path}: ${result?.lhr.runtimeError?.message}`)
  const { categories, audits, finalDisplayedUrl } = result.lhr
  if (new URL(finalDisplayedUrl).pathname !== path) throw new Error(`${path} led to ${finalDisplayedUrl}`)
  const scores = Object.keys(goals).map((name) => [name as Category, categories[name]?.score ?? 0] as const)
  const failed = scores.flatMap(([name, value]) =>
    value >= goals[name]
      ? []
      : (categories[name]?.auditRefs ?? [])
          .filter(({ id, weight }) => weight > 0 && (audits[id]?.score ?? 1) < 0.9)
          .map(({ id }) => id),
  )
  return {
    what: `${path.replace(/\d+/, ':id')}, ${device}`,
    value: scores.map(([name, value]) => `${name} ${Math.round(value * 100)}`).join(', '),
    ...(failed.length > 0 ? { note: failed.join(' ') } : {}),
    goal: '100, 100 and 95',
    met: scores.every(([name, value]) => value >= goals[name]),
    number: Math.round(Math.min(...scores.map(([, value]) => value)) * 100),
  }
}
