import { setImmediate as others } from 'node:timers/promises'
import Fastify from 'fastify'
import t from 'tap'
import type { Caller } from '../../../src/web/auth/caller.js'
import { rateLimits } from '../../../src/web/limits/rate-limits.js'

const MANY = 100_000
const limits = { api: MANY, signIn: MANY, visits: MANY, calls: MANY, reveals: MANY, writes: MANY, pages: MANY }

t.test('concurrent reports of one account are limited across its members', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.decorateRequest('caller', undefined)
  app.addHook('onRequest', async (request) => {
    const [username = '', accountId] = String(request.headers.from).split(' ')
    request.caller = { username, accountId: Number(accountId) } as Caller
  })
  const { hook } = await rateLimits(app, { ...limits, reports: MANY, prefix: 'test' })
  hook(app)
  const running: Record<number, number> = {}
  let [mostOfOne, mostOfAll] = [0, 0]
  app.get('/report', { config: { limit: 'reports' } }, async ({ caller }) => {
    const account = caller?.accountId ?? 0
    running[account] = (running[account] ?? 0) + 1
    mostOfOne = Math.max(mostOfOne, running[account])
    mostOfAll = Math.max(
      mostOfAll,
      Object.values(running).reduce((sum, one) => sum + one),
    )
    for (let turn = 0; turn < 5; turn++) await others()
    running[account]--
    if (caller?.username === 'p0') throw new Error('a failed report gives its place back')
    return 'done'
  })
  const ask = (person: number, account: number) =>
    app.inject({ url: '/report', headers: { from: `p${person} ${account}` } })

  const answers = await Promise.all(
    [1, 2].flatMap((account) => Array.from({ length: 40 }, (_, index) => ask(10 * account + (index % 10), account))),
  )
  t.same([...new Set(answers.map(({ statusCode }) => statusCode))], [200])
  t.equal(mostOfOne, 4)
  t.equal(mostOfAll, 8, 'another account has a separate limit')

  const flood = await Promise.all(Array.from({ length: 100 }, (_, index) => ask(100 + index, 3)))
  t.same(
    [200, 429].map((status) => flood.filter(({ statusCode }) => statusCode === status).length),
    [44, 56],
    'excess requests are rejected',
  )
  for (let turn = 0; turn < 10; turn++) t.equal((await ask(0, 4)).statusCode, 500)
  t.equal((await ask(1, 4)).statusCode, 200)
  t.equal((await ask(100, 3)).statusCode, 200)
})
