import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { buildPortal } from '../../../src/app.js'
import { demoEnvironment } from '../../../src/cli/demo-settings.js'
import { loadConfig } from '../../../src/config/environment.js'
import { projectRoot } from '../../../src/project-root.js'
import { createApi } from '../../helper/api.js'
import { asHeader, broken, LIVE, submission, type Wish } from '../../helper/hostile.js'
import { pipeline, type Reply } from '../../helper/pipeline.js'
import { rounds } from '../../helper/rounds.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/** FUZZ_SEED repeats a run. */
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
const total = rounds(20_000)
const AT_ONCE = 8
const IN_ROW = 25
/** With each row, requests that are not valid HTTP, each on a separate connection. */
const BROKEN = 8
const GROWTH = 24 * 1024 * 1024
t.comment(`fuzz seed ${seed}, ${total} requests`)
// A minute and a half if two processors are free, much longer on a busy machine.
t.setTimeout(1_800_000)

const folder = t.testdir({ 'portal.yaml': '' })
// Requests that are rejected by a limit test nothing.
const most = 100_000_000
const limits = {
  ...{ api: most, sign_in: most, calls: most, reveals: most, writes: most },
  ...{ pages: most, reports: most, visits: most },
}
const limitless = `\nrate_limits: ${JSON.stringify(limits)}\n`
writeFileSync(
  join(folder, 'portal.yaml'),
  readFileSync(join(projectRoot, 'deploy/demo-portal.yaml'), 'utf8') + limitless,
)
const heapFile = join(folder, 'heap')
writeFileSync(
  join(folder, 'hook.cjs'),
  `require('node:v8').setFlagsFromString('--expose-gc')
   const gc = require('node:vm').runInNewContext('gc')
   process.on('SIGWINCH', () => { gc(); gc(); require('node:fs').appendFileSync(${JSON.stringify(heapFile)}, process.memoryUsage().heapUsed + '\\n') })`,
)

const stack = await startStack()
t.teardown(() => stack.close())
const output = join(folder, 'output')
const portal = await stack.portal(
  {
    NODE_OPTIONS: `--require ${join(folder, 'hook.cjs')}`,
    PORTAL_CONFIG: join(folder, 'portal.yaml'),
    LOG_LEVEL: 'warn',
    AUDIT_LOG: 'off',
  },
  { output },
)

const routes = await routesOfPortal()
const visitor = createVisitor(stack)
await visitor.signIn('admin')
const session = visitor.jar.get('maas_session') ?? ''
const stranger = createVisitor(stack)
await stranger.raw('/login')
const [attemptName = '', attempt = ''] = [...stranger.jar].find(([name]) => name.startsWith('maas_login_')) ?? []
const bearer = await createApi(stack).token({ username: 'admin', scope: 'maas:read maas:write', expires_in: 7200 })

async function routesOfPortal() {
  const app = await buildPortal(loadConfig({ ...demoEnvironment(39_000, {}), LOG_LEVEL: 'silent' }))
  await app.app.ready()
  const found = app.routes.map(({ method, url }) => ({ method, url }))
  await app.stop()
  return found
}

/** The bytes of a request, from its description. */
function written({ route, method, ids, rawPath, query, headers, credential, body }: Wish) {
  const { method: own, url } = routes[route % routes.length] ?? { method: 'GET', url: '/' }
  const verb = method ?? own
  let used = 0
  const path = url.replace(/:\w+|\*/g, () => encodeURIComponent((ids[used++] ?? '').toWellFormed()))
  const search = query.map((pair) => pair.map((text) => encodeURIComponent(text.toWellFormed())).join('=')).join('&')
  const raw = rawPath === null ? undefined : `/${asHeader(rawPath).replace(/[\s#]/g, '')}`
  const lines = headers.map(([name, value]) => `${name}: ${value}`)
  if (!headers.some(([name]) => name === 'host')) lines.unshift(`Host: localhost:${stack.port}`)
  // A valid session must not end during the run.
  if (credential && !(url === '/logout' && verb === 'POST')) lines.push(credentialLine(credential))
  const content = verb === 'GET' || verb === 'HEAD' ? undefined : body
  const bytes = Buffer.from(content?.text ?? '', 'utf8')
  if (content) lines.push(`Content-Type: ${content.type}`)
  if (content || verb === 'POST') lines.push(`Content-Length: ${bytes.length}`)
  const head = `${verb} ${raw ?? path}${search ? `?${search}` : ''} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
  return { bytes: Buffer.concat([Buffer.from(head, 'latin1'), bytes]), bodiless: verb === 'HEAD' }
}

function credentialLine([kind, spoil]: NonNullable<Wish['credential']>): string {
  switch (kind) {
    case 'session':
      return `Cookie: maas_session=${spoil(session, attempt)}`
    case 'sign-in':
      return `Cookie: ${attemptName}=${spoil(attempt, session)}`
    case 'sign-up':
      return `Cookie: maas_sign_up=${spoil(attempt, session)}`
    case 'flash':
      return `Cookie: maas_flash=${spoil(attempt, session)}; maas_session=${session}`
    case 'bearer':
      return `Authorization: Bearer ${spoil(bearer, session)}`
    default:
      return `Authorization: Basic ${spoil(bearer, session)}`
  }
}

/** The problem with a response, if any. */
function fault({ status, head, body }: Reply): string | undefined {
  if (status === 0) return 'no answer'
  if (status >= 500) return `${status}`
  if (/\r\nx-injected/i.test(head)) return 'a header was injected'
  if (body.includes(LIVE) && /\r\ncontent-type: text\/html/i.test(head)) return 'live HTML came back'
  if (body.includes('node_modules/') || body.includes('at file://')) return 'a stack came back'
  return undefined
}

async function heap(): Promise<number> {
  const before = statSync(heapFile, { throwIfNoEntry: false })?.size ?? 0
  portal.child.kill('SIGWINCH')
  for (let look = 0; look < 600; look++) {
    await sleep(100)
    if ((statSync(heapFile, { throwIfNoEntry: false })?.size ?? 0) > before) break
  }
  return Number(readFileSync(heapFile, 'utf8').trim().split('\n').at(-1))
}

t.test('hostile requests cause no 5xx, no crash, no injected header, no active HTML and no leak', async (t) => {
  const faults: string[] = []
  const statuses = new Map<number, number>()
  const heaps: number[] = []
  let sent = 0

  async function sender(): Promise<void> {
    while (sent < total && faults.length < 20 && portal.child.exitCode === null) {
      const block = sent
      sent += IN_ROW + BROKEN
      const requests = fc.sample(submission, { numRuns: IN_ROW, seed: seed + block }).map(written)
      const replies = await pipeline(stack.port, requests)
      for (const [index, reply] of (await again(requests, replies)).entries()) {
        statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1)
        const found = fault(reply)
        if (found) faults.push(`${found}: ${requests[index]?.bytes.subarray(0, 1500).toString('latin1')}`)
      }
      await Promise.all(fc.sample(broken, { numRuns: BROKEN, seed: seed + block }).map(breakIn))
    }
  }

  /** A 3scale stand-in that gets no processor time on a busy machine correctly causes 503: only persistent ones count. */
  async function again(requests: ReturnType<typeof written>[], replies: Reply[]): Promise<Reply[]> {
    const answers: Reply[] = []
    for (const [index, first] of replies.entries()) {
      let reply = first
      const request = requests[index]
      for (let repeat = 0; request && reply.status === 503 && repeat < 5; repeat++) {
        await sleep(1000)
        reply = (await pipeline(stack.port, [request]))[0] ?? reply
      }
      answers.push(reply)
    }
    return answers
  }

  /** The connection may be closed without a response, but an internal error is a failure. */
  async function breakIn(bytes: Buffer): Promise<void> {
    const [reply] = await pipeline(stack.port, [
      {
        bytes: Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')]),
        bodiless: false,
      },
    ])
    if (reply && reply.status >= 500) faults.push(`${reply.status}: ${bytes.subarray(0, 500).toString('latin1')}`)
  }

  async function watchHeap(): Promise<void> {
    for (const part of [0.25, 0.5, 0.75]) {
      while (sent < total * part && faults.length < 20 && portal.child.exitCode === null) await sleep(100)
      heaps.push(await heap())
    }
  }

  const began = performance.now()
  await Promise.all([...Array.from({ length: AT_ONCE }, sender), watchHeap()])
  const lasted = (performance.now() - began) / 1000
  heaps.push(await heap())
  const metrics = await (await fetch(`${portal.metrics}/metrics`)).text()
  const seconds = /^process_cpu_seconds_total (\S+)/m.exec(metrics)?.[1]
  t.comment(`${Math.round(sent / lasted)} requests a second; the portal used ${seconds} s of a processor`)
  t.comment(
    `answers ${JSON.stringify(Object.fromEntries([...statuses].sort()))}, heap ${heaps.map((bytes) => Math.round(bytes / 1024 / 1024))} MB`,
  )
  t.same(faults, [], `FUZZ_SEED=${seed}`)
  t.equal(portal.child.exitCode, null, 'it runs')
  for (const status of [200, 303, 400, 401, 403, 404, 413, 415, 422])
    t.ok(statuses.has(status), `${status} was returned`)
  const [early = 0, ...later] = heaps
  t.ok(Math.min(...later) - early < GROWTH, `heap ${heaps}`)
  const complaints = readFileSync(output, 'utf8')
    .split('\n')
    .filter((line) => /"level":"(error|fatal)"|^(?!\{).*(Error|Warning)/.test(line))
  t.same(complaints.slice(0, 20), [], 'no unexpected log line')
})
