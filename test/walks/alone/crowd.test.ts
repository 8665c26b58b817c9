import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createCase } from '../../bench/scale/creates.js'
import { createApi } from '../../helper/api.js'
import { readiness } from '../../helper/faults.js'
import { rounds } from '../../helper/rounds.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor, formsOf } from '../../helper/visitor.js'

/**
 * Many new users at once, with a 3scale that has two web workers. The compared durations are measured by the 3scale mock: how
 * long its workers were busy, and how long the whole run took.
 */
t.setTimeout(900_000)
const WORKERS = 2
const MOST = 1.3
const stack = await startStack(['threescale', 'identity'])
const config = join(t.testdir(), 'portal.yaml')
writeFileSync(config, 'rate_limits: { sign_in: 10000, writes: 10000, api: 100000, pages: 100000, visits: 100000 }\n')
const portal = await stack.portal({ PORTAL_CONFIG: config })
t.teardown(() => stack.close())
const api = createApi(stack)
const answers = { 'account.department': 'Research', 'user.job_title': 'Scientist' }
let people = 0

await fetch(`${stack.url}/models`)
await stack.behave({ web_workers: WORKERS, sign_up_ms: 400, write_ms: 150, default_plan_ms: 0 })

const workedMs = async () =>
  ((await (await fetch(`${stack.threescale}/_demo/workers`)).json()) as { busy_ms: number }).busy_ms

/** Signs in, submits the sign-up form, and creates one application. The first error response ends it. */
async function newcomer(name: string): Promise<string> {
  const visitor = createVisitor(stack)
  const login = await visitor.get('/login?return_to=/applications/new?model=granite-chat')
  let page = await visitor.submit(login, /interaction/, { username: name, password: 'demo' })
  if (page.url.endsWith('/sign-up')) page = await visitor.submit(page, /sign-up/, answers)
  if (page.status !== 200) return `sign-in: ${page.status} ${page.url}`
  const form = formsOf(page.text).find(({ action }) => action === '/applications')
  if (!form) return `no form at ${page.url}: ${page.text.slice(0, 200)}`
  const created = await visitor.submit(page, /^\/applications$/, { plan: 'basic', name: `of ${name}` })
  return created.status === 200 && /\/applications\/\d+$/.test(created.url)
    ? 'ok'
    : `application: ${created.status} ${created.url}`
}

// The time limit follows from the time that 3scale requires for each user.
for (const count of rounds(1) > 1 ? [10, 20, 40, 60, 200] : [20, 120]) {
  t.test(
    `${count} new users within ten seconds get no error and take hardly longer than 3scale requires`,
    async (t) => {
      const names = Array.from({ length: count }, () => `crowd-${people++}`)
      for (const username of names) await api.person({ username })
      const [before, began] = [await workedMs(), performance.now()]
      const withinMs = Math.min(10_000, count * 50)
      const ends = await Promise.all(
        names.map(async (name, at) => {
          await sleep((withinMs * at) / count)
          return newcomer(name)
        }),
      )
      const tookMs = performance.now() - began
      const neededMs = ((await workedMs()) - before) / WORKERS
      t.same(new Set(ends), new Set(['ok']))
      const share = tookMs / neededMs
      t.ok(
        share <= MOST,
        `${(tookMs / 1000).toFixed(1)} s for ${(neededMs / 1000).toFixed(1)} s of work: ${share.toFixed(2)}`,
      )
      const { applications } = await stack.state()
      for (const name of names)
        t.equal(applications.filter((one) => one.name === `of ${name}`).length, 1, `one application of ${name}`)
      t.same(
        (await readiness(portal)).breakers.filter(({ state }) => state !== 'closed'),
        [],
        'slow does not count as down',
      )
      const metrics = await (await fetch(`${portal.metrics}/metrics`)).text()
      const width = Number(/^maas_upstream_queue_width (\d+)$/m.exec(metrics)?.[1])
      t.ok(width <= 6, `few calls are in the queue of 3scale: ${width} at a time for ${WORKERS} workers`)
    },
  )
}

t.test(
  'on three replicas, new users who sign up with four default plans and create an application within ten seconds, some with a double click, get no error and no second application',
  async (t) => {
    const people = 12 * rounds(1)
    const { ends, doubled, openBreakers } = await createCase({ people, areNew: true, defaultPlans: 4 })
    t.same(
      ends,
      ends.map(() => 'ok'),
    )
    t.equal(doubled, 0)
    t.same(openBreakers, [])
  },
)
