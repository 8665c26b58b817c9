import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { createApi } from '../helper/api.js'
import { formFor, keeping, signedInUser, underLoad, until } from '../helper/faults.js'
import { type RunningPortal, startRedis, startStack } from '../helper/stack.js'
import { residentMb } from './processes/resources.js'
import { type Row, within } from './table.js'
import { withoutLimits } from './users/population.js'

/** A hundredth of the outage. */
const shareOf = (seconds: number) => Math.max(1, seconds / 100)

/** 3scale hangs, then is gone, for so long altogether, under four portals that are read and written to all the time. */
export async function soak({ seconds }: { seconds: number }): Promise<Row[]> {
  const redis = await startRedis()
  const stack = await startStack(['identity'])
  try {
    await stack.part('threescale', keeping(stack))
    const ttl = shareOf(seconds)
    const settings = { REDIS_URL: redis.url, CATALOG_TTL: String(ttl), PORTAL_CONFIG: withoutLimits() }
    const portals: RunningPortal[] = []
    for (const offset of [0, 50, 51, 52])
      portals.push(await stack.portal({ ...settings, PORT: String(stack.port + offset) }))
    const [first] = portals as [RunningPortal]
    const { mary, token, cookie } = await signedInUser(stack)
    const api = createApi(stack)
    const form = await formFor(mary, 'mistral-chat')
    const body = { model: 'llama-chat', name: 'soak', fields: { purpose: 'Experiment' } }
    const write: Record<'page' | 'api', () => Promise<{ status: number }>> = {
      page: () => mary.post('/applications', form),
      api: () => api.post('/applications', token, body, { 'idempotency-key': 'soak' }),
    }
    const paths = ['/models', '/models?q=chat', '/models/granite-chat', '/api/v1/models?limit=100']
    const before = residentMb(first.child.pid)

    const loads = portals.map(({ url }) => underLoad(url, paths, { cookie }))
    // how long a portal's very first pages take is no matter of an outage
    await sleep(3000)
    stack.parts.threescale?.child.kill('SIGSTOP')
    const began = performance.now()
    const since = () => (performance.now() - began) / 1000
    const taken: number[] = []
    const statuses = new Map<string, number>()
    let age = 0
    let killed = false
    while (since() < seconds) {
      if (!killed && since() > seconds / 2) {
        killed = true
        await stack.parts.threescale?.stop('SIGKILL')
      }
      for (const [way, send] of Object.entries(write)) {
        const [{ status }, ms] = await timed(send)
        taken.push(ms)
        statuses.set(`${status} by ${way}`, (statuses.get(`${status} by ${way}`) ?? 0) + 1)
      }
      age = Number((await api.get('/models')).headers.get('age') ?? 0)
      await sleep(1000)
    }
    await stack.part('threescale', keeping(stack))
    const young = async ({ url }: RunningPortal) =>
      ((await (await fetch(`${url}/api/v1/models`)).json()) as { stale?: boolean }).stale !== true
    const noticed = await until('all are young', async () => (await Promise.all(portals.map(young))).every(Boolean), 60)
    const reads = (await stack.calls())['GET /admin/api/services.json'] ?? 0
    await Promise.all(loads.map((load) => load.stop()))
    await until('the form goes through', async () => (await write.page()).status === 303)
    await until('the call too', async () => (await write.api()).status === 201)
    const created = (await stack.state()).applications.filter(({ name }) => name === body.name || name === form.name)

    const counts = loads.flatMap((load) => [...load.counts])
    const all = counts.reduce((sum, [, count]) => sum + count, 0)
    const good = counts.reduce((sum, [kind, count]) => sum + (kind.startsWith('200 ') ? count : 0), 0)
    const sorted = [...taken].sort((a, b) => a - b)
    const at = (share: number) =>
      Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
    const refused = [...statuses.keys()].every((kind) => kind.startsWith('503 '))
    return [
      {
        what: `${Math.round(seconds)} s without 3scale, ${Math.round(seconds / ttl)} x CATALOG_TTL`,
        value: `${good} of ${all} catalogue reads succeeded, the last copy ${Math.round(age)} s old`,
        ...(good === all ? {} : { note: JSON.stringify(counts.filter(([kind]) => !kind.startsWith('200 '))) }),
        goal: 'all',
        met: good === all,
      },
      {
        what: 'writes meanwhile',
        value: `${[...statuses].map(([kind, count]) => `${count} x ${kind}`).join(', ')}; p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`,
        goal: '503 within 3000 ms',
        met: refused && at(1) <= 3000,
        number: at(1),
      },
      within('applications made by all these writes', created.length, 2, 'of two forms'),
      within('recovery known to all four after', Math.round(noticed * 10) / 10, 10, 's'),
      within('reads of the catalogue by then', reads, Math.ceil(noticed / (ttl * 0.6)) + 1, 'by four'),
      { what: 'resident memory before and after', value: `${before} and ${residentMb(first.child.pid)} MB` },
    ]
  } finally {
    await stack.close()
    await redis.stop()
  }
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const began = performance.now()
  const result = await work()
  return [result, performance.now() - began]
}
