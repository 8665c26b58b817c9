import t from 'tap'
import { createApi } from '../helper/api.js'
import { timed } from '../helper/faults.js'
import { startStack } from '../helper/stack.js'
import { createVisitor } from '../helper/visitor.js'

const stack = await startStack(['threescale', 'identity'])
t.teardown(() => stack.close())
const api = createApi(stack)

t.test('finding out who asks is part of the time that one waits for 3scale', async (t) => {
  const first = await stack.portal()
  await createVisitor(stack).signIn('mary')
  const token = await api.token({ username: 'mary' })
  await first.stop()
  // this one does not know her yet
  await stack.portal()
  await fetch(`${stack.url}/models`)
  await stack.faults([
    { match: 'GET *', latency_ms: 1200 },
    { match: 'POST *', hang: true },
  ])
  const body = { model: 'llama-chat', name: 'late', fields: { purpose: 'Experiment' } }
  const [answer, ms] = await timed(() => api.post('/applications', token, body))
  t.equal(answer.status, 503, answer.text)
  t.ok(ms <= 3000, `503 within 3 s, as the contract says: ${Math.round(ms)} ms`)
  await stack.faults([])
  t.notOk((await stack.state()).applications.some(({ name }) => name === body.name))
})
