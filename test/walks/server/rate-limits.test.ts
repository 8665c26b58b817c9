import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { projectRoot } from '../../../src/project-root.js'
import { portBeside, startRedis, startStack } from '../../helper/stack.js'
import { type Answer, createVisitor, decode } from '../../helper/visitor.js'

const redis = await startRedis()
const stack = await startStack()
const settings = (limits: string) => {
  const file = join(t.testdir({}), `${limits.replace(/\W+/g, '-')}.yaml`)
  writeFileSync(file, `${readFileSync(join(projectRoot, 'deploy/demo-portal.yaml'), 'utf8')}\nrate_limits: ${limits}\n`)
  return { PORTAL_CONFIG: file, REDIS_URL: redis.url }
}
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})

/** Repeats until a request is refused: the counts are reset each minute. */
async function refused(send: () => Promise<Answer>, most: number): Promise<Answer> {
  for (let sent = 0; sent < most * 3; sent++) {
    const answer = await send()
    if (answer.status === 429) return answer
  }
  throw new Error('never refused')
}
function waits(
  t: Pick<typeof import('tap').t, 'ok' | 'match'>,
  answer: Answer,
  words = /Too many requests in the last minute\. Try again in \d+ seconds?|Try again in a second/,
) {
  const wait = Number(answer.headers.get('retry-after'))
  t.ok(wait > 0 && wait <= 60, `Retry-After ${wait}`)
  t.match(answer.text, words)
}

t.test('each limit per user refuses further requests, with the submitted text in the page', async (t) => {
  const portal = await stack.portal(settings('{ calls: 4, reveals: 2, writes: 5 }'))
  t.teardown(() => portal.stop())
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const form = await mary.get('/applications/new?model=granite-chat')
  const created = await mary.submit(form, /^\/applications$/)
  const path = new URL(created.url).pathname
  const application = path.split('/').pop() ?? ''

  const say = { application, prompt: 'kept words', turns: '[]', kind: 'chat' }
  const page = await refused(() => mary.post('/playground', say), 4)
  waits(t, page)
  t.match(page.text, 'kept words')
  const code = await refused(() => mary.post('/playground/code', say), 4)
  waits(t, code)
  t.match(code.text, 'kept words')
  const stream = await refused(() => mary.post('/playground/stream', say), 4)
  t.match(JSON.parse(stream.text), { message: /Try again in .*\(429\)/, retry_after: Number })
  waits(t, stream)
  const call = { operation: 'post-v1-chat-completions', application, body: '{"kept":"words"}' }
  const tried = await refused(() => mary.post('/models/granite-chat/reference', call), 4)
  waits(t, tried)
  t.match(decode(tried.text), '{"kept":"words"}')
  waits(t, await refused(() => mary.post(`${path}/test`, {}), 4))

  waits(t, await refused(() => mary.post(`${path}/reveal`, {}), 2))
  const renamed = await refused(() => mary.post(path, { name: 'A kept name', description: '"x"' }), 5)
  waits(t, renamed)
  t.match(renamed.text, /name="name" value="A kept name"/)
  t.match(renamed.text, /Your input was not lost/)
  t.equal((await mary.raw(path)).status, 200, 'reading remains possible')

  const other = createVisitor(stack)
  await other.signIn('admin')
  t.equal((await other.post('/playground', say)).status, 404, 'another user is counted separately')
})

t.test('an address has a limit that replicas share, and without Redis each replica counts by itself', async (t) => {
  const ports = [2, 3].map((offset) => String(Number(portBeside(stack)) + offset))
  const both = settings('{ calls: 2, sign_in: 1000 }')
  const replicas = await Promise.all(ports.map((PORT) => stack.portal({ ...both, PORT })))
  t.teardown(() => Promise.all(replicas.map((each) => each.stop())))
  const first = await stack.portal(settings('{ sign_in: 1000 }'))
  const people = ['mary', 'ada', 'admin', 'linus'].map(() => createVisitor(stack))
  for (const [index, person] of people.entries()) await person.signIn(['mary', 'ada', 'admin', 'linus'][index] ?? '')
  await first.stop()
  const post = (person: (typeof people)[number], replica: number) =>
    person.at(replicas[replica]?.url ?? '')('/playground/stream', {
      method: 'POST',
      body: new URLSearchParams({ application: '1', prompt: 'x', turns: '[]' }),
    })
  const [mary, ada] = people
  if (!mary || !ada) throw new Error('two people')
  // The other replica receives the counts within a moment. A new minute resets them.
  let announced = 0
  for (let attempt = 0; attempt < 60 && announced !== 429; attempt++) {
    await refused(() => post(mary, 0), 2)
    await sleep(150)
    await post(mary, 1)
    announced = (await post(mary, 1)).status
  }
  t.equal(announced, 429, 'counts of one replica apply to the other')
  // The limit allows ten calls of the address, regardless of the user.
  let requested = 0
  const address = await refused(() => post(people[requested++ % people.length] ?? ada, 0), 12)
  waits(t, address)
  redis.freeze()
  const frozen = await refused(() => post(ada, 1), 12)
  redis.thaw()
  waits(t, frozen)
})

t.test('sign-in beyond the limit of a user or an address returns a page that states when to try again', async (t) => {
  const portal = await stack.portal(settings('{ sign_in: 50 }'))
  t.teardown(() => portal.stop())
  let person: Answer | undefined
  for (let sent = 0; sent < 25 && person?.status !== 429; sent++) person = await createVisitor(stack).signIn('linus')
  t.equal(person?.status, 429)
  t.match(person?.text, 'Too many sign-ins')
  if (person) waits(t, person)
  const address = await refused(() => createVisitor(stack).raw('/login'), 50)
  waits(t, address)
  t.match(address.text, 'href="/login">Try again')
})

t.test('with TRUST_PROXY=true, forged X-Forwarded-For addresses do not bypass the limit', async (t) => {
  const portal = await stack.portal({ ...settings('{ sign_in: 8 }'), TRUST_PROXY: 'true' })
  t.teardown(() => portal.stop())
  let created = 0
  const ask = (address = `10.0.${created >> 8}.${created++ & 255}`) =>
    createVisitor(stack).raw('/login', { headers: { 'x-forwarded-for': address } })
  for (let sent = 0; sent < 8; sent++) t.equal((await ask()).status, 303, 'an office behind a proxy')
  waits(t, await refused(() => ask(), 45))
  waits(t, await refused(() => ask('x'.repeat(3000 + created++)), 45))
})
