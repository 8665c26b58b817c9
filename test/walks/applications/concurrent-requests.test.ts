import t from 'tap'
import { type Shown, statuses } from '../../helper/accepted.js'
import { type ApiAnswer, createApi } from '../../helper/api.js'
import { rounds } from '../../helper/rounds.js'
import { type RunningPortal, startRedis, startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/**
 * Simultaneous identical requests, in pairs and triples, leave one working result in 3scale. Twelve pairs and three triples of
 * each request run in each configuration of the portal. The stand-in for 3scale accepts what a real one accepts: on MySQL, every
 * second request that is sent between a check and its write.
 */
const PAIRS = rounds(96)
const TRIPLES = rounds(24)
const AT_A_TIME = 6
t.setTimeout(900_000)

const stack = await startStack()
t.teardown(() => stack.close())
await stack.portal()
const api = createApi(stack)
const models = { user_key: 'mistral-chat', app_id: 'nomic-embed' } as const
const answers = { fields: { department: 'Research', job_title: 'Scientist' }, accept_terms: '2026-01' }
let counter = 0

interface Portals {
  name: string
  urls: string[]
}
/** Sends one request to each of these portals simultaneously and returns whether the responses and the state are correct. */
type Kind = (urls: string[]) => Promise<string[]>

async function newcomer() {
  const username = `crowd-${++counter}`
  await api.person({ username })
  return { username, email: `${username}@example.com`, token: await api.token({ username }) }
}
async function owner() {
  const who = await newcomer()
  const { status, text, body } = await api.post<{ account: { id: number } }>('/me', who.token, answers)
  if (status !== 201) throw new Error(text)
  return { ...who, account: body.account.id }
}
const applicationsOf = async (account: number) =>
  (await stack.list('applications')).filter(({ account_id }) => account_id === account)

/** The errors in a list of responses to the same request. */
function differing(sent: ApiAnswer<never>[], reported: (body: never) => unknown): string[] {
  const bad = sent.filter(({ status }) => status >= 300).map(({ status, text }) => `${status} ${text}`)
  const said = new Set(sent.filter(({ status }) => status < 300).map(({ body }) => reported(body)))
  return said.size > 1 ? [...bad, `different results: ${[...said].join()}`] : bad
}
async function refusedKeys(shown: Shown): Promise<string[]> {
  return (await statuses(shown)).flatMap((status) => (status === 200 ? [] : [`the gateway answers ${status}`]))
}
const count = (what: string, is: number) => (is === 1 ? [] : [`${is} ${what}`])

/** Few enough that requests of one account overlap, and enough that its list stays short. */
const creators = await Promise.all(Array.from({ length: 12 }, owner))

function creating(mode: keyof typeof models): Kind {
  return async (urls) => {
    const { token } = creators[counter % creators.length] as (typeof creators)[number]
    const name = `at once ${++counter}`
    const body = { model: models[mode], name, fields: { purpose: 'Experiment' } }
    const headers = { 'idempotency-key': name.replaceAll(' ', '-') }
    const sent = await Promise.all(
      urls.map((url) => createApi(stack, url).post<never>('/applications', token, body, headers)),
    )
    const created = (await stack.list('applications')).filter((one) => one.name === name)
    const wrong = [...differing(sent, ({ id }: Shown) => id), ...count('applications', created.length)]
    if (wrong.length > 0) return wrong
    return (await Promise.all(sent.map(({ body: shown }) => refusedKeys(shown)))).flat()
  }
}

const person = await owner()
const visitor = createVisitor(stack)
await visitor.signIn(person.username)

const form: Kind = async (urls) => {
  const name = `by form ${++counter}`
  const attempt = `${counter}`.padStart(32, '0')
  const values = { model: models.user_key, name, 'fields.purpose': 'Experiment', attempt }
  const sent = await Promise.all(
    urls.map((url) => visitor.at(url)('/applications', { method: 'POST', body: new URLSearchParams(values) })),
  )
  const created = (await applicationsOf(person.account)).filter((one) => one.name === name)
  const bad = sent.filter(({ location }) => location !== `/applications/${created[0]?.id}`)
  const wrong = [
    ...bad.map(({ status, location }) => `${status} ${location}`),
    ...count('applications', created.length),
  ]
  if (wrong.length > 0) return wrong
  const { body } = await api.get<Shown>(`/applications/${created[0]?.id}?reveal=true`, person.token)
  return refusedKeys(body)
}

const signingUp: Kind = async (urls) => {
  const { token, email } = await newcomer()
  const sent = await Promise.all(urls.map((url) => createApi(stack, url).post<never>('/me', token, answers)))
  const users = (await stack.list('users')).filter((user) => user.email === email)
  const again = await api.get<{ signed_up: boolean }>('/me', token)
  return [
    ...differing(sent, ({ account }: { account: { id: number } }) => account.id),
    ...count('users', users.length),
    ...users.flatMap(({ state }) => (state === 'active' ? [] : [`the user is ${state}`])),
    ...(again.body.signed_up ? [] : [`locked out: ${again.status} ${again.text}`]),
  ]
}

const inviting: Kind = async (urls) => {
  const { token } = creators[counter % creators.length] as (typeof creators)[number]
  const email = `guest-${++counter}@example.com`
  const headers = { 'idempotency-key': email }
  const sent = await Promise.all(
    urls.map((url) => createApi(stack, url).post<never>('/members', token, { email, role: 'member' }, headers)),
  )
  const users = (await stack.list('users')).filter((user) => user.email === email)
  return [...differing(sent, ({ id }: { id: number }) => id), ...count('users', users.length)]
}

function changingKeys(deed: 'keys' | 'rotate', mode: keyof typeof models): Kind {
  return async (urls) => {
    const { token } = creators[counter % creators.length] as (typeof creators)[number]
    const name = `keyed at once ${++counter}`
    const body = { model: models[mode], name, fields: { purpose: 'Experiment' } }
    const { id } = (await createApi(stack, urls[0]).post<Shown>('/applications', token, body)).body
    const headers = { 'idempotency-key': name.replaceAll(' ', '-') }
    const sent = await Promise.all(
      urls.map((url) => createApi(stack, url).post<never>(`/applications/${id}/${deed}`, token, {}, headers)),
    )
    const reported = (answer: { value?: string; key?: { value: string } }) => answer.key?.value ?? answer.value
    const { body: shown } = await api.get<Shown>(`/applications/${id}?reveal=true`, token)
    const keys = mode === 'user_key' ? 1 : 2
    const current = mode === 'user_key' ? 1 : (shown.credentials.app_keys?.length ?? 0)
    const wrong = [...differing(sent, reported), ...(current === keys ? [] : [`${current} keys`])]
    return wrong.length > 0 ? wrong : refusedKeys(shown)
  }
}

const kinds: Record<string, Kind> = {
  'create, user_key': creating('user_key'),
  'create, app_id': creating('app_id'),
  form,
  'sign-up': signingUp,
  invitation: inviting,
  'rotate, user_key': changingKeys('rotate', 'user_key'),
  'rotate, app_id': changingKeys('rotate', 'app_id'),
  'add a key': changingKeys('keys', 'app_id'),
}

/** Runs every kind in turn, several at a time, and `meanwhile` halfway through. */
async function crowd(urls: string[], amount: number, size: number, meanwhile = async () => {}): Promise<string[]> {
  const names = Object.keys(kinds)
  const todo = Array.from({ length: amount }, (_, at) => ({ at, name: names[at % names.length] ?? '' }))
  const wrong: string[] = []
  const worker = async () => {
    for (let next = todo.shift(); next; next = todo.shift()) {
      const { at, name } = next
      if (at === Math.floor(amount / 2)) await meanwhile()
      const to = Array.from({ length: size }, (_, each) => urls[each % urls.length] ?? '')
      for (const fault of (await kinds[name]?.(to)) ?? []) wrong.push(`${name}: ${fault}`)
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, worker))
  return wrong
}

const ports = (first: number, settings: Record<string, string>) =>
  Promise.all([0, 1].map((more) => stack.portal({ ...settings, PORT: String(stack.port + first + more) })))

async function walk(t: Tap, { name, urls }: Portals, meanwhile?: () => Promise<void>): Promise<void> {
  t.same(await crowd(urls, PAIRS, 2, meanwhile), [], `${name}: ${PAIRS} pairs`)
  t.same(await crowd(urls, TRIPLES, 3), [], `${name}: ${TRIPLES} triples`)
}
type Tap = Pick<typeof t, 'same'>
const stop = (portals: RunningPortal[]) => Promise.all(portals.map((portal) => portal.stop()))

t.test('identical simultaneous requests leave one result at one or two replicas without Redis', async (t) => {
  const portals = await ports(51, {})
  const [first, second] = portals.map(({ url }) => url) as [string, string]
  await walk(t, { name: 'one replica', urls: [first] })
  await walk(t, { name: 'two replicas', urls: [first, second] })
  await stop(portals)
})

t.test('identical simultaneous requests leave one result with Redis, also if it stops halfway', async (t) => {
  const redis = await startRedis()
  const portals = await ports(53, { REDIS_URL: redis.url })
  const [first, second] = portals.map(({ url }) => url) as [string, string]
  await walk(t, { name: 'one replica', urls: [first] })
  await walk(t, { name: 'two replicas', urls: [first, second] })
  await walk(t, { name: 'Redis stops', urls: [first, second] }, redis.stop)
  await stop(portals)
})
