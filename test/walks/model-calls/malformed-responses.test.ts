import t from 'tap'
import { type ModelAnswer, sendsJson, sendsText, startModelServer } from '../../helper/model-server.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/** Responses of model servers with an unusual status or end are described to the user; none becomes an error of the portal. */
const stack = await startStack()
const server = await startModelServer()
t.teardown(async () => {
  await stack.close()
  server.close()
})
for (const type of ['chat', 'custom']) await server.product(stack, type)
await stack.portal({ CATALOG_TTL: '3600' })
const mary = createVisitor(stack)
await mary.signIn('mary')
const applications: Record<string, string> = {}
for (const type of ['chat', 'custom']) {
  server.answers(sendsJson({ data: [{ id: 'org/odd' }] }))
  const created = await mary.submit(await mary.get(`/applications/new?model=odd-${type}`), /^\/applications$/)
  applications[type] = new URL(created.url).pathname.split('/').pop() ?? ''
}
const chat = { application: applications.chat ?? '', kind: 'chat', prompt: 'hello', turns: '[]' }
const call = { operation: 'post-predict', type: 'application/json', application: applications.custom ?? '', body: '{}' }

/** A rejection whose body never ends. */
const goesOn: ModelAnswer = (response) => {
  response.writeHead(503, { 'content-type': 'text/plain', 'retry-after': '7' }).write('busy')
  const timer = setInterval(() => response.write('.'), 500)
  response.once('close', () => clearInterval(timer))
}
const breaksOff: ModelAnswer = (response) => {
  response.writeHead(503, { 'content-length': '1000' }).write('busy')
  setTimeout(() => response.destroy(), 200)
}

t.test('non-standard status codes are returned as 502 or shown on the page', async (t) => {
  for (const status of [204, 304, 600, 799, 999]) {
    server.answers(sendsText(status < 400 ? '' : 'odd', 'text/plain', status))
    const stream = await mary.post('/playground/stream', chat)
    t.equal(stream.status, 502, `stream: ${status}`)
    t.match(stream.text, /"message"/)
    t.equal((await mary.post('/playground', chat)).status, 200, `playground: ${status}`)
    t.equal((await mary.post('/models/odd-custom/reference', call)).status, 200, `try it: ${status}`)
    t.equal((await mary.post(`/applications/${applications.chat}/test`, {})).status, 200, `test it: ${status}`)
  }
})

t.test('an incomplete rejection releases the concurrent call', async (t) => {
  for (const [answer, retryAfter] of [
    [goesOn, 7],
    [breaksOff, null],
  ] as const) {
    server.answers(answer)
    const refused = await Promise.all(Array.from({ length: 6 }, () => mary.post('/playground/stream', chat)))
    for (const { status, text } of refused) {
      t.equal(status, 503)
      t.equal((JSON.parse(text) as { retry_after: number | null }).retry_after, retryAfter)
    }
  }
  server.answers(sendsText('data: [DONE]\n\n', 'text/event-stream'))
  t.match((await mary.post('/playground/stream', chat)).text, /event: finish/)
})
