import type { Browser, BrowserContext, Page } from 'playwright-core'
import { createApi } from '../helper/api.js'
import { signInAs } from '../helper/browser.js'
import type { Part } from '../helper/faults.js'
import { type Stack, startStack } from '../helper/stack.js'
import { addUsage } from './usage.js'

/** `newcomer` has a new browser for each shot and is not signed in; `empty` has an account without applications. */
export type Role = 'visitor' | 'newcomer' | 'user' | 'empty' | 'operator'

/** The demo with people who are signed in, and their applications. */
export interface Stage {
  url: string
  stack: Stack
  /** Paths of the user's applications, by name. */
  applications: Record<ApplicationName, string>
  /** Ids of the members of the user's account. */
  members: { owner: number; guest: number }
  context(role: Role): Promise<BrowserContext>
  fail(part: Part, faults: object[]): Promise<void>
  /** Ends all faults. */
  recover(): Promise<void>
  /** Signs in at the identity provider's page, which is open. */
  arrive(page: Page, username: string): Promise<void>
  /** Sets the state of the account of a user without applications. */
  setAccountState(username: string, state: string): Promise<void>
  close(): Promise<void>
}

const models = {
  live: 'granite-chat',
  pending: 'phi-approval',
  suspended: 'llama-chat',
  keyed: 'nomic-embed',
  rotated: 'mistral-chat',
  keyless: 'nomic-embed',
  ranking: 'bge-reranker',
  tokens: 'oidc-chat',
} as const
export type ApplicationName = keyof typeof models

const CONTROL: Record<Part, number> = { threescale: 1, identity: 2, gateway: 4 }
/** Has an account whose state the shots change. */
export const bystander = 'noah'
/** Is invited to the user's account, and has not accepted. */
export const guest = 'greta'
/** Has the address of the user. */
export const namesake = 'shelley'

export async function openStage(browser: Browser): Promise<Stage> {
  const stack = await startStack([])
  const quick = { DEMO_TIMING: 'quick' }
  await Promise.all([stack.part('threescale', [], quick), stack.part('identity', [], quick)])
  await stack.part('gateway', [], quick)
  await stack.portal({ ...quick, CATALOG_TTL: '5', LOG_LEVEL: 'silent' })
  const api = createApi(stack)
  await api.person({ username: bystander, name: 'Noah Newcomer' })
  await api.person({ username: namesake, name: 'Percy Shelley', email: 'mary@example.com' })
  await api.person({ username: guest, name: 'Greta Guest' })

  const contexts: Partial<Record<Role, BrowserContext>> = { visitor: await browser.newContext() }
  const signIn = async (role: Role, username: string) => {
    const context = await browser.newContext()
    contexts[role] = context
    return signInAs(context, stack.url, username)
  }
  const closed = await browser.newContext()
  await signInAs(closed, stack.url, bystander)
  await closed.close()
  await signIn('operator', 'admin')
  await (await signIn('empty', 'ada')).close()
  await deleteApplications(stack, 'ada@example.com')
  const page = await signIn('user', 'mary')
  const applications = await createApplications(page, stack)
  const members = await inviteGuest(page, stack)
  await page.close()
  const faulty = new Set<Part>()

  const stage: Stage = {
    url: stack.url,
    stack,
    applications,
    members,
    context: async (role) => contexts[role] ?? browser.newContext(),
    async fail(part, faults) {
      faulty.add(part)
      await putFaults(stack, part, faults)
    },
    async recover() {
      for (const part of faulty) await putFaults(stack, part, [])
      faulty.clear()
    },
    async arrive(page, username) {
      await page.fill('[name=username]', username)
      await page.fill('[name=password]', 'demo')
      await page.click('button[type=submit]')
      await page.waitForURL((url) => url.origin === stack.url)
    },
    async setAccountState(username, state) {
      const account = await accountOf(stack, `${username}@example.com`)
      await stack.put(`/_demo/accounts/${account}`, { state })
    },
    close: () => stack.close(),
  }
  return stage
}

async function createApplications(page: Page, stack: Stack): Promise<Stage['applications']> {
  const paths = {} as Stage['applications']
  for (const [name, model] of Object.entries(models) as [ApplicationName, string][]) {
    await page.goto(`${stack.url}/applications/new?model=${model}`)
    await page.click('main button[type=submit]')
    await page.waitForURL(/\/applications\/\d+$/)
    paths[name] = new URL(page.url()).pathname
  }
  await stack.put(`/_demo${paths.suspended}`, { state: 'suspended' })
  await page.goto(`${stack.url}${paths.keyed}/rotate`)
  await page.click('main form button[type=submit]')
  await page.waitForURL(/\/applications\/\d+/)
  await removeKeys(stack, paths.keyless)
  await addUsage(stack, [paths.live, paths.rotated, paths.keyed, paths.ranking])
  await stack.settled()
  return paths
}

async function inviteGuest(page: Page, stack: Stack): Promise<Stage['members']> {
  await page.goto(`${stack.url}/account`)
  await page.fill('#email', `${guest}@example.com`)
  await page.click('main button:has-text("Invite person")')
  await page.waitForSelector(`text=${guest}@example.com`)
  const users = await stack.list('users')
  const idOf = (email: string) => users.find((user) => user.email === email)?.id ?? 0
  return { owner: idOf('mary@example.com'), guest: idOf(`${guest}@example.com`) }
}

async function accountOf(stack: Stack, email: string): Promise<number> {
  const user = (await stack.list('users')).find((one) => one.email === email)
  if (!user) throw new Error(`no user has the address ${email}`)
  return user.account_id
}

async function deleteApplications(stack: Stack, email: string): Promise<void> {
  const account = await accountOf(stack, email)
  const applications = (await stack.list('applications')).filter(({ account_id }) => account_id === account)
  for (const { id } of applications) await remove(stack, `accounts/${account}/applications/${id}`)
}

async function removeKeys(stack: Stack, path: string): Promise<void> {
  const application = (await stack.list('applications')).find(({ id }) => path.endsWith(`/${id}`))
  for (const { value } of application?.keys ?? [])
    await remove(stack, `accounts/${application?.account_id}/applications/${application?.id}/keys/${value}`)
}

async function remove(stack: Stack, path: string): Promise<void> {
  const headers = { authorization: `Basic ${btoa('demo-token:')}` }
  const { ok, status } = await fetch(`${stack.threescale}/admin/api/${path}.json`, { method: 'DELETE', headers })
  if (!ok) throw new Error(`${path} was not deleted: ${status}`)
}

async function putFaults(stack: Stack, part: Part, list: object[]): Promise<void> {
  const { ok, status } = await fetch(`http://127.0.0.1:${stack.port + CONTROL[part]}/_demo/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(list),
  })
  if (!ok) throw new Error(`faults of ${part}: ${status}`)
}
