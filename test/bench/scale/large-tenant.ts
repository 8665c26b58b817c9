import { setTimeout as sleep } from 'node:timers/promises'
import { type RunningPortal, type Stack, startRedis, startStack } from '../../helper/stack.js'
import { createVisitor, type Visitor } from '../../helper/visitor.js'
import { processorTime, residentMb } from '../processes/resources.js'
import type { Row } from '../table.js'
import {
  addPerson,
  atMost,
  DETAILS,
  inTurn,
  MEASURED_COSTS,
  makeReturning,
  NO_COSTS,
  sumOf,
  withoutRateLimits,
} from './crowd.js'

const PRODUCTS = 2000
const PEOPLE = 10
const REQUESTS = 600
/** Without a read for so long, all details are there. */
const QUIET_S = 20
const MOST_S = 1200
const SERVED_S = 90
const WORDS = ['granite', 'mistral', 'embedding', 'code', 'int4', 'support', 'long context', 'falcon', '24b', 'fp8']

/** A portal that starts with a large tenant, alone and with 3scale at measured costs. */
export async function largeTenant({ windowSeconds }: { windowSeconds: number }): Promise<Row[]> {
  const stack = await startStack(['identity'])
  try {
    const began = performance.now()
    await stack.part('threescale', ['--tenant', 'large'])
    const standin = (performance.now() - began) / 1000
    await stack.behave(MEASURED_COSTS)
    const started = performance.now()
    const portal = await stack.portal({ PORTAL_CONFIG: withoutRateLimits() })
    const usable = await untilUsable(stack, started)
    const details = await untilQuiet(stack, started)
    const calls = await stack.calls()
    await stack.resetCalls()
    await sleep(windowSeconds * 1000)
    const steady = await stack.calls()
    await stack.behave(NO_COSTS)
    const large = await timesOf(stack, portal)
    const memory = residentMb(portal.child.pid)
    const small = await smallTenant()
    return [
      {
        what: 'start of the stand-in',
        value: `${standin.toFixed(1)} s`,
        note: `${residentMb(stack.parts.threescale?.child.pid)} MB`,
      },
      atMost(`first list of ${PRODUCTS} products`, usable.seconds, 60, 's', usable.note),
      atMost('all details read', details, 900, 's', `${sumOf(calls)} calls: ${common(calls)}`),
      atMost(
        'steady state',
        sumOf(steady) / windowSeconds,
        1,
        'calls/s',
        `${windowSeconds} s without requests: ${common(steady)}`,
      ),
      atMost('resident memory afterwards', memory, 300, 'MB', `after ${2 * REQUESTS} requests`),
      atMost(
        'catalogue page, 2,000 products to 16',
        large.page / small.page,
        1.5,
        'times',
        compared(large.page, small.page),
      ),
      atMost(
        'search, 2,000 products to 16',
        large.search / small.search,
        2,
        'times',
        compared(large.search, small.search),
      ),
    ]
  } finally {
    await stack.close()
  }
}

async function smallTenant(): Promise<{ page: number; search: number }> {
  const stack = await startStack(['threescale', 'identity'])
  try {
    const portal = await stack.portal({ PORTAL_CONFIG: withoutRateLimits() })
    return await timesOf(stack, portal)
  } finally {
    await stack.close()
  }
}

/** Seconds until the API lists all products, and when the first page had any. */
async function untilUsable(stack: Stack, started: number): Promise<{ seconds: number; note: string }> {
  const seconds = () => (performance.now() - started) / 1000
  for (;;) {
    const answer = await fetch(`${stack.url}/api/v1/models?limit=100`).catch(() => undefined)
    if (answer?.ok) {
      const { items } = (await answer.json()) as { items: unknown[] }
      if (items.length >= 100) break
    }
    if (seconds() > MOST_S) throw new Error(`no list after ${MOST_S} s: ${answer?.status}`)
    await sleep(500)
  }
  const found = seconds()
  let listed = 0
  for (let path: string | null = '/api/v1/models?limit=100'; path; ) {
    const body = (await (await fetch(stack.url + path)).json()) as { items: unknown[]; next_cursor?: string | null }
    listed += body.items.length
    path = body.next_cursor ? `/api/v1/models?limit=100&cursor=${encodeURIComponent(body.next_cursor)}` : null
  }
  return { seconds: found, note: `${listed} models, from the start of the process` }
}

/** Seconds until the last of the details was read. */
async function untilQuiet(stack: Stack, started: number): Promise<number> {
  const details = async () => sumOf(await stack.calls(), DETAILS)
  let [last, since] = [-1, performance.now()]
  while (performance.now() - since < QUIET_S * 1000 && performance.now() - started < MOST_S * 1000) {
    const now = await details()
    if (now !== last) [last, since] = [now, performance.now()]
    await sleep(1000)
  }
  return (since - started) / 1000
}

/** Microseconds of the portal's processor for a page of the catalogue and for a search, with signed-in people in turn. */
async function timesOf(stack: Stack, portal: RunningPortal): Promise<{ page: number; search: number }> {
  const visitors: Visitor[] = []
  const names = Array.from({ length: PEOPLE }, (_, n) => `reader-${n}`)
  await inTurn(names, 2, async (name) => {
    await addPerson(stack, name)
    const visitor = createVisitor(stack)
    await visitor.signIn(name, '/models')
    visitors.push(visitor)
  })
  const measured = async (pathOf: (n: number) => string) => {
    const ask = async (n: number) => {
      const { status } = await (visitors[n % PEOPLE] as Visitor).raw(pathOf(n))
      if (status !== 200) throw new Error(`${pathOf(n)} answered ${status}`)
    }
    for (let n = 0; n < 100; n++) await ask(n)
    const before = processorTime(portal.child.pid)
    await inTurn(
      Array.from({ length: REQUESTS }, (_, n) => n),
      4,
      ask,
    )
    return (processorTime(portal.child.pid) - before) / REQUESTS
  }
  const page = await measured(() => '/models')
  // the end of the text differs, so no search is repeated
  const search = await measured(
    (n) => `/models?q=${encodeURIComponent(`${WORDS[n % WORDS.length]} ${'a'.repeat(n % 3)}`.trim())}&n=${n}`,
  )
  return { page, search }
}

/** Accounts of the tenant with very many applications, and 3scale with these times. */
export async function largeAccounts(times: object): Promise<Row[]> {
  const redis = await startRedis()
  const stack = await startStack([])
  try {
    await stack.part('threescale', ['--tenant', 'large'])
    await stack.part('identity')
    const portal = await stack.portal({ REDIS_URL: redis.url, PORTAL_CONFIG: withoutRateLimits() })
    await untilUsable(stack, performance.now())
    await untilQuiet(stack, performance.now())
    await makeReturning(stack, ['max', 'dora', 'tess'])
    await stack.behave(times)
    const rows: Row[] = []
    for (const [name, count] of [
      ['max', 5000],
      ['dora', 500],
      ['tess', 20],
    ] as const) {
      const visitor = createVisitor(stack)
      await visitor.signIn(name, '/models')
      const before = residentMb(portal.child.pid)
      const first = await view(stack, portal, visitor, '/applications')
      const again = await untilServed(() => view(stack, portal, visitor, '/applications'))
      const after = residentMb(portal.child.pid)
      const usage = await view(stack, portal, visitor, '/usage')
      const firstPage = atMost(
        `${count} applications: first page`,
        first.seconds,
        1,
        's',
        `${first.text}; again ${again.text}`,
      )
      rows.push(
        firstPage,
        { what: `${count} applications: memory`, value: `${before} to ${after} MB`, number: after },
        name === 'tess'
          ? { what: `${count} applications: usage page`, value: usage.text }
          : atMost(`${count} applications: usage page`, usage.calls, 12, 'calls', usage.text),
      )
    }
    return rows
  } finally {
    await stack.close()
    await redis.stop()
  }
}

/** The first good response, and how long it took to become one: a very long list is read on after a 503. */
async function untilServed(look: () => ReturnType<typeof view>) {
  const began = performance.now()
  for (;;) {
    const seen = await look()
    const seconds = (performance.now() - began) / 1000
    if (seen.status === 200 || seconds > SERVED_S)
      return { ...seen, text: `${seen.text}, ${seconds.toFixed(0)} s later` }
    await sleep(2000)
  }
}

async function view(stack: Stack, { child }: RunningPortal, visitor: Visitor, path: string) {
  await stack.resetCalls()
  const [began, before] = [performance.now(), processorTime(child.pid)]
  const { status, text } = await visitor.get(path)
  const seconds = (performance.now() - began) / 1000
  const busyMs = Math.round((processorTime(child.pid) - before) / 1000)
  const calls = await stack.calls()
  const size = `${status}, ${Math.round(text.length / 1024)} KB, ${sumOf(calls)} calls in ${seconds.toFixed(2)} s`
  return { status, seconds, calls: sumOf(calls), text: `${size}, ${busyMs} ms of processor time (${common(calls)})` }
}

function common(calls: Record<string, number>): string {
  const sorted = Object.entries(calls).sort(([, a], [, b]) => b - a)
  return sorted
    .slice(0, 4)
    .map(([call, count]) => `${count} x ${call.replace('/admin/api', '')}`)
    .join(', ')
}

function compared(large: number, small: number): string {
  return `${Math.round(large)} and ${Math.round(small)} µs of processor time`
}
