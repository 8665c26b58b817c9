import { chooseClient } from '../../helper/browser.js'
import { type Shot, submit } from './shot.js'

/** Every type of model, by the system name of a model of the demo. */
const types = {
  chat: 'granite-chat',
  'without an own document': 'tiny-limited',
  embedding: 'nomic-embed',
  rerank: 'bge-reranker',
  image: 'sdxl-image',
  'speech to text': 'whisper-stt',
  'text to speech': 'kokoro-tts',
  'with OpenID Connect': 'oidc-chat',
  'with approval': 'phi-approval',
}

const model = '/models/:system_name'
const reference = '/models/:system_name/reference'

export const modelShots: Shot[] = [
  { route: '/', page: 'Home', state: 'visitor', path: '/' },
  { route: '/', page: 'Home', state: 'signed in', path: '/', as: 'user' },
  { route: '/', page: 'Home', state: 'without applications', path: '/', as: 'empty' },
  { route: '/models', page: 'Catalogue', state: 'cards', path: '/models', readme: 'catalogue' },
  { route: '/models', page: 'Catalogue', state: 'signed in', path: '/models', as: 'user' },
  { route: '/models', page: 'Catalogue', state: 'search', path: '/models?q=chat' },
  { route: '/models', page: 'Catalogue', state: 'empty search', path: '/models?q=nothing+like+it' },
  { route: '/models', page: 'Catalogue', state: 'own models', path: '/models?mine=1', as: 'user' },
  {
    route: '/models',
    page: 'Catalogue',
    state: 'selected for comparison',
    path: '/models',
    before: async (page) => {
      for (const index of [0, 1]) await page.locator('.card-compare input').nth(index).check()
    },
  },
  {
    route: '/models',
    page: 'Catalogue',
    state: 'stale',
    path: '/models',
    before: async (page, stage) => {
      await stage.fail('threescale', [{ match: '* /admin/api/*', status: 500 }])
      for (let attempt = 0; attempt < 60 && !(await page.locator('.pf-m-warning').count()); attempt++) {
        await page.waitForTimeout(500)
        await page.reload()
      }
      await page.waitForSelector('.pf-m-warning')
    },
  },
  ...Object.entries(types).map(([state, name]) => ({
    route: model,
    page: 'Model',
    state,
    path: `/models/${name}`,
  })),
  { route: model, page: 'Model', state: 'signed in', path: '/models/granite-chat', as: 'user' },
  { route: model, page: 'Model', state: 'missing', path: '/models/nowhere', status: 404 },
  {
    route: model,
    page: 'Model',
    state: 'client that cannot call it',
    path: '/models/qwen-coder',
    before: (page) => chooseClient(page, 'llamaindex'),
  },
  {
    route: '/models/compare',
    page: 'Comparison',
    state: 'of two models',
    path: '/models/compare?model=granite-chat&model=llama-chat',
  },
  {
    route: '/models/compare',
    page: 'Comparison',
    state: 'of four models',
    path: '/models/compare?model=granite-chat&model=llama-chat&model=nomic-embed&model=sdxl-image',
  },
  { route: '/models/compare', page: 'Comparison', state: 'nothing selected', path: '/models/compare' },
  { route: reference, page: 'Reference', state: 'visitor', path: '/models/granite-chat/reference' },
  {
    route: reference,
    page: 'Reference',
    state: 'without an own document',
    path: '/models/tiny-limited/reference',
    as: 'user',
  },
  {
    route: reference,
    page: 'Reference',
    state: 'Try it result',
    path: '/models/granite-chat/reference',
    as: 'user',
    before: async (page) => {
      await page.click('.docs-try > summary')
      await page.click('.docs-try[open] button[type=submit]')
      await page.waitForSelector('.docs-result')
    },
  },
  {
    route: '/missing-model',
    page: 'Missing model',
    state: 'user',
    path: '/missing-model?model=nowhere',
    as: 'user',
  },
  {
    route: '/missing-model',
    page: 'Missing model',
    state: 'operator',
    path: '/missing-model?model=restricted-research',
    as: 'operator',
  },
  { route: '/doctor', page: 'Doctor', state: 'no report', path: '/doctor', as: 'operator' },
  {
    route: '/doctor',
    page: 'Doctor',
    state: 'report',
    path: '/doctor',
    as: 'operator',
    before: async (page) => {
      if (await page.locator('main button:enabled').count()) await submit(page)
      await page.waitForSelector('.finding', { timeout: 120_000 })
    },
  },
]
