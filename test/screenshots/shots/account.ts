import { bystander, guest, namesake } from '../stage.js'
import { type Shot, submit } from './shot.js'
import { foreignForm } from './use.js'

/** Sign-ins that stop: who signs in, and what stops them. */
const stops: Record<string, { username: string; account?: string }> = {
  pending: { username: bystander, account: 'pending' },
  suspended: { username: bystander, account: 'suspended' },
  rejected: { username: bystander, account: 'rejected' },
  'address not verified': { username: 'grace' },
  'no address': { username: 'noorg' },
  'address in use': { username: namesake },
}

const signIn = '/login/callback'

export const accountShots: Shot[] = [
  {
    route: '/login',
    page: 'Sign-in',
    state: "demo's identity provider",
    path: '/login',
    as: 'newcomer',
    before: (page) => page.waitForSelector('[name=password]'),
  },
  {
    route: '/sign-up',
    page: 'Sign-up',
    state: 'new account',
    path: '/login',
    as: 'newcomer',
    before: (page, stage) => stage.arrive(page, 'ben'),
  },
  {
    route: '/sign-up',
    page: 'Sign-up',
    state: 'invalid input',
    path: '/login',
    as: 'newcomer',
    status: 422,
    before: async (page, stage) => {
      await stage.arrive(page, 'ben')
      await page.$eval('form.form', (form) => form.setAttribute('novalidate', ''))
      await submit(page)
      await page.waitForSelector('.field-error')
    },
  },
  {
    route: '/sign-up',
    page: 'Sign-up',
    state: 'invitation',
    path: '/login',
    as: 'newcomer',
    before: (page, stage) => stage.arrive(page, guest),
  },
  {
    route: '/sign-up',
    page: 'Sign-up',
    state: 'existing user',
    path: '/login',
    as: 'newcomer',
    before: (page, stage) => stage.arrive(page, 'linus'),
  },
  ...Object.entries(stops).map(
    ([state, { username, account }]): Shot => ({
      route: signIn,
      page: 'Stopped sign-in',
      state,
      path: '/login',
      as: 'newcomer',
      status: 403,
      before: async (page, stage) => {
        if (account) await stage.setAccountState(username, account)
        await stage.arrive(page, username)
      },
    }),
  ),
  {
    route: signIn,
    page: 'Stopped sign-in',
    state: 'identity provider down',
    path: '/login',
    as: 'newcomer',
    status: 503,
    before: async (page, stage) => {
      await stage.fail('identity', [{ match: 'POST /token', status: 503 }])
      await stage.arrive(page, 'ada')
    },
  },
  {
    route: signIn,
    page: 'Stopped sign-in',
    state: 'no longer valid',
    path: '/login/callback',
    as: 'newcomer',
    status: 400,
  },
  { route: '/signed-out', page: 'Signed out', state: 'page', path: '/signed-out' },
  { route: '/terms', page: 'Terms', state: 'page', path: '/terms' },
  { route: '/account', page: 'Account', state: 'members', path: '/account', as: 'user' },
  { route: '/account', page: 'Account', state: 'alone', path: '/account', as: 'empty' },
  {
    route: '/account',
    page: 'Account',
    state: 'invalid invitation',
    path: '/account',
    as: 'user',
    status: 422,
    before: async (page) => {
      await page.$eval('#email', (field) => field.setAttribute('type', 'text'))
      await page.fill('#email', 'nobody')
      await page.click('main button:has-text("Invite person")')
      await page.waitForSelector('.field-error')
    },
  },
  {
    route: '/account/members/:id',
    page: 'Member',
    state: 'last admin',
    path: ({ members }) => `/account/members/${members.owner}`,
    as: 'user',
  },
  {
    route: '/account/members/:id',
    page: 'Member',
    state: 'invited',
    path: ({ members }) => `/account/members/${members.guest}`,
    as: 'user',
  },
  { route: '/', page: 'Error', state: 'no such page', path: '/nowhere', status: 404 },
  foreignForm,
  {
    route: '/applications/:id',
    page: 'Error',
    state: '3scale down',
    path: ({ applications }) => `${applications.live}/plan`,
    as: 'user',
    status: 503,
    faults: { threescale: [{ match: '* /admin/api/*', status: 500 }] },
  },
]
