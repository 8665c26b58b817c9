import { type Shot, submit } from './shot.js'

const show = '/applications/:id'
const check = '/applications/:id/keys/:key_id/revocation-check'

export const applicationShots: Shot[] = [
  { route: '/applications', page: 'Applications', state: 'list', path: '/applications', as: 'user' },
  { route: '/applications', page: 'Applications', state: 'empty', path: '/applications', as: 'empty' },
  {
    route: '/applications',
    page: 'Applications',
    state: 'no match',
    path: '/applications?q=nothing+like+it',
    as: 'user',
  },
  { route: '/applications/new', page: 'New application', state: 'model', path: '/applications/new', as: 'user' },
  {
    route: '/applications/new',
    page: 'New application',
    state: 'plans',
    path: '/applications/new?model=granite-chat',
    as: 'user',
  },
  {
    route: '/applications/new',
    page: 'New application',
    state: 'approval',
    path: '/applications/new?model=phi-approval',
    as: 'user',
  },
  {
    route: '/applications/new',
    page: 'New application',
    state: 'to replace another',
    path: ({ applications }) => `/applications/new?model=granite-chat&from=${applications.live.split('/').pop()}`,
    as: 'user',
  },
  {
    route: '/applications/pending/:attempt',
    page: 'New application',
    state: 'in progress',
    status: 202,
    path: '/applications/new?model=granite-chat',
    as: 'operator',
    before: async (page, stage) => {
      await stage.fail('threescale', [{ match: 'POST */applications.json', hang: true, times: 1 }])
      await submit(page)
      await page.waitForSelector('h1:has-text("Creating application")')
    },
  },
  {
    route: show,
    page: 'Application',
    state: 'key created',
    path: '/applications/new?model=qwen-coder',
    as: 'operator',
    before: async (page) => {
      await submit(page)
      await page.waitForURL(/\/applications\/\d+$/)
    },
  },
  { route: show, page: 'Application', state: 'live', path: ({ applications }) => applications.live, as: 'user' },
  {
    route: show,
    page: 'Application',
    state: 'key shown',
    path: ({ applications }) => applications.live,
    as: 'user',
    readme: 'application',
    before: (page) => page.click('form[action$="/reveal"] button'),
  },
  {
    route: show,
    page: 'Application',
    state: 'key tested',
    path: ({ applications }) => applications.live,
    as: 'user',
    before: async (page) => {
      await page.click('form[action$="/test"] button')
      await page.waitForSelector('#test')
    },
  },
  {
    route: show,
    page: 'Application',
    state: 'account menu',
    path: ({ applications }) => applications.live,
    as: 'user',
    before: (page) => page.click('.user-menu summary'),
  },
  { route: show, page: 'Application', state: 'pending', path: ({ applications }) => applications.pending, as: 'user' },
  {
    route: show,
    page: 'Application',
    state: 'suspended',
    path: ({ applications }) => applications.suspended,
    as: 'user',
  },
  {
    route: show,
    page: 'Application',
    state: 'key removed',
    path: ({ applications }) => applications.keyless,
    as: 'user',
  },
  { route: show, page: 'Application', state: 'two keys', path: ({ applications }) => applications.keyed, as: 'user' },
  {
    route: show,
    page: 'Application',
    state: 'client secret',
    path: ({ applications }) => applications.tokens,
    as: 'user',
  },
  {
    route: show,
    page: 'Application',
    state: 'not saved',
    path: ({ applications }) => applications.live,
    as: 'user',
    status: 503,
    before: async (page, stage) => {
      await stage.fail('threescale', [{ match: '* /admin/api/*', status: 500 }])
      await page.click('form:has(#name) button[type=submit]')
    },
  },
  {
    route: '/applications/:id/delete',
    page: 'Delete application',
    state: 'question',
    path: ({ applications }) => `${applications.live}/delete`,
    as: 'user',
  },
  {
    route: '/applications/:id/delete',
    page: 'Delete application',
    state: 'not confirmed',
    path: ({ applications }) => `${applications.live}/delete`,
    as: 'user',
    status: 422,
    before: async (page) => {
      await page.fill('#confirm', 'no')
      await submit(page)
    },
  },
  {
    route: '/applications/:id/plan',
    page: 'Plan change',
    state: 'plans',
    path: ({ applications }) => `${applications.live}/plan`,
    as: 'user',
  },
  {
    route: '/applications/:id/plan',
    page: 'Plan change',
    state: 'no other plan',
    path: ({ applications }) => `${applications.keyed}/plan`,
    as: 'user',
  },
  {
    route: '/applications/:id/keys/new',
    page: 'Keys',
    state: 'add',
    path: ({ applications }) => `${applications.keyed}/keys/new`,
    as: 'user',
  },
  {
    route: '/applications/:id/keys/new',
    page: 'Keys',
    state: 'invalid value',
    path: ({ applications }) => `${applications.keyed}/keys/new`,
    as: 'user',
    status: 422,
    before: async (page) => {
      await page.click('summary:has-text("Use a custom value")')
      await page.fill('#value', 'abc')
      await submit(page)
    },
  },
  {
    route: show,
    page: 'Keys',
    state: 'added',
    path: ({ applications }) => `${applications.keyed}/keys/new`,
    as: 'user',
    before: async (page) => {
      await submit(page)
      await page.waitForURL(/\/applications\/\d+$/)
    },
  },
  {
    route: '/applications/:id/rotate',
    page: 'Keys',
    state: 'rotate one key',
    path: ({ applications }) => `${applications.rotated}/rotate`,
    as: 'user',
  },
  {
    route: '/applications/:id/rotate',
    page: 'Keys',
    state: 'rotate with several keys',
    path: ({ applications }) => `${applications.keyed}/rotate`,
    as: 'user',
  },
  {
    route: '/applications/:id/rotate',
    page: 'Keys',
    state: 'rotate a client secret',
    path: ({ applications }) => `${applications.tokens}/rotate`,
    as: 'user',
  },
  {
    route: '/applications/:id/keys/:key_id/revoke',
    page: 'Keys',
    state: 'revoke',
    path: ({ applications }) => `${applications.keyed}/rotate`,
    as: 'user',
    before: async (page) => {
      await page.locator('a[href$="/revoke"]').first().click()
      await page.waitForURL(/\/revoke$/)
    },
  },
  {
    route: check,
    page: 'Keys',
    state: 'revocation check',
    path: ({ applications }) => `${applications.rotated}/rotate`,
    as: 'user',
    before: async (page) => {
      await submit(page)
      await page.waitForURL(/\/revocation-check$/)
    },
  },
  {
    route: check,
    page: 'Keys',
    state: 'revocation result',
    path: ({ applications }) => `${applications.rotated}/rotate`,
    as: 'user',
    before: async (page) => {
      await submit(page)
      // The page reloads itself.
      await page.waitForSelector('text=The gateway rejects the previous key.', { timeout: 120_000 })
    },
  },
  {
    route: show,
    page: 'Keys',
    state: 'revoked',
    path: ({ applications }) => applications.rotated,
    as: 'user',
  },
]
