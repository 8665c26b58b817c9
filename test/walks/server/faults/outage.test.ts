import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createApi } from '../../../helper/api.js'
import { formFor, keeping, readiness, signedInUser, until } from '../../../helper/faults.js'
import { type RunningPortal, startRedis, startStack } from '../../../helper/stack.js'

/** 3scale is down for a hundred times CATALOG_TTL. Four portals share the last catalogue that any of them read. */
const TTL = 1
const OUTAGE_S = 100 * TTL
const REFRESHES_A_SECOND = 1 / (TTL * 0.6)

// The waits take minutes, and longer on a busy machine.
t.setTimeout(600_000)
const redis = await startRedis()
const stack = await startStack(['identity'])
await stack.part('threescale', keeping(stack))
const settings = { REDIS_URL: redis.url, CATALOG_TTL: String(TTL) }
const places = [0, 50, 51, 52].map((offset) => String(stack.port + offset))
const portals: RunningPortal[] = []
for (const PORT of places) portals.push(await stack.portal({ ...settings, PORT }))
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})
const first = () => portals[0] as RunningPortal
const { mary, token, cookie } = await signedInUser(stack)

async function restart(...indexes: number[]): Promise<void> {
  await Promise.all(indexes.map((index) => portals[index]?.stop()))
  await Promise.all(
    indexes.map(async (index) => {
      portals[index] = await stack.portal({ ...settings, PORT: places[index] ?? '' })
    }),
  )
}

const ageOf = (page: string) => /Showing data from (\d+) (seconds|minutes) ago/.exec(page)

t.test(
  'during an outage of a hundred times CATALOG_TTL, reads are served from the cache and writes fail with an error',
  async (t) => {
    const form = await formFor(mary, 'mistral-chat')
    const body = { model: 'llama-chat', name: 'long outage by API', fields: { purpose: 'Experiment' } }
    const again = { 'idempotency-key': 'long-outage' }
    const post = {
      page: () => mary.at(first().url)('/applications', { method: 'POST', body: new URLSearchParams(form) }),
      api: () => createApi(stack, first().url).post('/applications', token, body, again),
    }
    const expected = (await (await fetch(`${first().url}/api/v1/models?limit=100`)).json()) as { items: object[] }
    t.ok(expected.items.length > 10)

    await stack.parts.threescale?.stop('SIGKILL')
    const began = Date.now()
    const since = () => (Date.now() - began) / 1000
    const old = async ({ url }: RunningPortal) => ageOf(await (await fetch(`${url}/models`)).text()) !== null
    await until('all tell its age', async () => (await Promise.all(portals.map(old))).every(Boolean))

    const answers = { good: 0, bad: [] as string[], ages: [] as number[] }
    const read = async (at: RunningPortal) => {
      for (const path of ['/models', '/models?q=chat', '/models/granite-chat', '/models/compare?model=granite-chat']) {
        const answer = await fetch(at.url + path, path === '/models' ? {} : { headers: { cookie } })
        const html = await answer.text()
        const reported = path.includes('compare') || ageOf(html) !== null
        if (answer.status === 200 && reported) answers.good++
        else
          answers.bad.push(
            `${Math.round(since())} s: ${answer.status} ${path}, ${reported ? 'with' : 'without'} its age`,
          )
      }
      for (const path of ['/models?limit=100', '/models/granite-chat', '/models/granite-chat/snippets?client=curl']) {
        const answer = await createApi(stack, at.url).get<{ items?: object[]; stale?: boolean }>(path)
        if (answer.status === 200) answers.good++
        else answers.bad.push(`${Math.round(since())} s: ${answer.status} /api/v1${path}`)
        if (!path.includes('limit')) continue
        if (answer.body.stale !== true || answer.body.items?.length !== expected.items.length)
          answers.bad.push(`${Math.round(since())} s: ${answer.text.slice(-40)}`)
        answers.ages.push(Number(answer.headers.get('age')))
      }
    }

    let restarts = 0
    while (since() < OUTAGE_S) {
      await Promise.all(portals.map(read))
      if (restarts === 0 && since() > OUTAGE_S * 0.3) {
        restarts++
        await restart(1)
        t.equal((await fetch(`${portals[1]?.url}/account`, { headers: { cookie }, redirect: 'manual' })).status, 200)
      }
      if (restarts === 1 && since() > OUTAGE_S * 0.6) {
        restarts++
        await restart(0, 1, 2, 3)
      }
      for (const [way, send] of Object.entries(post)) {
        const answer = await send()
        t.equal(answer.status, 503, `a write by ${way} after ${Math.round(since())} s`)
      }
      await sleep(1000)
    }
    t.equal(restarts, 2)
    t.same(answers.bad, [])
    t.ok(answers.good > 100, `${answers.good} reads succeeded`)
    t.ok(Math.max(...answers.ages) >= OUTAGE_S * 0.9, `the cached catalogue was ${Math.max(...answers.ages)} s old`)
    t.equal((await readiness(first())).status, 'degraded')

    // Calls to 3scale are counted from its start.
    const back = performance.now()
    await stack.part('threescale', keeping(stack))
    const young = async ({ url }: RunningPortal) =>
      ((await (await fetch(`${url}/api/v1/models`)).json()) as { stale?: boolean }).stale !== true
    await until('all are young again', async () => (await Promise.all(portals.map(young))).every(Boolean))
    const calls = await stack.calls()
    const seconds = (performance.now() - back) / 1000
    const reads = calls['GET /admin/api/services.json'] ?? 0
    // Portals without a shared cache would read four times as often. A Redis that is slow once causes one more read.
    const most = Math.ceil(seconds * REFRESHES_A_SECOND) * 2 + 1
    t.ok(
      reads >= 1 && reads <= most,
      `${reads} reads of the catalogue by four portals in ${seconds.toFixed(1)} s, at most ${most}`,
    )
    const { at_once } = (await (await fetch(`${stack.threescale}/_demo/concurrency`)).json()) as { at_once: number }
    t.ok(at_once <= 12, `${at_once} concurrent calls; four portals without a shared cache would send 24 or more`)

    await until('the form goes through', async () => (await post.page()).status === 303)
    await until('the call too', async () => (await post.api()).status === 201)
    t.equal((await post.page()).status, 303, 'repeated')
    t.equal((await post.api()).status, 201, 'repeated')
    const created = (await stack.state()).applications.map(({ name }) => name)
    t.equal(created.filter((name) => name === body.name).length, 1, 'created once')
    t.equal(created.filter((name) => name === form.name).length, 1, 'created once')
  },
)
