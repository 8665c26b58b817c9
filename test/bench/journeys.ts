import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { demoEnvironment } from '../../src/cli/demo-settings.js'
import { spawnBound } from '../helper/bound-process.js'
import { cli, type Stack, startRedis, startStack, toProcess } from '../helper/stack.js'
import { createVisitor, formsOf } from '../helper/visitor.js'
import { residentMb } from './processes/resources.js'
import { median, spread } from './statistics.js'
import { type Row, within } from './table.js'
import { addProducts } from './users/population.js'

/** A catalogue that nobody has read yet, by size, with 3scale 50 ms away. */
export async function cold(): Promise<Row[]> {
  const rows: Row[] = []
  for (const total of [10, 100, 1000]) {
    const stack = await startStack(['threescale', 'identity'])
    try {
      if (total > 16) await addProducts(stack, total)
      await stack.faults([{ match: '* /admin/api/*', latency_ms: 50 }])
      await stack.resetCalls()
      const began = performance.now()
      await stack.portal({ CATALOG_TTL: '3600', CATALOG_DETAIL_TTL: '3600' })
      await fetch(`${stack.url}/models`)
      const seconds = (performance.now() - began) / 1000
      const bulk = callsOf(await stack.calls(), (call) => !/\{id\}/.test(call))
      rows.push({
        what: `cold catalogue of ${Math.max(total, 16)} products`,
        value: `${seconds.toFixed(2)} s from start to the page`,
        note: `${bulk} bulk calls`,
        number: bulk,
        ...(total === 1000 ? { goal: 'at most 12 bulk calls', met: bulk <= 12 } : {}),
      })
    } finally {
      await stack.close()
    }
  }
  return rows
}

/** Sign-up, sign-in and create: what they cost 3scale, and how long they take above its own time for the same calls. */
export async function journeys({ times }: { times: number }): Promise<Row[]> {
  const stack = await startStack(['threescale', 'identity'])
  try {
    await stack.portal({ CATALOG_TTL: '3600', CATALOG_DETAIL_TTL: '3600' })
    await fetch(`${stack.url}/models`)
    await sleep(2000)
    const own = await ownTime(stack, times)
    const signUp = await repeat(stack, times, async (index) => {
      await addPerson(stack, `bench${index}`)
      return () => createVisitor(stack).signIn(`bench${index}`, '/models')
    })
    const signIn = await repeat(stack, times, async (index) => () => createVisitor(stack).signIn(`bench${index}`))
    const mary = createVisitor(stack)
    await mary.signIn('mary')
    const create = await repeat(stack, times, async () => {
      const page = await mary.get('/applications/new?model=granite-chat')
      const values = formsOf(page.text).find(({ action }) => action === '/applications')?.values ?? {}
      return () => mary.post('/applications', values)
    })
    return [row('sign-up', signUp, own), row('sign-in', signIn, own, 1), row('create an application', create, own, 3)]
  } finally {
    await stack.close()
  }
}

/** From the start of the process to the first catalogue page, with a copy in Redis; and memory with 5,000 products. */
export async function starts(): Promise<Row[]> {
  const redis = await startRedis()
  const stack = await startStack(['threescale', 'identity'])
  try {
    const env = { REDIS_URL: redis.url, CATALOG_TTL: '3600', CATALOG_DETAIL_TTL: '3600' }
    const first = await stack.portal(env)
    await fetch(`${stack.url}/models`)
    await first.stop()
    const taken: number[] = []
    for (let round = 0; round < 9; round++) taken.push(await firstAnswer(stack, env))
    const seconds = Math.round(median(taken) * 100) / 100
    const quick = {
      ...within('start to first answer, with a copy in Redis', seconds, 1, 's'),
      note: spread(taken, 2),
    }
    await addProducts(stack, 5000)
    const large = await stack.portal({ CATALOG_TTL: '3600', CATALOG_DETAIL_TTL: '3600' })
    for (let page = 0; page < 20; page++) await (await fetch(`${stack.url}/models`)).text()
    return [quick, within('resident memory with 5,000 products', residentMb(large.child.pid), 300, 'MB')]
  } finally {
    await stack.close()
    await redis.stop()
  }
}

/** Seconds from the start of the process, as production starts it, to the first page of the catalogue. */
async function firstAnswer({ port, url }: Stack, env: Record<string, string>): Promise<number> {
  const settings = { ...demoEnvironment(port, {}), PATH: process.env.PATH, LOG_LEVEL: 'error', ...env }
  const began = performance.now()
  const child = spawnBound(process.execPath, [cli, 'serve'], { errors: 'inherit', env: settings })
  const running = toProcess(child)
  while (!(await fetch(`${url}/models`).catch(() => undefined))?.ok) await sleep(10)
  const seconds = (performance.now() - began) / 1000
  await running.stop()
  return seconds
}

interface Repeated {
  milliseconds: number[]
  calls: number
}

async function repeat(
  stack: Stack,
  times: number,
  prepare: (index: number) => Promise<() => Promise<{ status: number }>>,
): Promise<Repeated> {
  const milliseconds: number[] = []
  let calls = 0
  for (let index = 0; index < times; index++) {
    const run = await prepare(index)
    await stack.resetCalls()
    const began = performance.now()
    const { status } = await run()
    milliseconds.push(performance.now() - began)
    calls += callsOf(await stack.calls(), () => true)
    if (status >= 400) throw new Error(`answered ${status}`)
  }
  return { milliseconds, calls: calls / times }
}

/** How long the stand-in itself takes for one call, asked directly. */
async function ownTime(stack: Stack, times: number): Promise<number> {
  const taken: number[] = []
  for (let round = 0; round < times; round++) {
    const began = performance.now()
    await fetch(`${stack.threescale}/admin/api/accounts/find.xml?username=nobody`, {
      headers: { authorization: `Basic ${btoa(':demo-token')}` },
    })
    taken.push(performance.now() - began)
  }
  return median(taken)
}

function row(what: string, { milliseconds, calls }: Repeated, own: number, most?: number): Row {
  const sorted = [...milliseconds].sort((a, b) => a - b)
  const at = (share: number) => Math.max(0, (sorted[Math.floor(sorted.length * share)] ?? 0) - own * calls)
  return {
    what,
    value: `${calls.toFixed(1)} calls; p50 ${at(0.5).toFixed(0)} ms and p99 ${at(0.99).toFixed(0)} ms above 3scale's own`,
    number: calls,
    ...(most === undefined ? {} : { goal: `at most ${most} calls`, met: calls <= most }),
  }
}

function callsOf(calls: Record<string, number>, required: (call: string) => boolean): number {
  return Object.entries(calls)
    .filter(([call]) => required(call))
    .reduce((sum, [, count]) => sum + count, 0)
}

async function addPerson(stack: Stack, username: string): Promise<void> {
  await fetch(`http://127.0.0.1:${stack.port + 2}/_demo/people`, {
    method: 'POST',
    body: JSON.stringify({ username, email: `${username}@example.com`, email_verified: true, name: username }),
  })
}
