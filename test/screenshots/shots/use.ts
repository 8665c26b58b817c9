import type { Page } from 'playwright-core'
import type { ApplicationName, Stage } from '../stage.js'
import { type Shot, submit } from './shot.js'

const idOf = (stage: Stage, name: ApplicationName) => stage.applications[name].split('/').pop()

async function ask(page: Page, prompt: string): Promise<void> {
  await page.waitForSelector('[data-playground=ready]')
  await page.fill('#prompt', prompt)
  await page.click('[data-send]')
}

const answers = (count: number) => (page: Page) =>
  page.waitForFunction((required) => {
    const ends = [...document.querySelectorAll('[data-turns] [data-meta]')].filter(({ textContent }) => textContent)
    return ends.length >= required && document.querySelector('[data-send]:not([hidden])') !== null
  }, count)

/** On a busy machine, 3scale's responses can exceed the time of a page, which then states what is missing or fails. */
async function complete(page: Page): Promise<void> {
  for (let attempt = 0; attempt < 20 && (await page.locator('.notice.pf-m-warning, .stop').count()) > 0; attempt++) {
    await page.waitForTimeout(2000)
    await page.reload()
  }
}

export const useShots: Shot[] = [
  {
    route: '/playground',
    page: 'Playground',
    state: 'chat',
    path: (stage) => `/playground?application=${idOf(stage, 'live')}`,
    as: 'user',
  },
  {
    route: '/playground',
    page: 'Playground',
    state: 'chat with answers',
    path: (stage) => `/playground?application=${idOf(stage, 'live')}`,
    as: 'user',
    readme: 'playground',
    before: async (page) => {
      await ask(page, 'Explain in one sentence what a reranker does.')
      await answers(1)(page)
      await ask(page, 'When do I need one?')
      await answers(2)(page)
    },
  },
  {
    route: '/playground',
    page: 'Playground',
    state: 'chat with an error',
    failing: '/playground/stream',
    path: (stage) => `/playground?application=${idOf(stage, 'live')}`,
    as: 'user',
    before: async (page, stage) => {
      await stage.fail('gateway', [{ match: 'POST *', status: 503 }])
      await ask(page, 'Is anyone there?')
      await page.waitForSelector('[data-turns] [data-failure]:not([hidden])')
    },
  },
  {
    route: '/playground',
    page: 'Playground',
    state: 'comparison of two models',
    path: (stage) => `/playground?application=${idOf(stage, 'live')}&compare=${idOf(stage, 'rotated')}`,
    as: 'user',
    before: async (page) => {
      await ask(page, 'Which model are you?')
      await answers(2)(page)
    },
  },
  {
    route: '/playground/code',
    page: 'Playground',
    state: 'as code',
    path: (stage) => `/playground?application=${idOf(stage, 'live')}`,
    as: 'user',
    before: async (page) => {
      await page.fill('#prompt', 'Explain in one sentence what a reranker does.')
      await page.click('text=Show as code')
      await page.waitForSelector('#code')
    },
  },
  {
    route: '/playground',
    page: 'Playground',
    state: 'embeddings',
    path: (stage) => `/playground?application=${idOf(stage, 'keyed')}`,
    as: 'user',
    before: async (page) => {
      await page.fill('#input', 'The key was revoked.\nA credential was withdrawn.\nIt rains in Brno.')
      await page.click('button:has-text("Create embeddings")')
      await page.waitForSelector('.matrix')
    },
  },
  {
    route: '/playground',
    page: 'Playground',
    state: 'rerank',
    path: (stage) => `/playground?application=${idOf(stage, 'ranking')}`,
    as: 'user',
    before: async (page) => {
      await page.fill('#query', 'How do I replace a key?')
      await page.fill('#documents', 'Rotate the key, then revoke it.\nUsage is counted daily.\nA key can be replaced.')
      await page.click('button:has-text("Rank documents")')
      await page.waitForSelector('.ranking')
    },
  },
  { route: '/playground', page: 'Playground', state: 'without applications', path: '/playground', as: 'empty' },
  {
    route: '/usage',
    page: 'Usage',
    state: 'account',
    path: '/usage?range=30d',
    as: 'user',
    readme: 'usage',
    before: complete,
  },
  { route: '/usage', page: 'Usage', state: 'account without calls', path: '/usage', as: 'empty' },
  {
    route: '/applications/:id/usage',
    page: 'Usage',
    state: 'application',
    path: ({ applications }) => `${applications.live}/usage?range=30d`,
    as: 'user',
    before: complete,
  },
  {
    route: '/applications/:id/usage',
    page: 'Usage',
    state: 'application without calls',
    path: ({ applications }) => `${applications.tokens}/usage`,
    as: 'user',
  },
  {
    route: '/applications/:id/usage',
    page: 'Usage',
    state: 'unknown range',
    path: ({ applications }) => `${applications.live}/usage?range=1y`,
    as: 'user',
    status: 422,
  },
  { route: '/docs/api', page: 'REST API', state: 'document', path: '/docs/api' },
]

/** A form that another site sends. */
export const foreignForm: Shot = {
  route: '/applications',
  page: 'Error',
  state: 'form of another site',
  path: '/',
  as: 'user',
  status: 403,
  before: async (page, { url }) => {
    await page.goto('about:blank')
    await page.setContent(`<main><form method="post" action="${url}/applications"><button type="submit"></form></main>`)
    await submit(page)
    await page.waitForURL(/\/applications$/)
  },
}
