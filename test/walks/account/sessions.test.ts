import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createSignInService } from '../../helper/sign-in-service.js'
import { startRedis, startStack } from '../../helper/stack.js'
import { createVisitor, leavesFor, type Visitor } from '../../helper/visitor.js'

const redis = await startRedis()
const stack = await startStack(['threescale', 'identity'])
const shared = { REDIS_URL: redis.url, CATALOG_TTL: '3600' }
await stack.portal(shared)
const other = await stack.portal({ ...shared, PORT: String(stack.port + 50) })
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})

const identity = `http://127.0.0.1:${stack.port + 2}`
const { tell, forge } = createSignInService(stack)
const withoutSid = { id_token: { drop: ['sid'] } }
const SESSION = 'maas_session'
const PENDING = 'maas_sign_up'

let count = 0
async function newcomer() {
  const username = `session${++count}`
  const person = { username, sub: `sub-${username}`, email: `${username}@example.com`, email_verified: true }
  await tell('POST', '/_demo/people', { ...person, name: `Session ${count}`, org_name: `Org ${username}` })
  return { username, visitor: createVisitor(stack) }
}

/** Whether this cookie without others opens a page that requires an account. */
async function opens(cookie: string, origin = stack.url): Promise<boolean> {
  const { status } = await fetch(`${origin}/account`, {
    headers: { cookie: `${SESSION}=${cookie}` },
    redirect: 'manual',
  })
  return status === 200
}

/** Whether this cookie of a pending sign-in without others leads to a session. */
async function leadsIn(cookie: string, origin = stack.url): Promise<boolean> {
  const headers = { cookie: `${PENDING}=${cookie}` }
  const answers = await Promise.all([
    fetch(`${origin}/sign-up`, { headers, redirect: 'manual' }),
    fetch(`${origin}/sign-up/pending`, { headers, redirect: 'manual' }),
    fetch(`${origin}/sign-up`, {
      method: 'POST',
      headers,
      redirect: 'manual',
      body: new URLSearchParams({
        'account.department': 'Research',
        'user.job_title': 'Scientist',
        accept_terms: '2026-01',
      }),
    }),
  ])
  return answers.some(({ headers: all }) => all.getSetCookie().some((line) => line.startsWith(`${SESSION}=`)))
}

async function untilClosed(check: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 100 && (await check()); tries++) await sleep(50)
  return !(await check())
}

function cookieOf({ jar }: Visitor, name: string): string {
  const value = jar.get(name)
  if (value === undefined) throw new Error(`no cookie ${name}`)
  return value
}

/** Two tabs of one browser that are both sent to the identity provider and return one after the other. */
async function signInTwice(username: string, visitor: Visitor): Promise<[former: string, present: string]> {
  const second = await visitor.raw('/login')
  await visitor.signIn(username)
  const former = cookieOf(visitor, SESSION)
  await visitor.get(second.location ?? '')
  return [former, cookieOf(visitor, SESSION)]
}

for (const way of ['with sid', 'without sid'] as const)
  t.test(`a second sign-in of a person ends the previous session of that browser, ${way}`, async (t) => {
    await forge(way === 'with sid' ? {} : withoutSid)
    const { username, visitor } = await newcomer()
    await visitor.signIn(username)
    visitor.jar.delete(SESSION)
    const elsewhere = createVisitor(stack)
    await elsewhere.signIn(username)
    const [former, present] = await signInTwice(username, visitor)
    t.not(former, present)
    t.notOk(await opens(former), 'the previous cookie is rejected')
    t.ok(await untilClosed(() => opens(former, other.url)), 'also on the other replica')
    t.ok(await opens(present), 'the new session is valid')
    t.ok(await opens(present, other.url))
    t.ok(await opens(cookieOf(elsewhere, SESSION)), 'the session of another browser continues')
    t.equal((await visitor.post('/logout', {})).status, 200)
    t.notOk(await opens(present), 'and a sign-out ends the new session')
    t.ok(await opens(cookieOf(elsewhere, SESSION)), 'but not the session of another browser')
    await forge({})
  })

t.test('without Redis, the replica of the new sign-in rejects the previous cookie', async (t) => {
  const alone = await stack.portal({ PORT: String(stack.port + 51), CATALOG_TTL: '3600' })
  const { username, visitor } = await newcomer()
  const at = visitor.at(alone.url)
  const [one, two] = [await at('/login'), await at('/login')]
  const form = await visitor.get(one.location ?? '')
  const action = /<form[^>]*action="([^"]*)"/.exec(form.text)?.[1] ?? ''
  const callbackOf = async (location: string | null) => {
    let next = location ?? ''
    for (let hops = 0; hops < 8 && !next.includes('/login/callback'); hops++)
      next = (await visitor.raw(new URL(next, identity).href)).location ?? ''
    const { pathname, search } = new URL(next)
    return pathname + search
  }
  const { location } = await visitor.post(new URL(action, form.url).href, { username, password: 'demo' })
  await at(await callbackOf(location))
  const body = new URLSearchParams({
    'account.department': 'Research',
    'user.job_title': 'Scientist',
    accept_terms: '2026-01',
  })
  await at('/sign-up', { method: 'POST', body })
  const former = cookieOf(visitor, SESSION)
  t.ok(await opens(former, alone.url))
  await at(await callbackOf(two.location))
  t.notOk(await opens(former, alone.url))
  t.ok(await opens(cookieOf(visitor, SESSION), alone.url))
  await alone.stop()
})

t.test('a back-channel logout ends every session of the person', async (t) => {
  const { username, visitor } = await newcomer()
  await visitor.signIn(username)
  visitor.jar.delete(SESSION)
  const [, present] = await signInTwice(username, visitor)
  const elsewhere = createVisitor(stack)
  await elsewhere.signIn(username)
  const answer = await tell('POST', '/_demo/sign-out', { username, url: `${stack.url}/logout/backchannel` })
  t.equal(((await answer.json()) as { status: number }).status, 200)
  t.notOk(await opens(present))
  t.notOk(await opens(cookieOf(elsewhere, SESSION)))
})

for (const way of ['with sid', 'without sid'] as const)
  t.test(`the cookie of a pending sign-in is rejected after a sign-out, ${way}`, async (t) => {
    await forge(way === 'with sid' ? {} : withoutSid)
    const { username, visitor } = await newcomer()
    const login = await visitor.get('/login')
    const form = await visitor.submit(login, /interaction/, { username, password: 'demo' })
    t.match(form.url, /\/sign-up$/)
    const pending = cookieOf(visitor, PENDING)
    await visitor.submit(form, /sign-up/, {
      'account.department': 'Research',
      'user.job_title': 'Scientist',
      accept_terms: '2026-01',
    })
    t.ok(await opens(cookieOf(visitor, SESSION)))
    t.equal((await visitor.post('/logout', {})).status, 200)
    t.notOk(await leadsIn(pending), 'its sign-in was ended')
    t.ok(await untilClosed(() => leadsIn(pending, other.url)), 'the other replica was notified')

    const again = await visitor.get('/login')
    if (again.text.includes('name="password"'))
      await visitor.submit(again, /interaction/, { username, password: 'demo' })
    t.equal((await visitor.raw('/account')).status, 200, 'a new sign-in is valid')
    await forge({})
  })

for (const way of ['with sid', 'without sid'] as const)
  t.test(`leaving a pending sign-in ends it, ${way}`, async (t) => {
    await forge(way === 'with sid' ? {} : withoutSid)
    const { username, visitor } = await newcomer()
    await visitor.submit(await visitor.get('/login'), /interaction/, { username, password: 'demo' })
    const pending = cookieOf(visitor, PENDING)
    const left = await visitor.post('/logout', {})
    t.match(leavesFor(left), 'id_token_hint', 'the identity provider receives the session to end')
    t.equal(visitor.jar.get(PENDING), undefined)
    t.notOk(await leadsIn(pending))
    await forge({})
  })

t.test('a pending sign-in that was replaced by another one in the browser is rejected', async (t) => {
  const { username, visitor } = await newcomer()
  const form = await visitor.submit(await visitor.get('/login'), /interaction/, { username, password: 'demo' })
  const pending = cookieOf(visitor, PENDING)
  visitor.jar.delete(PENDING)
  const second = await visitor.raw('/login')
  visitor.jar.set(PENDING, pending)
  await visitor.submit(form, /sign-up/, {
    'account.department': 'Research',
    'user.job_title': 'Scientist',
    accept_terms: '2026-01',
  })
  await visitor.get(second.location ?? '')
  t.equal((await visitor.raw('/account')).status, 200)
  t.notOk(await leadsIn(pending))
})

t.test('a sign-out during a call to 3scale leaves no session', async (t) => {
  await forge(withoutSid)
  const { username, visitor } = await newcomer()
  await visitor.signIn(username)
  visitor.jar.delete(SESSION)
  await stack.faults([{ match: 'GET /admin/api/accounts/find.xml', latency_ms: 1500 }])
  const arriving = visitor.get('/login')
  for (let tries = 0; tries < 100 && !(await reached()); tries++) await sleep(20)
  const answer = await tell('POST', '/_demo/sign-out', { username, url: `${stack.url}/logout/backchannel` })
  t.equal(((await answer.json()) as { status: number }).status, 200)
  const end = await arriving
  t.match(end.url, /\/(signed-out|login|interaction)/)
  t.equal(visitor.jar.get(SESSION), undefined, 'no session was written')
  await stack.faults([])
  await forge({})
})

async function reached(): Promise<boolean> {
  return ((await stack.readFaults())[0]?.hits ?? 0) > 0
}
