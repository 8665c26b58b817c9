import { randomUUID } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import t from 'tap'
import { type Arrival, createCarried } from '../../src/features/account/carried.js'
import { createSeal } from '../../src/web/seal.js'

const SECRET = 'a secret of more than thirty-two bytes'
const carried = createCarried({ secrets: [SECRET], secure: true })
const NAME = '__Host-maas_sign_up'

/** A browser that keeps what it is sent. */
function createJar() {
  const cookies: Record<string, string> = {}
  const request = { cookies } as unknown as FastifyRequest
  const reply = {
    request,
    setCookie: (name: string, value: string) => Object.assign(cookies, { [name]: value }),
    clearCookie: (name: string) => Reflect.deleteProperty(cookies, name),
  } as unknown as FastifyReply
  return { cookies, request, reply }
}

function arrivalWith(groups: string[]): Arrival {
  const person = { kind: 'person', issuer: 'https://sso.example.com', subject: 's'.repeat(255), sid: 'sid' } as const
  const identity = { ...person, name: 'Zoë 模型', email: 'zoe@example.com', emailVerified: true, groups, claims: {} }
  return { id: 'id', identity, returnTo: '/account', began: Date.now(), next: 'all' }
}

const groupsOf = (count: number) => Array.from({ length: count }, () => randomUUID())

t.test('a pending sign-in with many groups is split into cookies that browsers keep', async (t) => {
  const { cookies, request, reply } = createJar()
  const sizes = [0, 20, 100, 200, 300]
  for (const size of [...sizes, ...sizes.reverse()]) {
    const arrival = arrivalWith(groupsOf(size))
    carried.keepArrival(reply, arrival)
    for (const [name, value] of Object.entries(cookies))
      t.ok(`${name}=${value}; Max-Age=3600; Path=/; HttpOnly; Secure; SameSite=Lax`.length < 4096)
    t.same(carried.readArrival(request), arrival, `${size} groups, in ${Object.keys(cookies).length} cookies`)
  }
  t.same(Object.keys(cookies), [NAME], 'a shorter one leaves nothing of a longer one')
})

t.test('a part that is missing, swapped or of another sign-in is worth nothing', async (t) => {
  const { cookies, request, reply } = createJar()
  carried.keepArrival(reply, arrivalWith(groupsOf(300)))
  const good = { ...cookies }
  const parts = Object.keys(good)
  t.ok(parts.length > 1)
  for (const name of parts) {
    delete cookies[name]
    t.equal(carried.readArrival(request), undefined, `without ${name}`)
    Object.assign(cookies, good)
  }
  const [first = '', second = ''] = parts
  Object.assign(cookies, { [first]: good[second], [second]: good[first] })
  t.equal(carried.readArrival(request), undefined)
  const other = createJar()
  carried.keepArrival(other.reply, arrivalWith(groupsOf(300)))
  Object.assign(cookies, good, { [second]: other.cookies[second] })
  t.equal(carried.readArrival(request), undefined)
  Object.assign(cookies, good)
  carried.dropArrival(reply)
  t.same(cookies, {}, 'all are dropped together')
})

t.test('what no browser carries is refused with words, and one of an earlier release is read', async (t) => {
  const { cookies, request, reply } = createJar()
  t.throws(() => carried.keepArrival(reply, arrivalWith(groupsOf(1000))), { code: 'sign_in_too_large' })
  const arrival = arrivalWith(['research'])
  cookies[NAME] = createSeal([SECRET], 'sign-in arrival').sealObject(arrival)
  t.same(carried.readArrival(request), arrival)
})
