import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { projectRoot } from '../../../src/project-root.js'
import { follow, launchBrowser, signInAs } from '../../helper/browser.js'
import { heldMb } from '../../helper/heap.js'
import { streamedIn } from '../../helper/playground-events.js'
import { freePort, startStack } from '../../helper/stack.js'
import { codeOf, createVisitor, type Visitor } from '../../helper/visitor.js'

const stack = await startStack()
// More calls a minute than a person sends.
const folder = t.testdir({})
const settings = join(folder, 'portal.yaml')
const demo = readFileSync(join(projectRoot, 'deploy/demo-portal.yaml'), 'utf8')
writeFileSync(settings, `${demo}\nrate_limits: { calls: 1000000 }\n`)
const inspector = await freePort()
// The heap is measured through an inspector, which announces each connection.
await stack.portal(
  { CATALOG_TTL: '3600', PORTAL_CONFIG: settings, NODE_OPTIONS: `--inspect=127.0.0.1:${inspector}` },
  { output: join(folder, 'portal.log') },
)
t.teardown(() => stack.close())

const idOf = async (visitor: Visitor, model: string) => {
  const page = await visitor.submit(await visitor.get(`/applications/new?model=${model}`), /^\/applications$/)
  return new URL(page.url).pathname.split('/').pop() ?? ''
}
const say = (application: string, prompt: string, more: Record<string, string> = {}) => ({
  application,
  prompt,
  turns: '[]',
  ...more,
})

const mary = createVisitor(stack)
await mary.signIn('mary')
const granite = await idOf(mary, 'granite-chat')
const llama = await idOf(mary, 'llama-chat')
const keysOf = async () =>
  (await stack.state()).applications.flatMap(({ user_key, keys }) => [user_key, ...keys.map(({ value }) => value)])

t.test('an answer streams unbuffered with its token counts and without the key', async (t) => {
  await stack.resetCalls()
  const answer = await mary.post('/playground/stream', say(granite, 'good morning', { max_tokens: '64' }))
  t.equal(answer.status, 200)
  t.match(answer.headers.get('content-type'), 'text/event-stream')
  t.match(answer.headers.get('cache-control'), /no-store.*no-transform/)
  t.equal(answer.headers.get('x-accel-buffering'), 'no')
  t.equal(answer.headers.get('content-encoding'), null)
  const streamed = streamedIn(answer.text)
  t.match(streamed.text, /Hello! I am ibm-granite.*good morning/)
  t.match(streamed.usage, { prompt_tokens: Number, completion_tokens: Number, reasoning_tokens: null })
  t.same(streamed.finish, { reason: 'stop', message: '' })
  for (const key of await keysOf()) if (key) t.notOk(answer.text.includes(key))
  const calls = Object.values(await stack.calls()).reduce((sum, count) => sum + count, 0)
  t.ok(calls <= 2, `${calls} calls to 3scale`)
})

t.test('errors show a message with the status', async (t) => {
  const tiny = await idOf(mary, 'tiny-limited')
  for (let call = 0; call < 12; call++) await mary.post('/playground/stream', say(tiny, 'again'))
  const limited = await mary.post('/playground/stream', say(tiny, 'once more'))
  t.equal(limited.status, 429)
  const rejection = JSON.parse(limited.text) as { message: string; retry_after: number | null }
  t.match(rejection.message, /limit of your plan is exhausted.*\(429\)/)
  t.ok((rejection.retry_after ?? 0) > 0, 'with the time until the next retry')

  const falcon = await idOf(mary, 'two-plans-noselect')
  await stack.put(`/_demo/applications/${falcon}`, { state: 'suspended' })
  const refused = await mary.post('/playground/stream', say(falcon, 'hello'))
  t.equal(refused.status, 403)
  t.match(refused.text, 'rejected the credentials')

  const page = await mary.post('/playground', say(tiny, 'kept words', { kind: 'chat' }))
  t.match(page.text, 'limit of your plan is exhausted')
  const empty = await mary.post('/playground', say(granite, ' ', { kind: 'chat', system: 'be brief' }))
  t.equal(empty.status, 422)
  t.match(empty.text, 'Enter a message.')
  t.match(empty.text, 'be brief', 'the submitted values are preserved')
  t.match((await mary.post('/playground/stream', say(granite, 'x', { temperature: '9' }))).text, 'from 0 to 2')

  await stack.parts.gateway?.stop('SIGKILL')
  const down = await mary.post('/playground/stream', say(granite, 'anybody there'))
  t.equal(down.status, 502)
  t.match(down.text, 'could not be reached')
  await stack.part('gateway')
})

t.test('an application of another account is 404, and visitors are redirected to sign-in', async (t) => {
  const ada = createVisitor(stack)
  await ada.signIn('ada')
  for (const id of [granite, '999999', 'abc', '', '0']) {
    t.equal((await ada.post('/playground/stream', say(id, 'hello'))).status, 404, `stream ${id}`)
    t.equal((await ada.post('/playground', say(id, 'hello', { kind: 'chat' }))).status, 404, `page ${id}`)
  }
  t.equal((await ada.raw(`/playground?application=${granite}`)).status, 404)
  const visitor = createVisitor(stack)
  t.equal((await visitor.raw('/playground')).status, 303)
  t.equal((await visitor.post('/playground/stream', say(granite, 'hello'))).status, 303)
})

t.test('without scripts, the page runs a conversation with two models, embeddings and rerank', async (t) => {
  const start = await mary.get(`/playground?application=${granite}&compare=${llama}`)
  const first = await mary.submit(start, /^\/playground$/, { prompt: 'one <b>' })
  t.match(first.text, 'I am ibm-granite')
  t.match(first.text, 'I am meta-llama')
  t.match(first.text, 'one &lt;b&gt;')
  t.match(first.text, /tokens? in, \d+ out/)
  const second = await mary.submit(first, /^\/playground$/, { prompt: 'two' })
  t.match(second.text, 'one &lt;b&gt;', 'the conversation continues')
  t.match(second.text, 'said: two')

  const code = await mary.submit(second, /^\/playground$/, { prompt: '' }, '/playground/code')
  t.match(codeOf(code.text, 'curl'), 'said: one', 'one client at a time')
  t.equal(codeOf(code.text, 'js-openai'), '')
  const chosen = await mary.submit(code, /^\/playground$/, { prompt: '', as: 'js-openai' }, '/playground/code')
  const js = codeOf(chosen.text, 'js-openai')
  for (const words of ['one <b>', 'said: one', '"two"']) t.match(js, words, `as code: ${words}`)
  t.notMatch(js, 'max_tokens', 'an empty field')
  t.notMatch(js, 'meta-llama', 'the conversation of the first model')
  const again = await mary.submit(chosen, /^\/playground$/, { prompt: '' }, '/playground/code')
  t.match(codeOf(again.text, 'js-openai'), 'said: one', 'the client stays selected')
  const long = await mary.submit(second, /^\/playground$/, { prompt: 'x'.repeat(32_000) }, '/playground/code')
  t.match(long.text, /longer than 32,000 characters cannot be shown as code/)
  t.notMatch(long.text, 'data-client=')
  t.equal((await mary.submit(second, /^\/playground$/, { prompt: 'x'.repeat(32_001) }, '/playground/code')).status, 422)

  const nomic = await mary.get(`/playground?application=${await idOf(mary, 'nomic-embed')}`)
  const vectors = await mary.submit(nomic, /^\/playground$/, { input: 'same\nsame\nother' })
  t.match(vectors.text, 'Most similar: “same” and “same” (1.00)')
  t.match(vectors.text, '3 texts, 32 dimensions each')
  const rerank = (await stack.state()).services.find(({ system_name }) => /rerank/.test(system_name))
  const bge = await mary.get(`/playground?application=${await idOf(mary, rerank?.system_name ?? '')}`)
  const ranked = await mary.submit(bge, /^\/playground$/, { query: 'paris', documents: 'berlin\nparis' })
  t.match(ranked.text, /Ranked documents[\s\S]*ranking-text">paris/)
})

t.test('the browser streams, stops and compares answers, and sends the displayed conversation', async (t) => {
  const browser = await launchBrowser()
  t.teardown(() => browser.close())
  const context = await browser.newContext()
  const page = await signInAs(context, stack.url, 'mary')
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  await page.goto(`${stack.url}/playground?application=${granite}&compare=${llama}`)
  await page.waitForSelector('[data-playground=ready]')
  await page.fill('#prompt', 'hello you two')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.querySelectorAll('.message-meta').length === 2)
  await page.waitForSelector('[data-send]:not([hidden])')
  const answers = await page.locator('.message-text').allTextContents()
  t.match(answers[0], 'I am ibm-granite')
  t.match(answers[1], 'I am meta-llama')
  t.match(
    await page.locator('.message-meta').first().textContent(),
    /First token after [\d,]+ ms · .*tokens\/s · \d+ in, \d+ out/,
  )

  await follow(page, 'text=Show as code')
  await follow(page, '.code-tab:has-text("Python")')
  await follow(page, '.code-choice:has-text("LangChain")')
  await page.waitForSelector('code[data-client="langchain-python"]')
  t.match(await page.locator('.code-choice[aria-current]').textContent(), 'LangChain')
  t.match(await page.locator('code[data-client]').textContent(), 'hello you two')
  await follow(page, 'text=Start new conversation')
  await page.waitForSelector('[data-playground=ready]')
  await page.fill('#prompt', 'hello you two')
  await follow(page, 'text=Show as code')
  await page.waitForSelector('code[data-client="langchain-python"]')
  await page.waitForSelector('[data-playground=ready]')
  await page.click('[data-send]')
  await page.waitForSelector('[data-send]:not([hidden])')
  await page.waitForFunction(() => document.querySelectorAll('.message-meta').length === 2)

  await page.fill('#prompt', 'Count to 5000.')
  await page.click('[data-send]')
  await page.waitForFunction(() => (document.querySelectorAll('.message-text')[2]?.textContent ?? '').length > 5)
  await page.click('[data-stop]')
  await page.waitForSelector('[data-send]:not([hidden])')
  const stopped = (await page.locator('.message-meta').nth(2).textContent()) ?? ''
  t.match(stopped, 'stopped')
  const nodes = await page.evaluate(() => document.querySelectorAll('.message-text')[2]?.childNodes.length)
  t.equal(nodes, 1, 'a long answer is one text, not one for each chunk')
  const stored = JSON.parse(await page.inputValue('[name=turns]')) as { answers: string[] }[]
  t.equal(stored.length, 2)
  t.match(stored[0]?.answers[1], 'meta-llama')

  await page.goto(`${stack.url}/playground?application=${await idOf(mary, 'nomic-embed')}`)
  await page.click('text=Create embeddings')
  const color = (cell: string) =>
    page
      .locator(cell)
      .first()
      .evaluate((element) => getComputedStyle(element).backgroundColor)
  t.match(await page.locator('.panel strong').textContent(), /Most similar: “The sky.*“It is a sunny day/)
  t.not(await color('.matrix .shade-9'), await color('.matrix thead th'), 'similarity is also shown by color')
  await page.goto(`${stack.url}/playground?application=${await idOf(mary, 'bge-reranker')}`)
  await page.click('text=Rank documents')
  t.match(await page.locator('.ranking li').allTextContents(), [/Passports are renewed/, /photographs/, /library/])
  t.same(problems, [])
  for (const key of await keysOf()) if (key) t.notOk((await page.content()).includes(key))
})

t.test('with fifty simultaneous conversations, all are answered and memory does not grow', async (t) => {
  const people = await Promise.all(
    Array.from({ length: 10 }, async (_, index) => {
      const username = `talker${index}`
      await fetch(`http://127.0.0.1:${stack.port + 2}/_demo/people`, {
        method: 'POST',
        body: JSON.stringify({ username, email: `${username}@example.com`, email_verified: true, name: username }),
      })
      const visitor = createVisitor(stack)
      await visitor.signIn(username)
      return { visitor, application: await idOf(visitor, 'mistral-chat') }
    }),
  )
  let answered = 0
  const others: string[] = []
  const talk = async ({ visitor, application }: (typeof people)[number], times: number) => {
    for (let time = 0, repeats = 0; time < times; time++) {
      const answer = await visitor.post('/playground/stream', say(application, 'tell me something '.repeat(10)))
      if (answer.status === 200 && answer.text.includes('event: finish')) answered++
      else if (
        answer.status === 503 &&
        /safe to send the request again|try again in a moment/i.test(answer.text) &&
        repeats++ < 60
      ) {
        // A machine that is busy with other tests slows 3scale down: the message then asks to send the request again.
        time--
        await sleep(500)
      } else others.push(`${answer.status} ${answer.text.slice(0, 500)}`)
    }
  }
  const current: number[] = []
  for (const times of [6, 6, 12]) {
    await Promise.all(people.flatMap((person) => Array.from({ length: 5 }, () => talk(person, times))))
    current.push(await heldMb(inspector))
  }
  t.same(others, [], `${answered} conversations were answered, none failed`)
  t.equal(answered, 50 * 24)
  const [, early = 0, late = 0] = current
  t.ok(late < early + 5, `MB in use after 300, 600 and 1,200 conversations: ${current.map((mb) => mb.toFixed(1))}`)
})
