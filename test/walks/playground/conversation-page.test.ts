import type { BrowserContextOptions, Page } from 'playwright-core'
import t from 'tap'
import { follow, launchBrowser, signInAs, violations } from '../../helper/browser.js'
import { scriptAnswers } from '../../helper/scripted-answers.js'
import { startStack } from '../../helper/stack.js'

const stack = await startStack()
await stack.portal({ CATALOG_TTL: '3600' })
const browser = await launchBrowser()
t.teardown(async () => {
  await browser.close()
  await stack.close()
})

/** Mary's applications, one for each model. */
const applications: Record<string, string> = {}
const wide = { viewport: { width: 1280, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'] }

/** A playground page whose answers come from the test. */
async function open(models: string[], options: BrowserContextOptions = wide) {
  const context = await browser.newContext(options)
  const page = await signInAs(context, stack.url, 'mary')
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  for (const model of models) {
    if (applications[model]) continue
    await page.goto(`${stack.url}/applications/new?model=${model}`)
    await page.click('main button[type=submit]')
    await page.waitForURL(/\/applications\/\d+$/)
    applications[model] = new URL(page.url()).pathname.split('/').pop() ?? ''
  }
  const answers = await scriptAnswers(page)
  const [first = '', second = ''] = models.map((model) => applications[model])
  await page.goto(`${stack.url}/playground?application=${first}&compare=${second}`)
  return { context, page, answers, problems }
}

async function ask(page: Page, words: string) {
  await page.waitForSelector('[data-playground=ready]')
  await page.fill('#prompt', words)
  await page.keyboard.press('Enter')
}
const ready = (page: Page) => page.waitForSelector('[data-send]:not([hidden])')
const last = (page: Page, part: string) => page.locator(`[data-turns] [data-answer] [data-${part}]`).last()
const turnsOf = async (page: Page) =>
  JSON.parse(await page.inputValue('[name=turns]')) as { prompt: string; answers: string[] }[]

t.test('reasoning is collapsed, and is neither sent back nor copied', async (t) => {
  const { context, page, answers, problems } = await open(['granite-chat'])
  await ask(page, 'What is 2 + 2?')
  await answers.opens(0)
  await answers.sends(0, { data: { reasoning: 'Two and ' } }, { data: { reasoning: 'two\u2028make four.' } })
  const summary = page.locator('[data-reasoning] summary').first()
  await summary.waitFor()
  t.equal(await summary.textContent(), 'Reasoning…', 'until the answer starts')
  t.equal(await page.textContent('[data-status]'), 'The model is reasoning.')
  t.notOk(await last(page, 'reasoning-text').isVisible(), 'collapsed')

  await answers.sends(
    0,
    { data: { text: '4' } },
    { data: { text: '.' } },
    { event: 'usage', data: { prompt_tokens: 12, completion_tokens: 30, reasoning_tokens: 20 } },
    { event: 'finish', data: { reason: 'stop', message: '' } },
  )
  await answers.closes(0)
  await ready(page)
  t.equal(await last(page, 'text').textContent(), '4.')
  t.equal(await summary.textContent(), 'Reasoning')
  t.match(await last(page, 'meta').textContent(), /^First token after [\d,]+ ms · .*12 in, 30 out \(20 reasoning\)$/)
  t.equal(await page.textContent('[data-status]'), '')

  await summary.focus()
  await page.keyboard.press('Enter')
  t.ok(await last(page, 'reasoning-text').isVisible(), 'opened by keyboard')
  t.equal(await last(page, 'reasoning-text').textContent(), 'Two and two\u2028make four.')
  t.same(await violations(page), [])
  await page.locator('[data-turns] [data-copy-answer]').last().click()
  await page.locator('[data-turns] [data-copy-answer]:has-text("Copied")').waitFor()
  t.equal(await page.evaluate(() => navigator.clipboard.readText()), '4.')

  await ask(page, 'And 3 + 3?')
  await answers.opens(1)
  const [, second] = await answers.sent()
  t.same(JSON.parse(second?.turns ?? ''), [{ prompt: 'What is 2 + 2?', answers: ['4.'] }])
  t.equal(second?.max_tokens, '', 'an empty field')
  t.same(problems, [])
  await context.close()
})

t.test('text that turns out to be reasoning moves to the reasoning, and is not sent back', async (t) => {
  const { context, page, answers, problems } = await open(['granite-chat'])
  await ask(page, 'What is 2 + 2?')
  await answers.opens(0)
  await answers.sends(0, { data: { text: 'Two and ' } }, { data: { text: 'two.' } })
  await page.waitForFunction(() => document.querySelector('[data-turns] [data-text]')?.textContent === 'Two and two.')
  await answers.sends(
    0,
    { event: 'reclassify', data: {} },
    { data: { text: '4.' } },
    { event: 'finish', data: { reason: 'stop', message: '' } },
  )
  await answers.closes(0)
  await ready(page)
  t.equal(await last(page, 'text').textContent(), '4.')
  t.equal(await last(page, 'reasoning-text').textContent(), 'Two and two.')
  t.ok(await page.locator('[data-turns] [data-reasoning] summary').last().isVisible())
  t.same((await turnsOf(page))[0]?.answers, ['4.'])
  t.same(problems, [])
  await context.close()
})

t.test('an answer without text states the reason, and the next message does not repeat the exchange', async (t) => {
  const { context, page, answers } = await open(['granite-chat'])
  const ends = [
    { events: [], words: 'The model returned no text.' },
    {
      events: [{ event: 'finish', data: { reason: 'content_filter', message: 'No answer: content_filter.' } }],
      words: 'No answer: content_filter.',
    },
    {
      events: [
        { data: { reasoning: 'Still thinking' } },
        { event: 'finish', data: { reason: 'length', message: 'Only reasoning: the limit was reached.' } },
      ],
      words: 'Only reasoning: the limit was reached.',
    },
  ]
  for (const [call, { events, words }] of ends.entries()) {
    await page.fill('#prompt', '')
    await ask(page, `question ${call}`)
    await answers.opens(call)
    await answers.sends(call, ...events)
    await answers.closes(call)
    await ready(page)
    t.equal((await last(page, 'remarks').textContent())?.trim(), words)
    t.equal(await last(page, 'text').textContent(), '')
    t.notMatch(await last(page, 'meta').textContent(), /First token after 0/)
    t.notOk(await last(page, 'copy-answer').isVisible(), 'nothing to copy')
    t.equal(await page.inputValue('#prompt'), `question ${call}`, 'the message can be sent again')
  }
  t.match(await last(page, 'meta').textContent(), /First token after [\d,]+ ms/, 'reasoning has a first token')
  await ask(page, 'an answer at last')
  await answers.opens(3)
  t.equal((await answers.sent())[3]?.turns, '[]')
  await answers.sends(
    3,
    { data: { text: 'cut' } },
    { event: 'finish', data: { reason: 'length', message: 'Cut off.' } },
  )
  await answers.closes(3)
  await ready(page)
  t.equal((await last(page, 'remarks').textContent())?.trim(), 'Cut off.', 'also with text')
  t.same(await turnsOf(page), [{ prompt: 'an answer at last', answers: ['cut'] }])
  await context.close()
})

t.test('a slow model shows the time waited, and announces the state once', async (t) => {
  const { context, page, answers } = await open(['granite-chat'])
  await page.evaluate(() => {
    const status = document.querySelector('[data-status]') as HTMLElement
    const announced: string[] = []
    new MutationObserver(() => announced.push(status.textContent ?? '')).observe(status, { childList: true })
    Object.assign(globalThis, { heard: announced })
  })
  const announced = () => page.evaluate('globalThis.heard') as Promise<string[]>
  await ask(page, 'hello')
  t.equal(await last(page, 'meta').textContent(), 'Waiting for the first token')
  await answers.opens(0)
  const progress = (seconds: number) => ({ event: 'progress', data: { seconds, message: 'Waiting for the server.' } })
  await answers.sends(0, progress(5), progress(10))
  await page.waitForFunction(() => /10 s/.test(document.querySelector('[data-turns] [data-meta]')?.textContent ?? ''))
  t.equal(await last(page, 'meta').textContent(), 'Waiting for the server. (10 s)')
  await answers.sends(0, { event: 'notice', data: { message: 'Sent again without stream_options.' } })
  await answers.sends(0, { data: { text: 'Hello' } }, progress(15))
  await answers.closes(0)
  await ready(page)
  t.match(await last(page, 'meta').textContent(), /First token after [\d,]+ ms/, 'a late report changes nothing')
  t.equal((await last(page, 'remarks').textContent())?.trim(), 'Sent again without stream_options.')
  t.same(await announced(), ['Waiting for the server.', ''])
  await context.close()
})

t.test('a failure is shown below the partial answer, and the exchange is not repeated', async (t) => {
  const { context, page, answers, problems } = await open(['granite-chat'])
  const words = 'The model server failed. The model server says: “out of memory”'
  await ask(page, 'first')
  await answers.opens(0)
  await answers.sends(
    0,
    { data: { text: 'It was' } },
    { event: 'failure', data: { message: words } },
    { data: { text: 'never' } },
  )
  await ready(page)
  t.equal(await last(page, 'text').textContent(), 'It was')
  t.equal(await last(page, 'failure').textContent(), words)
  t.equal(await last(page, 'meta').textContent(), 'Not included in your next message')
  t.equal(await page.inputValue('#prompt'), 'first')
  t.same(await violations(page), [])

  const refusals = [
    {
      status: 429,
      type: 'application/json',
      text: '{"message":"The model is busy. (429)"}',
      shown: 'The model is busy. (429)',
    },
    {
      status: 502,
      type: 'text/html',
      text: '<h1>Bad gateway</h1>',
      shown: 'The portal returned an error (502). Try again in a minute.',
    },
    {
      status: 413,
      type: 'text/html',
      text: 'x',
      shown: 'This conversation is too long. Start a new conversation.',
    },
    {
      status: 500,
      type: 'application/json',
      text: '{}',
      shown: 'The portal returned an error (500). Try again in a minute.',
    },
  ]
  for (const [at, { status, type, text, shown }] of refusals.entries()) {
    await ask(page, 'again')
    await answers.opens(at + 1, { status, type })
    await answers.pushes(at + 1, text)
    await answers.closes(at + 1)
    await ready(page)
    t.equal(await last(page, 'failure').textContent(), shown)
  }
  await ask(page, 'unreachable')
  await answers.wasSent(5)
  await answers.breaksOff(5)
  await ready(page)
  t.match(await last(page, 'failure').textContent(), /cannot be reached/)
  await ask(page, 'half')
  await answers.opens(6)
  await answers.sends(6, { data: { text: 'Half' } })
  await answers.pushes(6, 'data: {"te')
  await page.waitForFunction(() => document.querySelector('[data-turns] .turn:last-child [data-text]')?.textContent)
  await answers.breaksOff(6)
  await ready(page)
  t.match(await last(page, 'failure').textContent(), /connection to the portal was interrupted/)
  t.equal(await last(page, 'text').textContent(), 'Half')
  t.same(await turnsOf(page), [])
  t.same(problems, [])
  await context.close()
})

t.test('a stopped answer is sent back as shown, and a failed compared answer is left out', async (t) => {
  const { context, page, answers } = await open(['granite-chat', 'llama-chat'])
  await ask(page, 'go on')
  await answers.opens(0)
  await answers.opens(1)
  await answers.sends(0, { data: { reasoning: 'hm' } }, { data: { text: 'Once upon' } })
  await answers.sends(1, { event: 'failure', data: { message: 'Overloaded.' } })
  await page.waitForFunction(() => document.querySelector('[data-turns] [data-text]')?.textContent === 'Once upon')
  await page.click('[data-stop]')
  await ready(page)
  t.match(await page.locator('[data-turns] [data-meta]').first().textContent(), /stopped$/)
  t.equal(await page.inputValue('#prompt'), '', 'one model has answered')
  t.same(await turnsOf(page), [{ prompt: 'go on', answers: ['Once upon', ''] }])
  await follow(page, 'text=Show as code')
  await page.waitForSelector('#code')
  t.match(await page.locator('[data-turns] [data-text]').first().textContent(), 'Once upon')
  t.equal(await page.locator('[data-turns] [data-failure]:visible').textContent(), 'No answer')
  t.same(await turnsOf(page), [{ prompt: 'go on', answers: ['Once upon', ''] }], 'also on a server-rendered page')

  await ask(page, 'stop immediately')
  await answers.opens(0)
  await page.click('[data-stop]')
  await ready(page)
  t.equal(await last(page, 'meta').textContent(), 'Stopped before the first token')
  t.equal(await page.inputValue('#prompt'), 'stop immediately')
  t.equal((await turnsOf(page)).length, 1)
  await context.close()
})

t.test('a conversation follows its answer to the end, unless the reader has scrolled up', async (t) => {
  const { context, page, answers } = await open(['granite-chat'])
  const gap = () => page.locator('[data-turns]').evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight)
  const isLong = (lines: number) =>
    page.waitForFunction(
      (count) =>
        (document.querySelector('[data-turns] .turn:last-of-type [data-text]')?.textContent ?? '').split('\n').length >
        count,
      lines,
    )
  const part = { data: { text: 'A line of a long answer.\n'.repeat(60) } }
  await ask(page, 'a long message\n'.repeat(40))
  await answers.opens(0)
  for (let each = 1; each <= 4; each++) {
    await answers.sends(0, part)
    await isLong(each * 60)
    t.ok((await gap()) < 48, `${await gap()} px below`)
  }
  await page.locator('[data-turns]').evaluate((log) => {
    log.scrollTop = 0
  })
  await page.waitForTimeout(200)
  await answers.sends(0, part)
  await isLong(300)
  t.equal(await page.locator('[data-turns]').evaluate((log) => log.scrollTop), 0)
  await page.click('[data-stop]')
  await ready(page)
  await context.close()
})

t.test('after the session has ended, the page leads to sign-in and keeps the message', async (t) => {
  const context = await browser.newContext(wide)
  const page = await signInAs(context, stack.url, 'mary')
  await page.goto(`${stack.url}/playground?application=${applications['granite-chat']}`)
  await ask(page, 'first')
  await ready(page)
  await context.clearCookies()
  await ask(page, 'a long message that took an hour to write')
  await ready(page)
  t.match(await last(page, 'failure').textContent(), /session has ended/)
  t.equal(await page.inputValue('#prompt'), 'a long message that took an hour to write')
  const opened = context.waitForEvent('page')
  await page.locator('[data-turns] [data-failure] a').last().click()
  const signIn = await opened
  await signIn.fill('[name=username]', 'mary')
  await signIn.fill('[name=password]', 'demo')
  await signIn.click('button[type=submit]')
  await signIn.waitForURL(/\/playground\?application=/)
  await page.bringToFront()
  await page.click('[data-send]')
  await ready(page)
  t.same(await page.locator('[data-turns] .turn:last-child [data-failure]:visible').allTextContents(), [])
  await context.close()
})

t.test('a phone shows a long name of an application without horizontal scrolling', async (t) => {
  const { context, page } = await open(['granite-chat'], { ...wide, viewport: { width: 360, height: 740 } })
  await page.goto(`${stack.url}/applications/${applications['granite-chat']}`)
  const name = await page.inputValue('#name')
  const rename = async (to: string) => {
    await page.goto(`${stack.url}/applications/${applications['granite-chat']}`)
    await page.fill('#name', to)
    await page.click('form:has(#name) button')
    await page.waitForSelector('.notice')
  }
  await rename('an application with a name '.padEnd(120, 'x'))
  await page.goto(`${stack.url}/playground?application=${applications['granite-chat']}`)
  t.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360)
  const { x = -1, width = 360 } = (await page.locator('.page-head a').boundingBox()) ?? {}
  t.ok(x >= 0 && x + width <= 360, `${x} to ${x + width}`)
  await rename(name)
  await context.close()
})

t.test('a phone shows every part of an answer without horizontal scrolling', async (t) => {
  const { context, page, answers } = await open(['granite-chat'], { ...wide, viewport: { width: 360, height: 740 } })
  const long = 'https://models.example.com/'.padEnd(400, 'x')
  await ask(page, long)
  await answers.opens(0)
  await answers.sends(
    0,
    { data: { reasoning: long } },
    { data: { text: long } },
    { event: 'notice', data: { message: long } },
    { event: 'failure', data: { message: long } },
  )
  await ready(page)
  await page.locator('[data-turns] [data-reasoning] summary').click()
  t.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360)
  t.same(await violations(page), [])
  await context.close()
})

t.test('Markdown is formatted without links, images and HTML, and can be shown as it was sent', async (t) => {
  const { context, page, answers, problems } = await open(['granite-chat'])
  const text = [
    '# Plan',
    '',
    '- **bold** and `code`',
    '- [a link](https://example.org/?q=secret) ![an image](https://example.org/i.png) <b>html</b>',
    '',
    '```python',
    'print("<script>")',
    '```',
  ].join('\n')
  await ask(page, 'Format this')
  await answers.opens(0)
  await answers.sends(0, { data: { text } }, { event: 'finish', data: { reason: 'stop', message: '' } })
  await answers.closes(0)
  await ready(page)
  const formatted = last(page, 'formatted')
  await formatted.waitFor()
  t.notOk(await last(page, 'text').isVisible())
  t.equal(await formatted.locator('a, img, b, script, h1').count(), 0)
  t.match(await formatted.textContent(), '[a link](https://example.org/?q=secret)')
  t.match(await formatted.textContent(), '<b>html</b>')
  t.equal(await formatted.locator('li strong').textContent(), 'bold')
  t.equal(await formatted.locator('pre code').textContent(), 'print("<script>")\n')
  t.same(await violations(page), [])
  await last(page, 'source').click()
  t.equal(await last(page, 'text').textContent(), text)
  t.ok(await last(page, 'text').isVisible())
  t.notOk(await formatted.isVisible())
  await last(page, 'source').click()
  t.ok(await formatted.isVisible())
  await last(page, 'copy-answer').click()
  await page.locator('[data-turns] [data-copy-answer]:has-text("Copied")').waitFor()
  t.equal(await page.evaluate(() => navigator.clipboard.readText()), text, 'what is copied is what was sent')
  t.same(problems, [])
  await context.close()
})

t.test('an answer can be generated again, and replaces the previous one', async (t) => {
  const { context, page, answers, problems } = await open(['granite-chat'])
  t.notOk(await page.isVisible('[data-regenerate]'), 'nothing to repeat yet')
  for (const [index, text] of ['One.', 'Two.'].entries()) {
    if (index === 0) await ask(page, 'Say a number')
    else await page.click('[data-regenerate]')
    await answers.opens(index)
    await answers.sends(index, { data: { text } }, { event: 'finish', data: { reason: 'stop', message: '' } })
    await answers.closes(index)
    await ready(page)
  }
  t.same(await turnsOf(page), [{ prompt: 'Say a number', answers: ['Two.'] }])
  t.equal(await page.locator('[data-turns] .turn').count(), 1)
  const [first, second] = await answers.sent()
  t.same([second?.prompt, second?.turns], [first?.prompt, first?.turns], 'without the previous answer')
  t.same(problems, [])
  await context.close()
})

t.test('a conversation survives a reload of its tab, until it is restarted or the user signs out', async (t) => {
  const { context, page, answers, problems } = await open(['granite-chat'])
  await ask(page, 'Remember this')
  await answers.opens(0)
  await answers.sends(0, { data: { text: 'I **will**.' } }, { event: 'finish', data: { reason: 'stop', message: '' } })
  await answers.closes(0)
  await ready(page)
  const turns = [{ prompt: 'Remember this', answers: ['I **will**.'] }]
  t.same(await turnsOf(page), turns)
  await page.reload()
  await page.waitForSelector('[data-playground=ready]')
  t.same(await turnsOf(page), turns)
  t.equal(await page.textContent('[data-turns] [data-prompt]'), 'Remember this')
  await last(page, 'formatted').locator('strong').waitFor()
  t.ok(await page.isVisible('[data-regenerate]'))
  const other = await context.newPage()
  await other.goto(page.url())
  await other.waitForSelector('[data-playground=ready]')
  t.same(await turnsOf(other), [], 'not in another tab')
  await other.close()
  await page.evaluate(() => {
    for (const [name, value] of Object.entries(sessionStorage))
      sessionStorage.setItem(name.replace('Mary Shelley', 'Another User'), value)
    for (const name of Object.keys(sessionStorage)) if (name.includes('Mary Shelley')) sessionStorage.removeItem(name)
  })
  await page.reload()
  await page.waitForSelector('[data-playground=ready]')
  t.same(await turnsOf(page), [], 'not for another user')

  await ask(page, 'Remember this, too')
  await answers.opens(0)
  await answers.sends(0, { data: { text: 'Yes.' } }, { event: 'finish', data: { reason: 'stop', message: '' } })
  await answers.closes(0)
  await ready(page)
  await follow(page, '[data-restart]')
  await page.waitForSelector('[data-playground=ready]')
  t.same(await turnsOf(page), [])
  await page.evaluate(() =>
    sessionStorage.setItem('conversation:1:', JSON.stringify([{ prompt: 'a', answers: ['b'] }])),
  )
  await page.click('.user-menu summary')
  await follow(page, '.user-panel button')
  await page.waitForFunction(() => Object.keys(sessionStorage).every((name) => !name.startsWith('conversation:')))
  t.same(problems, [])
  await context.close()
})
