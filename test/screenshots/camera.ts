import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page, Response } from 'playwright-core'
import { projectRoot } from '../../src/project-root.js'
import type { Shot } from './shots/shot.js'
import type { Stage } from './stage.js'

const WIDE = 1280
const NARROW = 390
const HEIGHT = 900
/** For the picture of a long page on a busy machine. */
const TIMEOUT_MS = 120_000

export const variants = [
  { name: 'wide-light', theme: 'light', width: WIDE },
  { name: 'wide-dark', theme: 'dark', width: WIDE },
  { name: 'narrow-light', theme: 'light', width: NARROW },
  { name: 'narrow-dark', theme: 'dark', width: NARROW },
] as const

export interface Photo {
  shot: Shot
  /** Files of the variants, relative to the folder. */
  files: string[]
  /** Sentences about what is wrong with the page. */
  problems: string[]
}

/** Loads the page once and photographs it in every variant. */
export async function photograph(stage: Stage, shot: Shot, { folder, readme }: { folder: string; readme: boolean }) {
  const context = await stage.context(shot.as ?? 'visitor')
  const page = await context.newPage()
  page.setDefaultTimeout(TIMEOUT_MS)
  const watch = watchPage(page, shot)
  const photo: Photo = { shot, files: [], problems: watch.problems }
  try {
    for (const [part, faults] of Object.entries(shot.faults ?? {}))
      await stage.fail(part as keyof typeof shot.faults, faults)
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
    await page.setViewportSize({ width: WIDE, height: HEIGHT })
    const path = typeof shot.path === 'string' ? shot.path : shot.path(stage)
    await page.goto(new URL(path, stage.url).href)
    await shot.before?.(page, stage)
    await watch.settle()
    await stage.recover()
    for (const { name, theme, width } of variants) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: HEIGHT })
      await redrawn(page)
      if (width === NARROW) watch.measure(await excessWidth(page))
      const file = join(nameOf(shot), `${name}.png`)
      mkdirSync(join(folder, nameOf(shot)), { recursive: true })
      await page.screenshot({ path: join(folder, file), fullPage: true, animations: 'disabled', timeout: TIMEOUT_MS })
      photo.files.push(file)
    }
    if (readme && shot.readme && watch.problems.length === 0) await photographForReadme(page, shot.readme)
  } catch (error) {
    const [reason = ''] = String(error instanceof Error ? error.message : error).split('\n')
    watch.problems.push(`does not load: ${reason}`)
  } finally {
    await stage.recover()
    await page.close()
    if (shot.as === 'newcomer') await context.close()
  }
  return photo
}

/** A folder for the pictures of a shot, from its page and state. */
export function nameOf({ page, state }: Pick<Shot, 'page' | 'state'>): string {
  return `${page} ${state}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '')
}

/** Collects what must not happen on a page. */
export function watchPage(page: Page, { status = 200, failing }: Pick<Shot, 'status' | 'failing'> = {}) {
  const problems: string[] = []
  let main: Response | undefined
  let isHeld = false
  const isDocument = (response: Response) =>
    response.request().isNavigationRequest() && response.frame() === page.mainFrame()

  page.on('pageerror', ({ message }) => problems.push(`has an error in a script: ${message}`))
  page.on('console', (message) => {
    // A failed request is reported below, with its address.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      problems.push(`has an error in the console: ${message.text()}`)
  })
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? ''
    // The browser ends the requests of a page that is left.
    if (reason !== 'net::ERR_ABORTED') problems.push(`has a failed request: ${request.url()} (${reason})`)
  })
  page.on('response', (response) => {
    if (isDocument(response)) main = isHeld ? main : response
    else if (response.status() >= 400 && new URL(response.url()).pathname !== failing)
      problems.push(`has a failed request: ${response.url()} (${response.status()})`)
  })

  return {
    problems,
    /** Waits until the page is complete. From then on it stays as it is, even if it refreshes itself. */
    async settle() {
      await page.waitForLoadState('networkidle')
      isHeld = true
      await page.route('**', (route) =>
        route.request().isNavigationRequest() ? route.fulfill({ status: 204 }) : route.fallback(),
      )
      const shown = main?.status()
      if (shown !== status) problems.push(`does not load: its status is ${shown}, not ${status}`)
    },
    measure(excess: number) {
      const problem = `scrolls sideways at ${NARROW} px, by ${excess} px`
      if (excess > 0 && !problems.includes(problem)) problems.push(problem)
    },
  }
}

export function excessWidth(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
}

/** The first screen of a page, large enough to read. */
async function photographForReadme(page: Page, name: string): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
  await page.setViewportSize({ width: WIDE, height: HEIGHT })
  await redrawn(page)
  await page.screenshot({ path: join(projectRoot, 'docs', 'images', `${name}.png`), animations: 'disabled' })
}

/** Fonts are loaded, and charts have drawn themselves in the new size and theme. */
function redrawn(page: Page): Promise<unknown> {
  return page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
    await document.fonts.ready
    for (let count = 0; count < 3; count++) await frame()
  })
}
