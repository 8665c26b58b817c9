import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { projectRoot } from '../../src/root.js'
import { launchBrowser, signInAs } from '../helper/browser.js'
import { streamedIn } from '../helper/playground-events.js'
import { startStack } from '../helper/stack.js'
import { codeOf, createVisitor, type Visitor } from '../helper/visitor.js'

const stack = await startStack()
// more calls a minute than any person makes
const settings = join(t.testdir({}), 'portal.yaml')
const demo = readFileSync(join(projectRoot, 'deploy/demo-portal.yaml'), 'utf8')
writeFileSync(settings, `${demo}\nrate_limits: { calls: 1000000 }\n`)
const portal = await stack.portal({
  CATALOG_TTL: '3600',
  PORTAL_CONFIG: settings,
  // a small heap is collected often, so what stays in it is what is held
  NODE_OPTIONS: '--max-old-space-size=128',
})
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

t.test('a message streams back with its token counts, unbuffered, and no key is in it', async (t) => {
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
  t.same(streamed.finish, { reason: 'stop', words: '' })
  for (const key of await keysOf()) if (key) t.notOk(answer.text.includes(key))
  const calls = Object.values(await stack.calls()).reduce((sum, count) => sum + count, 0)
  t.ok(calls <= 2, `${calls} calls to 3scale`)
})

t.test('what goes wrong is said in words, with the status', async (t) => {
  const tiny = await idOf(mary, 'tiny-limited')
  for (let call = 0; call < 12; call++) await mary.post('/playground/stream', say(tiny, 'again'))
  const limited = await mary.post('/playground/stream', say(tiny, 'once more'))
  t.equal(limited.status, 429)
  const told = JSON.parse(limited.text) as { words: string; retry_after: number | null }
  t.match(told.words, /limit of the plan is used up.*\(429\)/)
  t.ok((told.retry_after ?? 0) > 0, 'and when to try again')

  const falcon = await idOf(mary, 'two-plans-noselect')
  await stack.put(`/_demo/applications/${falcon}`, { state: 'suspended' })
  const refused = await mary.post('/playground/stream', say(falcon, 'hello'))
  t.equal(refused.status, 403)
  t.match(refused.text, 'rejected the credential')

  const page = await mary.post('/playground', say(tiny, 'kept words', { kind: 'chat' }))
  t.match(page.text, 'limit of the plan is used up')
  const empty = await mary.post('/playground', say(granite, ' ', { kind: 'chat', system: 'be brief' }))
  t.equal(empty.status, 422)
  t.match(empty.text, 'Write something to send.')
  t.match(empty.text, 'be brief', 'what was typed is kept')
  t.match((await mary.post('/playground/stream', say(granite, 'x', { temperature: '9' }))).text, 'from 0 to 2')

  await stack.parts.gateway?.stop('SIGKILL')
  const down = await mary.post('/playground/stream', say(granite, 'anybody there'))
  t.equal(down.status, 502)
  t.match(down.text, 'could not be reached')
  await stack.part('gateway')
})

t.test("another account's application, or none, is 404; visitors are led to sign in", async (t) => {
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

t.test('without scripts: a conversation of two models, embeddings and rerank on the page', async (t) => {
  const start = await mary.get(`/playground?application=${granite}&compare=${llama}`)
  const first = await mary.submit(start, /^\/playground$/, { prompt: 'one <b>' })
  t.match(first.text, 'I am ibm-granite')
  t.match(first.text, 'I am meta-llama')
  t.match(first.text, 'one &lt;b&gt;')
  t.match(first.text, /tokens in, \d+ out/)
  const second = await mary.submit(first, /^\/playground$/, { prompt: 'two' })
  t.match(second.text, 'one &lt;b&gt;', 'the conversation goes on')
  t.match(second.text, 'said: two')

  const code = await mary.submit(second, /^\/playground$/, { prompt: '' }, '/playground/code')
  t.match(codeOf(code.text, 'curl'), 'said: one', 'one client at a time')
  t.equal(codeOf(code.text, 'js-openai'), '')
  const chosen = await mary.submit(code, /^\/playground$/, { prompt: '', as: 'js-openai' }, '/playground/code')
  const js = codeOf(chosen.text, 'js-openai')
  for (const words of ['one <b>', 'said: one', '"two"']) t.match(js, words, `as code: ${words}`)
  t.notMatch(js, 'max_tokens', 'a field that was not filled in')
  t.notMatch(js, 'meta-llama', 'the conversation of the first model')
  const again = await mary.submit(chosen, /^\/playground$/, { prompt: '' }, '/playground/code')
  t.match(codeOf(again.text, 'js-openai'), 'said: one', 'the client stays chosen')
  const long = await mary.submit(second, /^\/playground$/, { prompt: 'x'.repeat(32_000) }, '/playground/code')
  t.match(long.text, /too long to be shown as code: it has more than 32,000 characters/)
  t.notMatch(long.text, 'data-client=')
  t.equal((await mary.submit(second, /^\/playground$/, { prompt: 'x'.repeat(32_001) }, '/playground/code')).status, 422)

  const nomic = await mary.get(`/playground?application=${await idOf(mary, 'nomic-embed')}`)
  const vectors = await mary.submit(nomic, /^\/playground$/, { input: 'same\nsame\nother' })
  t.match(vectors.text, 'Closest: “same” and “same” (1.00)')
  t.match(vectors.text, '3 texts, 32 numbers each')
  const rerank = (await stack.state()).services.find(({ system_name }) => /rerank/.test(system_name))
  const bge = await mary.get(`/playground?application=${await idOf(mary, rerank?.system_name ?? '')}`)
  const ranked = await mary.submit(bge, /^\/playground$/, { query: 'paris', documents: 'berlin\nparis' })
  t.match(ranked.text, /Most relevant first[\s\S]*ranking-text">paris/)
})

t.test('in the browser: streaming, stop, compare, keyboard, and the conversation as sent', async (t) => {
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
  await page.waitForFunction(() => document.querySelectorAll('.said-meta').length === 2)
  await page.waitForSelector('[data-send]:not([hidden])')
  const answers = await page.locator('.said-text').allTextContents()
  t.match(answers[0], 'I am ibm-granite')
  t.match(answers[1], 'I am meta-llama')
  t.match(
    await page.locator('.said-meta').first().textContent(),
    /First token after \d+ ms · .*tokens\/s · \d+ in, \d+ out/,
  )

  await page.click('text=As code')
  await page.click('.code-choice:has-text("LangChain") >> nth=0')
  await page.waitForSelector('code[data-client="langchain-python"]')
  t.match(await page.locator('.code-choice[aria-current]').textContent(), 'LangChain')
  t.match(await page.locator('code[data-client]').textContent(), 'hello you two')
  await page.goto(`${stack.url}/playground?application=${granite}&compare=${llama}`)
  await page.waitForSelector('[data-playground=ready]')
  await page.fill('#prompt', 'hello you two')
  await page.click('text=As code')
  await page.waitForSelector('code[data-client="langchain-python"]')
  await page.waitForSelector('[data-playground=ready]')
  await page.click('[data-send]')
  await page.waitForSelector('[data-send]:not([hidden])')
  await page.waitForFunction(() => document.querySelectorAll('.said-meta').length === 2)

  await page.fill('#prompt', `a long one ${'word '.repeat(2000)}`)
  await page.click('[data-send]')
  await page.waitForFunction(() => (document.querySelectorAll('.said-text')[2]?.textContent ?? '').length > 5)
  await page.click('[data-stop]')
  await page.waitForSelector('[data-send]:not([hidden])')
  const stopped = (await page.locator('.said-meta').nth(2).textContent()) ?? ''
  t.match(stopped, 'stopped')
  const kept = JSON.parse(await page.inputValue('[name=turns]')) as { answers: string[] }[]
  t.equal(kept.length, 2)
  t.match(kept[0]?.answers[1], 'meta-llama')

  await page.goto(`${stack.url}/playground?application=${await idOf(mary, 'nomic-embed')}`)
  await page.click('text=Turn into vectors')
  const color = (cell: string) =>
    page
      .locator(cell)
      .first()
      .evaluate((element) => getComputedStyle(element).backgroundColor)
  t.match(await page.locator('.panel strong').textContent(), /Closest: “The sky.*“It is a sunny day/)
  t.not(await color('.matrix .shade-9'), await color('.matrix thead th'), 'what is alike is seen as well as read')
  await page.goto(`${stack.url}/playground?application=${await idOf(mary, 'bge-reranker')}`)
  await page.click('text=Sort by relevance')
  t.match(await page.locator('.ranking li').allTextContents(), [/Passports are renewed/, /photographs/, /library/])
  t.same(problems, [])
  for (const key of await keysOf()) if (key) t.notOk((await page.content()).includes(key))
})

t.test('fifty conversations at once for a minute: all are answered and memory does not grow', async (t) => {
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
  const until = Date.now() + 60_000
  let answered = 0
  const others: string[] = []
  const talk = async ({ visitor, application }: (typeof people)[number]) => {
    while (Date.now() < until) {
      const answer = await visitor.post('/playground/stream', say(application, 'tell me something '.repeat(10)))
      if (answer.status === 200 && answer.text.includes('event: finish')) answered++
      else others.push(`${answer.status} ${answer.text.slice(0, 500)}`)
    }
  }
  const heap = async () => {
    const text = await (await fetch(`${portal.metrics}/metrics`)).text()
    return Number(/^nodejs_heap_size_used_bytes (\S+)$/m.exec(text)?.[1]) / 1e6
  }
  /** the least of many looks: what is left after the collector ran */
  const floor = async (seconds: number) => {
    const looks: number[] = []
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(250)) looks.push(await heap())
    return Math.min(...looks)
  }
  const all = Promise.all(people.flatMap((person) => Array.from({ length: 5 }, () => talk(person))))
  await sleep(8000)
  const early = await floor(22)
  await sleep(5000)
  const late = await floor(22)
  await all
  t.same(others, [], `${answered} conversations were answered, none refused or broken`)
  t.ok(answered >= 50, `${answered} answers`)
  t.ok(late < early * 1.25 + 8, `${early.toFixed(1)} MB of heap early, ${late.toFixed(1)} MB late`)
})
