import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import t from 'tap'
import { remainingMs } from '../../../src/infra/call-context.js'
import { requestDeadline } from '../../../src/web/server/request-deadline.js'
import { createApi } from '../../helper/api.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

const stack = await startStack(['threescale', 'identity'])
t.teardown(() => stack.close())
const api = createApi(stack)

t.test('authentication counts towards the deadline of calls to 3scale', async (t) => {
  const first = await stack.portal()
  await createVisitor(stack).signIn('mary')
  const token = await api.token({ username: 'mary' })
  await first.stop()
  // This replica has not cached her account yet.
  await stack.portal()
  await fetch(`${stack.url}/models`)
  await stack.faults([{ match: 'GET *', latency_ms: 1600 }])
  const answer = await api.get('/applications', token)
  t.equal(answer.status, 503, answer.text)
  await stack.faults([])
})

t.test('the deadline is removed after the response and after a disconnect', async (t) => {
  const app = Fastify()
  const left: number[][] = []
  requestDeadline(app)
  app.get('/', async (request, reply) => {
    const running = remainingMs()
    if (request.headers['x-stays']) reply.send('done')
    await once(reply.raw, 'close')
    left.push([running, remainingMs()])
    return reply
  })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  await (await fetch(address, { headers: { 'x-stays': 'yes' } })).text()
  await t.rejects(fetch(address, { signal: AbortSignal.timeout(200) }))
  while (left.length < 2) await sleep(10)
  for (const [running = 0, after] of left) {
    t.ok(running > 0 && running <= 2700, `${running}`)
    t.equal(after, Number.POSITIVE_INFINITY)
  }
})
