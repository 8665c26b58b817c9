import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { portBeside, startRedis, startStack } from '../../helper/stack.js'
import { codeOf, createVisitor, formsOf, leavesFor } from '../../helper/visitor.js'
import { reportAccountChange } from '../../helper/webhook.js'

const redis = await startRedis()
const stack = await startStack()
const portal = await stack.portal({ REDIS_URL: redis.url, CATALOG_TTL: '3600' })
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})

const newApplication = (model: string) => `/applications/new?model=${model}`
const ofUser = async (username: RegExp) => {
  const state = await stack.state()
  const account = state.users.find((user) => username.test(user.username))?.account_id
  return state.applications.filter((application) => application.account_id === account)
}

/** Waits until no more calls are made: limits of plans are read after the first page. */
async function quiet(): Promise<void> {
  for (let before = ''; ; ) {
    await sleep(300)
    const now = JSON.stringify(await stack.calls())
    if (now === before) return
    before = now
  }
}

t.test('a new person signs up, creates an application, and the code of the page runs', async (t) => {
  const ada = createVisitor(stack)
  await ada.get('/models')
  await quiet()
  await stack.resetCalls()
  t.equal((await ada.get('/models')).status, 200)
  t.equal((await ada.get('/models/granite-chat')).status, 200)
  t.same(await stack.calls(), {}, 'a warm catalogue makes no call')

  const form = await ada.signIn('ada', newApplication('granite-chat'))
  t.equal(form.status, 200)
  t.match(form.url, newApplication('granite-chat'), 'sign-in returns to the page')
  const after = await stack.state()
  const account = after.accounts.find(({ org_name }) => org_name === 'Analytical Engines')
  t.equal(account?.state, 'approved')
  t.equal(account?.fields.department, 'Research')
  const user = after.users.find(({ account_id }) => account_id === account?.id)
  t.match(user?.username, /^sso-[a-z2-7]{32}$/)
  t.equal(user?.fields.terms_version, '2026-01', 'the accepted terms are stored')

  await stack.resetCalls()
  const posted = formsOf(form.text).find(({ action }) => action === '/applications')
  const answer = await ada.post('/applications', posted?.values ?? {})
  t.equal(answer.status, 303)
  const creating = await stack.calls()
  t.equal(creating['POST /admin/api/accounts/{id}/applications.json'], 1, 'one write')
  t.ok(
    Object.entries(creating)
      .filter(([call]) => call.startsWith('GET'))
      .reduce((sum, [, n]) => sum + n, 0) <= 3,
    `at most three reads: ${JSON.stringify(creating)}`,
  )

  await stack.resetCalls()
  const page = await ada.get(answer.location ?? '')
  t.equal(page.status, 200)
  t.ok(Object.values(await stack.calls()).reduce((sum, n) => sum + n, 0) <= 2, 'the next page: at most two')
  t.notMatch(page.text, /maas_\d{6}/, 'no key until requested')
  t.match(page.text, 'ibm-granite/granite-3.3-8b-instruct')
  t.match(form.text, 'Unlimited (49.90 a month)')
  for (const text of [form.text, page.text]) t.match(text, '1,000 calls a day', 'the limits of the plan')
  const id = answer.location?.split('/').at(-1)
  for (const href of [`/applications/${id}/usage`, `/playground?application=${id}`]) {
    t.match(page.text, `href="${href}"`, 'links to the next step')
    t.equal((await ada.get(href)).status, 200, href)
  }

  const shown = await ada.submit(page, /\/reveal$/)
  const code = codeOf(shown.text, 'curl')
  t.match(code, /^export MAAS_API_KEY='maas_\d{6}/)
  const run = spawnSync('env', ['-i', `PATH=${process.env.PATH}`, 'bash', '-c', code], { encoding: 'utf8' })
  t.equal(run.status, 0, run.stderr + run.stdout)
  t.match(run.stdout, 'I am ibm-granite/granite-3.3-8b-instruct')

  const tested = await ada.submit(page, /\/test$/)
  t.match(tested.text, 'The model responded.')
})

t.test('a repeated sign-in costs one call to 3scale', async (t) => {
  const ada = createVisitor(stack)
  await stack.resetCalls()
  const home = await ada.signIn('ada', '/models')
  t.equal(home.status, 200)
  t.match(home.text, 'Ada Lovelace')
  t.same(await stack.calls(), { 'GET /admin/api/accounts/find.xml': 1 })
})

t.test('every product of the catalogue has working code, including discovered ids', async (t) => {
  const ada = createVisitor(stack)
  const list = await ada.signIn('ada', '/models')
  const models = [...list.text.matchAll(/href="\/models\/([^"]+)"/g)].map(([, name = '']) => name)
  const names = [...new Set(models)]
  t.equal(names.length, 17, names.join(' '))
  t.notOk(names.includes('hidden-plan') || names.includes('never-promoted') || names.includes('restricted-research'))
  for (const name of names) {
    const page = await ada.submit(
      await ada.get(newApplication(name)),
      /^\/applications$/,
      name === 'granite-chat' ? { plan: 'basic' } : {},
    )
    t.equal(page.status, 200, name)
    if (name === 'phi-approval') {
      t.match(page.text, 'Pending approval')
      continue
    }
    if (name === 'codestral-443') {
      t.match(
        codeOf(page.text, 'curl'),
        /apps\.cluster\.example(:443)?\/v1\/chat\/completions/,
        'its gateway has another address',
      )
      continue
    }
    if (name === 'oidc-chat') await sleep(1200)
    const shown = await ada.submit(page, /\/reveal$/)
    const code = codeOf(shown.text, 'curl')
    await stack.settled()
    const run = spawnSync('env', ['-i', `PATH=${process.env.PATH}`, 'bash', '-c', code], {
      encoding: 'utf8',
      cwd: t.testdir({}),
    })
    t.equal(run.status, 0, `${name}: ${code}\n${run.stderr}${run.stdout}`)
    if (name === 'tiny-limited') t.match(code, '/mnt/models', 'the id was reported by /v1/models')
  }
})

t.test('a request repeated after a lost response, also at another portal, leaves one application', async (t) => {
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const second = await stack.portal({ PORT: portBeside(stack), REDIS_URL: redis.url })
  for (const model of ['granite-chat', 'llama-chat', 'oidc-chat']) {
    const form =
      formsOf((await mary.get(newApplication(model))).text).find(({ action }) => action === '/applications')?.values ??
      {}
    const submission = { ...form, name: `lost ${model}` }
    // Reads fail too, so that it remains unknown whether the application was stored.
    const list = 'GET /admin/api/accounts/*/applications.json'
    await stack.faults([
      { match: 'POST /admin/api/accounts/*/applications.json', drop: 'after', times: 1 },
      { match: list, status: 503, after_first: true },
    ])
    const lost = await mary.post('/applications', submission)
    t.equal(lost.status, 503, 'the page states that 3scale did not respond')
    t.match(lost.text, `lost ${model}`, 'the input is preserved')
    t.equal((await stack.readFaults())[0]?.hits, 1, 'the fault was injected')
    await stack.faults([])
    spawnSync('redis-cli', ['-p', String(redis.port), 'flushall'])
    const [here, there] = await Promise.all([
      mary.post('/applications', submission),
      mary.at(second.url)('/applications', { method: 'POST', body: new URLSearchParams(submission) }),
    ])
    t.equal(here.status, 303, model)
    t.equal(there.status, 303, `${model} at the other portal`)
    t.equal(here.location, there.location, 'the same application')
    const state = await stack.state()
    const created = state.applications.filter(({ name }) => name === submission.name)
    t.equal(created.length, 1, `${model}: exactly one`)
    const page = await mary.get(here.location ?? '')
    if (model === 'oidc-chat') await sleep(1200)
    await stack.settled()
    t.match((await mary.submit(page, /\/test$/)).text, 'The model responded.', 'its key works')
  }
  const fresh =
    formsOf((await mary.get(newApplication('mistral-chat'))).text).find(({ action }) => action === '/applications')
      ?.values ?? {}
  const twice = { ...fresh, name: 'both at once' }
  const both = await Promise.all([
    mary.post('/applications', twice),
    mary.at(second.url)('/applications', { method: 'POST', body: new URLSearchParams(twice) }),
  ])
  t.same(
    both.map(({ status }) => status),
    [303, 303],
  )
  t.equal(
    (await stack.state()).applications.filter(({ name }) => name === 'both at once').length,
    1,
    'simultaneous requests at two replicas leave one',
  )
  await second.stop()
})

t.test('two simultaneous first sign-ins create one account', async (t) => {
  await fetch(`http://127.0.0.1:${stack.port + 2}/_demo/people`, {
    method: 'POST',
    body: JSON.stringify({
      username: 'twin',
      email: 'twin@example.com',
      email_verified: true,
      sub: 'twin-sub',
      name: 'Twin Once',
      org_name: 'Twins',
    }),
  })
  const [one, two] = [createVisitor(stack), createVisitor(stack)]
  const [first, second] = await Promise.all([one.signIn('twin', '/account'), two.signIn('twin', '/account')])
  t.same([first.status, second.status], [200, 200])
  t.equal((await stack.state()).accounts.filter(({ org_name }) => org_name === 'Twins').length, 1)
})

t.test('a legacy user is linked once, and a second subject with the address is rejected', async (t) => {
  const linus = createVisitor(stack)
  const page = await linus.get('/login?return_to=/applications')
  const linked = await linus.submit(page, /interaction/, { username: 'linus', password: 'demo' })
  const moved = linked.url.endsWith('/sign-up')
    ? await linus.submit(linked, /sign-up/, { accept_terms: '2026-01' })
    : linked
  t.equal(moved.status, 200)
  const list = await linus.get('/applications')
  t.match(list.text, 'stock chat')
  t.match(list.text, 'stock llama')
  spawnSync('redis-cli', ['-p', String(redis.port), 'flushall'])
  await stack.resetCalls()
  const again = createVisitor(stack)
  t.match((await again.signIn('linus', '/applications')).text, 'stock chat', 'found by name with an empty Redis')
  const other = createVisitor(stack)
  const refused = await other.signIn('linus2')
  t.equal(refused.status, 403)
  t.match(refused.text, 'already in use')
})

t.test('a rejected sign-in shows the reason and writes nothing', async (t) => {
  const before = (await stack.state()).accounts.length
  const cases: [string, RegExp][] = [
    ['grace', /address is not verified/],
    ['noorg', /no e-mail address/],
    ['pat', /suspended/],
  ]
  for (const [username, words] of cases) {
    const visitor = createVisitor(stack)
    const page = await visitor.signIn(username)
    t.equal(page.status, 403, username)
    t.match(page.text, words, username)
    t.equal((await visitor.raw('/applications')).status, 303, `${username} has no session`)
  }
  await stack.put('/_demo/settings', { signups_enabled: false })
  await sleep(100)
  t.equal((await stack.state()).accounts.length, before)
  await stack.put('/_demo/settings', { signups_enabled: true })
})

t.test('an application of another account is 404 at every address, like a missing one', async (t) => {
  const [theirs] = await ofUser(/^other-stock$/)
  const ada = createVisitor(stack)
  await ada.signIn('ada')
  for (const id of [String(theirs?.id), '999999', 'abc', '0']) {
    t.equal((await ada.raw(`/applications/${id}`)).status, 404, `GET ${id}`)
    t.equal((await ada.raw(`/applications/${id}/delete`)).status, 404)
    t.equal((await ada.raw(`/applications/${id}/notebook.ipynb`)).status, 404)
    for (const action of ['', '/reveal', '/test', '/delete']) {
      t.equal(
        (await ada.post(`/applications/${id}${action}`, { name: 'x', confirm: 'x' })).status,
        404,
        `POST ${id}${action}`,
      )
    }
  }
  t.equal((await stack.state()).applications.filter(({ id }) => id === theirs?.id).length, 1)
})

t.test('a restricted model is visible to its group only', async (t) => {
  const ada = createVisitor(stack)
  await ada.signIn('ada')
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const path = '/models/restricted-research'
  t.equal((await ada.raw(path)).status, 404)
  t.equal((await mary.raw(path)).status, 200)
  t.equal((await ada.raw(newApplication('restricted-research'))).status, 404)
  t.equal((await mary.raw(newApplication('restricted-research'))).status, 200)
  t.notMatch((await ada.get('/models')).text, 'restricted-research')
  t.match((await mary.get('/models')).text, 'restricted-research')
  t.equal(
    (
      await ada.post('/applications', {
        model: 'restricted-research',
        name: 'x',
        attempt: 'a'.repeat(32),
        'fields.purpose': 'Experiment',
      })
    ).status,
    404,
  )
  const api = `${portal.url}/api/v1/models/restricted-research`
  const token = async (username: string) => {
    const answer = await fetch(`http://127.0.0.1:${stack.port + 2}/_demo/token`, {
      method: 'POST',
      body: JSON.stringify({ username }),
    })
    return ((await answer.json()) as { access_token: string }).access_token
  }
  const requested = async (username: string, address: string) =>
    (await fetch(address, { headers: { authorization: `Bearer ${await token(username)}` } })).status
  t.equal(await requested('ada', api), 404)
  t.equal(await requested('mary', api), 200)
  t.equal(await requested('ada', `${api}/snippets`), 404)
  t.equal(await requested('mary', `${api}/snippets`), 200)
})

t.test('after sign-out, back-channel logout and a Redis flush, the previous cookie is rejected', async (t) => {
  for (const way of ['sign-out', 'back-channel'] as const) {
    const ada = createVisitor(stack)
    await ada.signIn('ada')
    const stored = new Map(ada.jar)
    if (way === 'sign-out') {
      const answer = await ada.post('/logout', {})
      t.equal(answer.status, 200)
      t.match(leavesFor(answer), `${stack.identity}/session/end`)
      t.match(leavesFor(answer), 'id_token_hint')
      t.equal(answer.headers.get('clear-site-data'), '"cache"')
    } else {
      const body = JSON.stringify({ username: 'ada', url: `${portal.url}/logout/backchannel` })
      const answer = await fetch(`http://127.0.0.1:${stack.port + 2}/_demo/sign-out`, { method: 'POST', body })
      t.equal(((await answer.json()) as { status: number }).status, 200)
    }
    spawnSync('redis-cli', ['-p', String(redis.port), 'flushall'])
    ada.jar.clear()
    for (const [name, value] of stored) ada.jar.set(name, value)
    t.equal((await ada.raw('/applications')).status, 303, `${way}: the previous cookie is rejected`)
    await sleep(20)
  }
})

t.test('an invalid logout token is rejected', async (t) => {
  const mint = async (body: object) => {
    const answer = await fetch(`http://127.0.0.1:${stack.port + 2}/_demo/sign-out`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    return ((await answer.json()) as { logout_token: string }).logout_token
  }
  const cases: [string, string][] = [
    ['nothing', ''],
    ['junk', 'a.b.c'],
    ['another audience', await mint({ username: 'ada', aud: 'somebody' })],
    ['with a nonce', await mint({ username: 'ada', claims: { nonce: 'x' } })],
    ['without an event', await mint({ username: 'ada', claims: { events: {} } })],
    ['of nobody', await mint({})],
  ]
  for (const [name, logout_token] of cases) {
    const answer = await fetch(`${portal.url}/logout/backchannel`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token }),
    })
    t.equal(answer.status, 400, name)
    t.match(await answer.text(), 'invalid_request')
  }
})

t.test('sessions survive a restart of the portal and a Redis flush', async (t) => {
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const other = await stack.portal({ PORT: String(Number(portBeside(stack)) + 1), REDIS_URL: redis.url })
  await other.stop('SIGKILL')
  spawnSync('redis-cli', ['-p', String(redis.port), 'flushall'])
  const again = await stack.portal({ PORT: String(Number(portBeside(stack)) + 1), REDIS_URL: redis.url })
  t.equal((await mary.at(again.url)('/applications')).status, 200)
  await again.stop()
})

t.test('return addresses stay on this host', async (t) => {
  const bad = [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/%09/evil',
    'javascript:alert(1)',
    '/a\nb',
    '\\\\evil',
    '',
  ]
  for (const value of bad) {
    const ada = createVisitor(stack)
    const page = await ada.get(`/login?return_to=${encodeURIComponent(value)}`)
    const end = await ada.submit(page, /interaction/, { username: 'ada', password: 'demo' })
    t.equal(new URL(end.url).origin, stack.url, value)
  }
})

t.test('a sign-in does not return to a page of the sign-in', async (t) => {
  const pages = ['/signed-out', '/login/callback?code=c&state=s', '/sign-up', '/sign-up/pending', '/logout', '/login']
  for (const value of pages) {
    const ada = createVisitor(stack)
    const page = await ada.get(`/login?return_to=${encodeURIComponent(value)}`)
    const end = await ada.submit(page, /interaction/, { username: 'ada', password: 'demo' })
    t.same([end.status, new URL(end.url).pathname], [200, '/'], value)
  }
  const stranger = createVisitor(stack)
  for (const path of ['/signed-out', '/login/callback?code=some-code&state=s']) {
    const { text } = await stranger.get(path)
    t.match(text, /href="\/login["?]/, path)
    t.notMatch(text, 'some-code', 'no link has a code of the identity provider')
  }
})

t.test('a form of another site and the callback of another browser are rejected', async (t) => {
  const ada = createVisitor(stack)
  await ada.signIn('ada')
  const refused = await ada.post('/logout', {}, { headers: { 'sec-fetch-site': 'cross-site' } })
  t.equal(refused.status, 403)
  t.equal((await ada.post('/logout', {}, { headers: { origin: 'https://evil.example' } })).status, 403)
  t.equal((await ada.raw('/applications')).status, 200, 'still signed in')
  const visitor = createVisitor(stack)
  const forged = await visitor.raw('/login/callback?code=x&state=stolen&iss=x')
  t.equal(forged.status, 400)
  t.match(forged.text, 'no longer valid')
})

t.test('an application is renamed, validated and deleted', async (t) => {
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const page = await mary.submit(await mary.get(newApplication('qwen-coder')), /^\/applications$/)
  const path = new URL(page.url).pathname
  t.equal((await mary.post(path, { name: 'Renamed <b>', description: 'for tests' })).status, 303)
  t.match((await mary.get(path)).text, 'Renamed &lt;b&gt;')
  const empty = await mary.post(path, { name: '', description: 'kept' })
  t.equal(empty.status, 422)
  t.match(empty.text, 'Name is required.')
  t.match(empty.text, 'kept')
  const bad = await mary.post('/applications', { model: 'qwen-coder', name: 'x', 'fields.purpose': 'Fun' })
  t.equal(bad.status, 422)
  t.match(bad.text, 'Purpose must be one of')
  t.equal((await mary.post(`${path}/delete`, { confirm: 'no' })).status, 422)
  t.equal((await mary.post(`${path}/delete`, { confirm: 'Renamed <b>' })).status, 303)
  t.equal((await mary.raw(path)).status, 404)
})

t.test('while 3scale is down, the catalogue is served, applications report it, and input is preserved', async (t) => {
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  const form =
    formsOf((await mary.get(newApplication('mistral-chat'))).text).find(({ action }) => action === '/applications')
      ?.values ?? {}
  await stack.faults([{ match: '* /admin/api/*', status: 500 }])
  t.equal((await mary.raw('/models')).status, 200)
  t.equal((await mary.raw('/models/granite-chat')).status, 200)
  const lost = await mary.post('/applications', { ...form, name: 'typed before' })
  t.equal(lost.status, 503)
  t.match(lost.text, 'typed before')
  t.equal((await mary.raw('/applications')).status, 200, 'a list of the last minute')
  const account = (await stack.list('users')).find(({ email }) => email === 'mary@example.com')?.account_id
  await reportAccountChange(stack.url, account ?? 0)
  const list = await mary.raw('/applications')
  t.equal(list.status, 503, 'a list from before a change is not shown')
  t.ok(list.headers.get('retry-after'))
  await stack.faults([])
  t.equal((await mary.post('/applications', { ...form, name: 'typed before' })).status, 303)
})
