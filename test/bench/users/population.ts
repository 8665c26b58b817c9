import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import { projectRoot } from '../../../src/project-root.js'
import { type RunningPortal, type Stack, startRedis, startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'
import { CLIENT_CORE, pin, SERVER_CORE } from '../processes/cores.js'
import { createProbe, type Probe, temporaryFolder } from '../processes/measured-process.js'

/** A user with an account of its own, applications, a session and an access token. */
export interface Person {
  username: string
  accountId: number
  applications: number[]
  /** The session's cookie; the portal replaces it once a minute. */
  cookie(): string
  bearer: string
}

export interface MeasuredPortal extends RunningPortal {
  origin: string
  probe: Probe
}

export type Population = Awaited<ReturnType<typeof createPopulation>>

const MODELS = 40
/** As in the image (deploy/Containerfile). */
const ALLOCATION = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' }
const APPLICATIONS = 3
const APPLICATIONS_OF_LARGE_ACCOUNT = 20
const DAYS_OF_LARGE_ACCOUNT = 90
const DAYS = 30
const SIGN_INS_AT_A_TIME = 8
const ROWS_OF_USAGE = 5000
/** The portal replaces a cookie that is a minute old with each response; a browser has the new one. */
const REFRESH_MS = 30_000

/**
 * `count` users with applications and usage in 3scale, each signed in through the identity provider; `large` of them have an
 * account with 20 applications and 90 days of usage.
 */
export async function createPopulation({ count, large }: { count: number; large: number }) {
  const redis = await startRedis()
  const stack = await startStack(['threescale', 'identity'])
  for (const part of Object.values(stack.parts)) pin(part.child.pid, CLIENT_CORE)
  pin(redis.child.pid, CLIENT_CORE)
  pin(process.pid, CLIENT_CORE)
  await stack.behave({ default_plan_ms: 0, check_to_write_ms: 0 })
  await addProducts(stack, MODELS)
  const config = withoutLimits()
  let portals = 0
  const first = await portal({ REDIS_URL: redis.url, CATALOG_TTL: '3600', CATALOG_DETAIL_TTL: '3600' })
  await fetch(`${first.url}/models`)
  const visitors = Array.from({ length: count }, () => createVisitor(stack))
  const people = await signUpAll(stack, visitors)
  await addApplications(stack, people, large)
  await quiet(stack)
  let refreshedAt = performance.now()

  return {
    stack,
    redis,
    people,
    large: people.slice(0, large),
    /** With Redis, and a catalogue that is read once. */
    portal: first,
    startPortal: portal,
    models: await modelsOf(stack, people),
    /** Whether it fetched new cookies, because the portal would replace these ones. */
    async refreshSessions(): Promise<boolean> {
      if (performance.now() - refreshedAt < REFRESH_MS) return false
      const limit = pLimit(SIGN_INS_AT_A_TIME)
      await Promise.all(visitors.map((visitor) => limit(() => visitor.raw('/'))))
      refreshedAt = performance.now()
      return true
    },
    async close() {
      await stack.close()
      await redis.stop()
    },
  }

  async function portal(env: Record<string, string>): Promise<MeasuredPortal> {
    const { env: instrumented, probe } = createProbe()
    const PORT = String(portals === 0 ? stack.port : stack.port + 49 + portals)
    portals++
    const started = await stack.portal({ PORT, PORTAL_CONFIG: config, ...ALLOCATION, ...instrumented, ...env })
    pin(started.child.pid, SERVER_CORE)
    return { ...started, origin: started.url.replace('localhost', '127.0.0.1'), probe }
  }
}

/** The demo's configuration, with a limit that no caller reaches. */
export function withoutLimits(): string {
  const file = join(temporaryFolder(), 'portal.yaml')
  const demo = readFileSync(join(projectRoot, 'deploy', 'demo-portal.yaml'), 'utf8')
  const names = ['api', 'sign_in', 'calls', 'reveals', 'writes', 'pages', 'reports', 'visits']
  writeFileSync(file, `${demo}\nrate_limits: { ${names.map((name) => `${name}: 1000000000`).join(', ')} }\n`)
  return file
}

/** Adds products until the catalogue has `total` models. */
export async function addProducts(stack: Stack, total: number): Promise<void> {
  const shown = 16
  for (let left = total - shown; left > 0; left -= 500) {
    const answer = await fetch(`${stack.threescale}/_demo/products?count=${Math.min(left, 500)}`, { method: 'POST' })
    if (answer.status !== 201) throw new Error(`products: ${answer.status}`)
  }
}

/** Waits until the portal has read the details that follow the first page. */
export async function quiet(stack: Stack, mostSeconds = 60): Promise<void> {
  const end = performance.now() + mostSeconds * 1000
  for (let before = ''; performance.now() < end; ) {
    await sleep(500)
    const now = JSON.stringify(await stack.calls())
    if (now === before) return
    before = now
  }
}

async function signUpAll(stack: Stack, visitors: ReturnType<typeof createVisitor>[]): Promise<Person[]> {
  const limit = pLimit(SIGN_INS_AT_A_TIME)
  const signedUp = visitors.map((visitor, index) =>
    limit(async () => {
      const username = `person-${String(index).padStart(4, '0')}`
      await identity(stack, '/_demo/people', {
        ...{ username, name: `Person ${index}`, org_name: `Organisation ${index}` },
        ...{ email: `${username}@example.com`, email_verified: true },
      })
      const { status, url } = await visitor.signIn(username, '/models')
      if (status !== 200 || !url.endsWith('/models')) throw new Error(`the sign-in of ${username} ended at ${url}`)
      const { access_token } = await identity(stack, '/_demo/token', { username, expires_in: 36_000 })
      const cookie = () => [...visitor.jar].map(([name, value]) => `${name}=${value}`).join('; ')
      return { username, cookie, bearer: `Bearer ${access_token}` }
    }),
  )
  const found = await Promise.all(signedUp)
  const accounts = new Map((await stack.list('users')).map(({ email, account_id }) => [email, account_id]))
  return found.map((person) => {
    const accountId = accounts.get(`${person.username}@example.com`)
    if (accountId === undefined) throw new Error(`${person.username} has no account`)
    return { ...person, accountId, applications: [] }
  })
}

/** Of different models, created by the operator, which takes less time than forms. */
async function addApplications(stack: Stack, people: Person[], large: number): Promise<void> {
  const plans = await plansOf(stack)
  const limit = pLimit(SIGN_INS_AT_A_TIME)
  const usage: { application: number; metric: string; at: string; amount: number }[] = []
  const added = people.map((person, index) =>
    limit(async () => {
      const count = index < large ? APPLICATIONS_OF_LARGE_ACCOUNT : APPLICATIONS
      const days = index < large ? DAYS_OF_LARGE_ACCOUNT : DAYS
      for (let number = 0; number < count; number++) {
        const plan = plans[(index + number) % plans.length]
        const path = `/admin/api/accounts/${person.accountId}/applications.json`
        const { application } = (await operator(stack, path, {
          plan_id: String(plan),
          name: `Application ${number}`,
          description: 'Created by the benchmark',
        })) as { application: { id: number } }
        person.applications.push(application.id)
        for (let day = 0; day < days; day += index < large ? 1 : 3) {
          const at = new Date(Date.now() - (day * 24 + number) * 3_600_000).toISOString()
          usage.push({ application: application.id, metric: 'hits', at, amount: 1 + ((day * 7 + number) % 50) })
        }
      }
    }),
  )
  await Promise.all(added)
  for (let start = 0; start < usage.length; start += ROWS_OF_USAGE) {
    const answer = await fetch(`${stack.threescale}/_demo/usage`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(usage.slice(start, start + ROWS_OF_USAGE)),
    })
    if (answer.status !== 201) throw new Error(`usage: ${answer.status}`)
  }
  await stack.settled()
  // Lists whose rows changed a moment ago are not compared by their ETag.
  await stack.age()
}

/** The first plan of each model that everybody may use. */
async function plansOf(stack: Stack): Promise<number[]> {
  const { plans } = (await operator(stack, '/admin/api/application_plans.json')) as {
    plans: { application_plan: { id: number; service_id: number; state: string; approval_required: boolean } }[]
  }
  const open = plans
    .map(({ application_plan }) => application_plan)
    .filter(({ state, approval_required }) => state === 'published' && !approval_required)
  const chosen = [...new Map(open.map(({ service_id, id }) => [service_id, id])).values()]
  if (chosen.length === 0) throw new Error('3scale has no published plan')
  return chosen
}

async function modelsOf(stack: Stack, [person]: Person[]): Promise<string[]> {
  const headers = { authorization: person?.bearer ?? '' }
  const answer = await fetch(`${stack.url}/api/v1/models?limit=100`, { headers })
  const { items } = (await answer.json()) as { items: { system_name: string }[] }
  return items.map(({ system_name }) => system_name)
}

async function operator(stack: Stack, path: string, form?: Record<string, string>): Promise<unknown> {
  const answer = await fetch(stack.threescale + path, {
    headers: { authorization: `Basic ${btoa(':demo-token')}`, 'user-agent': 'demo-operator' },
    ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
  })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

async function identity(stack: Stack, path: string, body: object): Promise<{ access_token?: string }> {
  const answer = await fetch(`http://127.0.0.1:${stack.port + 2}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  })
  return (await answer.json()) as { access_token?: string }
}
