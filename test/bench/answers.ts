import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { projectRoot } from '../../src/root.js'
import { freePort, type RunningPortal, type Stack, startRedis, startStack } from '../helper/stack.js'
import { createVisitor } from '../helper/visitor.js'
import { load, median, pin, processorTime, residentMb, spread } from './load.js'
import type { Row } from './table.js'

const SERVER = 0
const CLIENT = 1
const bare = join(import.meta.dirname, 'bare.js')

interface Case {
  name: string
  path: string
  headers: Record<string, string>
  status?: number
  /** least ratio to bare Fastify, for the uncompressed answer */
  goal?: number
}

/** What one or more portals did with a case. */
interface Measured {
  sent: string
  goal: number | undefined
  /** requests per second, round by round */
  rates: Record<Side, number[]>
  /** microseconds of processor time for each request */
  busy: Record<Side, number[]>
  /** p99 over p50 */
  tails: Record<Side, number[]>
  requests: number
  /** to 3scale */
  calls: number
}

const SIDES = ['portal', 'same', 'plain'] as const
type Side = (typeof SIDES)[number]

/** V8 makes of the same program something a little different each time. */
const PORTALS = 3

/**
 * Warm answers against a bare Fastify server that sends the same bytes, headers too, interleaved, server and load each on
 * its own core, with several portals one after the other. The note has the ratio to one that sends the body alone, and p99
 * over p50 of the portal and of bare Fastify.
 */
export async function answers({ seconds, rounds }: { seconds: number; rounds: number }): Promise<Row[]> {
  const redis = await startRedis()
  const stack = await startStack(['threescale', 'identity'])
  const measured = new Map<string, Measured>()
  const memory = { start: [] as number[], load: [] as number[] }
  try {
    await addProducts(stack, 40)
    for (const part of Object.values(stack.parts)) pin(part.child.pid, CLIENT)
    pin(process.pid, CLIENT)
    for (let count = 0; count < PORTALS; count++) {
      const portal = await stack.portal({
        CATALOG_TTL: '3600',
        CATALOG_DETAIL_TTL: '3600',
        REDIS_URL: redis.url,
        PORTAL_CONFIG: withoutLimits(),
        // as the image has it
        MALLOC_ARENA_MAX: '2',
      })
      pin(portal.child.pid, SERVER)
      memory.start.push(residentMb(portal.child.pid))
      for (const { name, status } of await cases(stack, portal)) {
        for (const encoding of status === 304 ? ['identity'] : ['identity', 'gzip', 'br']) {
          // signed in anew: a cookie that is a minute old is replaced at every answer, and autocannon would not take the new one
          const each = (await cases(stack, portal)).find((one) => one.name === name)
          if (!each) continue
          const what = encoding === 'identity' ? name : `${name}, ${encoding}`
          const before = measured.get(what)
          const options = { seconds, rounds: Math.ceil(rounds / PORTALS), before }
          measured.set(what, await compare(stack, portal, each, encoding, options))
        }
      }
      memory.load.push(residentMb(portal.child.pid))
      await portal.stop()
    }
  } finally {
    await stack.close()
    await redis.stop()
  }
  return [
    ...[...measured].map(([what, each]) => rowOf(what, each)),
    { what: 'resident memory at start', value: `${spread(memory.start)} MB` },
    { ...within('resident memory after load', median(memory.load), 150, 'MB'), value: `${spread(memory.load)} MB` },
  ]
}

/** The demo's configuration, but one caller may ask as much as it can. */
export function withoutLimits(): string {
  const file = join(mkdtempSync(join(tmpdir(), 'maas-bench-')), 'portal.yaml')
  const demo = readFileSync(join(projectRoot, 'deploy', 'demo-portal.yaml'), 'utf8')
  writeFileSync(
    file,
    `${demo}\nrate_limits: { api: 1000000000, pages: 1000000000, visits: 1000000000, reports: 1000000000 }\n`,
  )
  return file
}

export function within(what: string, value: number, most: number, unit: string): Row {
  return { what, value: `${value} ${unit}`, goal: `at most ${most} ${unit}`, met: value <= most, number: value }
}

/** So that the catalogue has `total` models. */
export async function addProducts(stack: Stack, total: number): Promise<void> {
  const shown = 16
  for (let left = total - shown; left > 0; left -= 500) {
    const answer = await fetch(`${stack.threescale}/_demo/products?count=${Math.min(left, 500)}`, { method: 'POST' })
    if (answer.status !== 201) throw new Error(`products: ${answer.status}`)
  }
}

async function cases(stack: Stack, portal: RunningPortal): Promise<Case[]> {
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const cookie = [...mary.jar].map(([name, value]) => `${name}=${value}`).join('; ')
  const answer = await fetch(`http://127.0.0.1:${stack.port + 2}/_demo/token`, {
    method: 'POST',
    body: JSON.stringify({ username: 'mary' }),
  })
  const { access_token } = (await answer.json()) as { access_token: string }
  const bearer = { authorization: `Bearer ${access_token}` }
  const list = await fetch(`${portal.url}/api/v1/models?limit=40`, { headers: bearer })
  const etag = list.headers.get('etag') ?? ''
  await quiet(stack)
  return [
    { name: 'catalogue page, 40 models', path: '/models', headers: { cookie }, goal: 0.6 },
    { name: 'model page', path: '/models/granite-chat', headers: { cookie } },
    { name: 'applications page', path: '/applications', headers: { cookie } },
    { name: 'REST list', path: '/api/v1/models?limit=40', headers: bearer, goal: 0.8 },
    {
      name: '304',
      path: '/api/v1/models?limit=40',
      headers: { ...bearer, 'if-none-match': etag },
      status: 304,
      goal: 0.9,
    },
  ]
}

/** Until the details behind the first page are read. */
async function quiet(stack: Stack): Promise<void> {
  for (let before = ''; ; ) {
    await sleep(500)
    const now = JSON.stringify(await stack.calls())
    if (now === before) return
    before = now
  }
}

/** More of `before`, which other portals did. */
async function compare(
  stack: Stack,
  portal: RunningPortal,
  { path, headers, status = 200, goal }: Case,
  encoding: string,
  { seconds, rounds, before }: { seconds: number; rounds: number; before: Measured | undefined },
): Promise<Measured> {
  const asked = { ...headers, 'accept-encoding': encoding }
  const sample = await fetch(portal.url + path, { headers: asked })
  if (sample.status !== status) throw new Error(`${path} answers ${sample.status}`)
  const sent = sample.headers.get('content-encoding') ?? 'identity'
  const body = await rawBody(portal.url + path, asked)
  const same = await startBare(body, status, headersOf(sample))
  const plain = await startBare(body, status, headersOf(sample, ['content-type', 'content-encoding']))
  const servers: Record<Side, { url: string; pid: number | undefined }> = {
    portal: { url: portal.url.replace('localhost', '127.0.0.1') + path, pid: portal.child.pid },
    same: { url: `${same.url}${path}`, pid: same.pid },
    plain: { url: `${plain.url}${path}`, pid: plain.pid },
  }
  const none = () => ({ portal: [], same: [], plain: [] })
  const measured: Measured = before ?? { sent, goal, rates: none(), busy: none(), tails: none(), requests: 0, calls: 0 }
  for (const side of SIDES) await load({ url: servers[side].url, headers: asked, seconds: 2, status })
  await stack.resetCalls()
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
      const { url, pid } = servers[side]
      const begun = processorTime(pid)
      const result = await load({ url, headers: asked, seconds, status })
      measured.busy[side].push((processorTime(pid) - begun) / result.requests)
      measured.rates[side].push(result.requestsPerSecond)
      measured.tails[side].push(result.p99 / result.p50)
      if (side === 'portal') measured.requests += result.requests
    }
  }
  measured.calls += Object.values(await stack.calls()).reduce((sum, count) => sum + count, 0)
  await same.stop()
  await plain.stop()
  return measured
}

function rowOf(what: string, { sent, goal, rates, busy, tails, requests, calls }: Measured): Row {
  // of each round by itself: what else the machine does changes from second to second, and takes from both
  const ratios = (to: number[]) => rates.portal.map((each, round) => each / (to[round] ?? each))
  const ratio = median(ratios(rates.same))
  const tail = median(tails.portal)
  return {
    what,
    value: `${spread(ratios(rates.same), 2)} of bare Fastify; ${spread(rates.portal)} against ${spread(rates.same)} requests/s`,
    note: `${median(ratios(rates.plain)).toFixed(2)} of one without headers, processor ${median(busy.portal).toFixed(0)}, ${median(busy.same).toFixed(0)} and ${median(busy.plain).toFixed(0)} µs, p99/p50 ${tail.toFixed(1)} and ${median(tails.same).toFixed(1)}, ${((calls / requests) * 1000).toFixed(1)} calls to 3scale per 1,000`,
    number: ratio,
    ...(goal !== undefined && sent === 'identity'
      ? { goal: `at least ${goal}, p99 below 5 x p50`, met: ratio >= goal && tail < 5 }
      : {}),
  }
}

/** Those that the portal sets, all or some of them. */
function headersOf({ headers }: Response, wanted?: string[]): Record<string, string> {
  const own = ['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding']
  return Object.fromEntries([...headers].filter(([name]) => (wanted ? wanted.includes(name) : !own.includes(name))))
}

async function startBare(body: Buffer, status: number, headers: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'maas-bench-'))
  const [answer, file] = [join(folder, 'answer.json'), join(folder, 'body')]
  writeFileSync(answer, JSON.stringify({ status, headers }))
  writeFileSync(file, body)
  const port = await freePort()
  const child = spawn(process.execPath, [bare, String(port), answer, file], { stdio: 'ignore' })
  const url = `http://127.0.0.1:${port}`
  while (!(await fetch(url).catch(() => undefined))) await sleep(50)
  pin(child.pid, SERVER)
  return {
    url,
    pid: child.pid,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await ended
    },
  }
}

/** The bytes as they are on the wire; fetch decompresses, so the raw ones are asked for by node:http. */
async function rawBody(url: string, headers: Record<string, string>): Promise<Buffer> {
  const { get } = await import('node:http')
  const body = await new Promise<Buffer>((resolve, reject) => {
    get(url, { headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => resolve(Buffer.concat(chunks)))
      answer.on('error', reject)
    }).on('error', reject)
  })
  if (headers['accept-encoding'] === 'gzip' && body[0] === 0x1f) gunzipSync(body)
  if (headers['accept-encoding'] === 'br' && body.length > 0 && body[0] !== 0x3c && body[0] !== 0x7b)
    brotliDecompressSync(body)
  return body
}
