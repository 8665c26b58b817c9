import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { streamedIn } from '../../helper/playground-events.js'
import { startStack } from '../../helper/stack.js'
import { codeOf, createVisitor } from '../../helper/visitor.js'

/** A model server that echoes each request to its caller, as debugging proxies and some error pages do. */
const server = createServer(async (request, response) => {
  const announced = JSON.stringify({ url: request.url, headers: request.headers })
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { stream = false, messages = [] } = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Body
  const key = secrets.find((secret) => announced.includes(secret)) ?? 'none'
  response.setHeader('x-request-id', key)
  if (messages.at(-1)?.content === 'break') return void response.writeHead(500).end(announced)
  if (/models$/.test(request.url?.split('?')[0] ?? '')) {
    response.setHeader('content-type', 'application/json')
    return void response.end(JSON.stringify({ object: 'list', heard: announced, data: [{ id: key }] }))
  }
  if (!stream) {
    response.setHeader('content-type', 'application/json')
    return void response.end(JSON.stringify({ choices: [{ message: { content: announced } }] }))
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: `${announced} ` } }] })}\n\n`
  const middle = event.indexOf(key) + 5
  response.write(event.slice(0, middle))
  await sleep(50)
  response.write(event.slice(middle))
  for (let at = 0; at < announced.length; at += 3) {
    const delta = { content: announced.slice(at, at + 3) }
    response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`)
  }
  response.end('data: [DONE]\n\n')
})
interface Body {
  stream?: boolean
  messages?: { content: string }[]
}
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const stack = await startStack()
t.teardown(async () => {
  await stack.close()
  server.closeAllConnections()
  server.close()
})
const modes = [
  { system_name: 'echo-bearer', version: '1', location: 'authorization' },
  { system_name: 'echo-header', version: '1', location: 'headers' },
  { system_name: 'echo-query', version: '1', location: 'query' },
  { system_name: 'echo-basic', version: '2', location: 'authorization' },
  { system_name: 'echo-pair', version: '2', location: 'query' },
]
for (const mode of modes) {
  const product = { ...mode, name: mode.system_name, description: '', type: 'chat', proxy: { api_backend: upstream } }
  const answer = await fetch(`${stack.threescale}/_demo/products?count=1`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(product),
  })
  if (!answer.ok) throw new Error(await answer.text())
}
await stack.portal({ CATALOG_TTL: '3600' })
const mary = createVisitor(stack)
await mary.signIn('mary')
let secrets: string[] = []

for (const { system_name } of modes) {
  t.test(`${system_name}: a key that the model server echoes does not reach the browser`, async (t) => {
    const created = await mary.submit(await mary.get(`/applications/new?model=${system_name}`), /^\/applications$/)
    const application = new URL(created.url).pathname.split('/').pop() ?? ''
    const { applications } = await stack.state()
    const record = applications.find(({ id }) => id === Number(application))
    const keys = [record?.user_key ?? '', ...(record?.keys ?? []).map(({ value }) => value)].filter(Boolean)
    const pairs = keys.map((key) => Buffer.from(`${record?.application_id}:${key}`).toString('base64'))
    secrets = [...keys, ...pairs]
    const without = (text: string, what: string, hidden = true) => {
      for (const secret of secrets) t.notOk(text.includes(secret), `${what}: the credential is absent`)
      if (hidden) t.match(text, '•••', `${what}: the credential is redacted`)
    }
    const say = { application, prompt: 'hello', turns: '[]' }

    const streamed = await mary.post('/playground/stream', say)
    without(streamed.text, 'stream')
    const said = streamedIn(streamed.text).text
    without(said, 'what the events say together')
    t.match(said, /user-agent|"host"/, 'the rest of the response is unchanged')
    t.equal(said.match(/"url":/g)?.length, 2)

    const page = await mary.post('/playground', { ...say, kind: 'chat' })
    without(page.text, 'page without scripts')
    const code = await mary.submit(page, /^\/playground$/, { prompt: '' }, '/playground/code')
    without(codeOf(code.text, 'curl'), 'the conversation as code', false)
    t.match(codeOf(code.text, 'curl'), 'hello')
    const answered = await mary.submit(page, /^\/playground$/, { prompt: 'and now' }, '/playground/code')
    without(codeOf(answered.text, 'curl'), 'with what was answered')
    without((await mary.post('/playground', { ...say, kind: 'chat', prompt: 'break' })).text, 'a failure', false)

    const tested = await mary.submit(await mary.get(`/applications/${application}`), /\/test$/)
    without(tested.text, 'test it')
    const reference = await mary.post(`/models/${system_name}/reference`, { operation: 'get-v1-models', application })
    t.match(reference.text, /200 OK after/)
    t.match(reference.text, 'x-request-id: •••')
    without(reference.text, 'try it')
    const learned = await fetch(`${stack.url}/api/v1/models/${system_name}`)
    without(await learned.text(), 'the id that it gave itself', false)
  })
}
