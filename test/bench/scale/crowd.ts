import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createApi } from '../../helper/api.js'
import { readiness } from '../../helper/faults.js'
import { roundRobin } from '../../helper/round-robin.js'
import { type RunningPortal, type Stack, startRedis, startStack } from '../../helper/stack.js'
import { namesOf } from '../../helper/usernames.js'
import { createVisitor, type Visitor } from '../../helper/visitor.js'
import type { Row } from '../table.js'

/** 3scale as measured: two web workers, 30 ms for a call, 2.7 ms for a row, 250 ms for a sign-up, 300 ms for a default plan. */
export const MEASURED_COSTS = {
  web_workers: 2,
  call_ms: 30,
  row_ms: 2.7,
  write_ms: 70,
  sign_up_ms: 150,
  default_plan_ms: 300,
}
export const NO_COSTS = { web_workers: 0, call_ms: 0, row_ms: 0, write_ms: 0, sign_up_ms: 0, default_plan_ms: 0 }

/** As often as Kubernetes; each check is a call to 3scale. */
const READINESS_MS = 10_000

export interface Crowd {
  stack: Stack
  portals: RunningPortal[]
  close(): Promise<void>
}

/** Three replicas behind one address, with one Redis. */
export async function startCrowd(tenant: 'demo' | 'large'): Promise<Crowd> {
  const redis = await startRedis()
  const stack = await startStack([])
  const portals: RunningPortal[] = []
  let balancer: Awaited<ReturnType<typeof roundRobin>> | undefined
  const close = async () => {
    await balancer?.close()
    await stack.close()
    await redis.stop()
  }
  try {
    await stack.part('threescale', ['--tenant', tenant])
    await stack.part('identity', ['--tenant', tenant])
    const env = { REDIS_URL: redis.url, PORTAL_CONFIG: withoutRateLimits() }
    for (const offset of [50, 51, 52]) portals.push(await stack.portal({ ...env, PORT: String(stack.port + offset) }))
    balancer = await roundRobin(stack.port, () => portals, READINESS_MS)
    return { stack, portals, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** All people of a measurement have one address. */
export function withoutRateLimits(): string {
  const file = join(mkdtempSync(join(tmpdir(), 'maas-scale-')), 'portal.yaml')
  const limits = ['sign_in', 'writes', 'api', 'pages', 'visits', 'reveals', 'calls'].map((name) => `${name}: 1000000`)
  writeFileSync(file, `rate_limits: { ${limits.join(', ')} }\n`)
  return file
}

/** Waits until the portal has read no details of products for so long. */
export async function quiet(stack: Stack, seconds = 3, mostSeconds = 600): Promise<void> {
  const total = async () => sumOf(await stack.calls(), DETAILS)
  let [last, unchanged] = [await total(), 0]
  for (let waited = 0; unchanged < seconds && waited < mostSeconds; waited++) {
    await sleep(1000)
    const now = await total()
    unchanged = now === last ? unchanged + 1 : 0
    last = now
  }
}

/** Calls for the details of products and plans. */
export const DETAILS = /\{id\}\/(limits|pricing_rules|metrics)/

export function sumOf(calls: Record<string, number>, required = /./): number {
  return Object.entries(calls).reduce((sum, [call, count]) => (required.test(call) ? sum + count : sum), 0)
}

/** A person whom the identity provider knows; `email` may be that of a user in 3scale. */
export async function addPerson(stack: Stack, username: string): Promise<void> {
  await createApi(stack).person({ username, sub: `subject of ${username}` })
}

/** Makes users of the tenant those that these people had since an earlier sign-in. They have the addresses of the users. */
export async function makeReturning(stack: Stack, usernames: string[]): Promise<void> {
  const names = namesOf(stack)
  const idOf = new Map((await stack.list('users')).map(({ email, id }) => [email, id]))
  await inTurn(usernames, 20, async (username) => {
    await addPerson(stack, username)
    const current = names.usernameFor('person', `subject of ${username}`)
    await stack.put(`/_demo/users/${idOf.get(`${username}@example.com`)}`, { username: current })
  })
}

/** So many at a time. */
export async function inTurn<T>(items: T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items]
  const loop = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, loop))
}

/** Starts the work of each item at its time, evenly within the seconds, and waits for all. */
export async function within<T, R>(seconds: number, items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  return Promise.all(
    items.map(async (item, index) => {
      await sleep((seconds * 1000 * index) / items.length)
      return work(item)
    }),
  )
}

export interface SignedIn {
  visitor: Visitor
  /** `ok`, or what came instead */
  end: string
  /** of the whole chain without the responses of the identity provider, in ms */
  ms: number
}

/** From the link *Sign in* to the catalogue, with the forms of the provider and, for a new user, of the sign-up. */
export async function signIn(stack: Stack, username: string): Promise<SignedIn> {
  let providerMs = 0
  const visitor = createVisitor(stack, (url, ms) => {
    if (url.startsWith(stack.identity)) providerMs += ms
  })
  const began = performance.now()
  const end = await visitor.signIn(username, '/models').then(
    ({ status, url }) => (status === 200 && new URL(url).pathname === '/models' ? 'ok' : `${status} ${url}`),
    (error: Error) => error.message.slice(0, 100),
  )
  return { visitor, end, ms: performance.now() - began - providerMs }
}

export async function openBreakers(portals: RunningPortal[]): Promise<string[]> {
  const all = await Promise.all(portals.map(readiness))
  return all
    .flatMap(({ breakers }) => breakers.filter(({ state }) => state !== 'closed'))
    .map(({ upstream }) => upstream)
}

export function share(values: number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0)
}

/** How often each text occurs, as `40 x ok`. */
export function counted(texts: string[]): string {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return [...counts].map(([text, count]) => `${count} x ${text}`).join(', ')
}

export function atMost(what: string, number: number, goal: number, unit: string, note?: string): Row {
  const digits = number < 10 ? 2 : 0
  return {
    what,
    value: `${number.toFixed(digits)} ${unit}`,
    ...(note === undefined ? {} : { note }),
    goal: `at most ${goal} ${unit}`,
    met: number <= goal,
    number,
  }
}
