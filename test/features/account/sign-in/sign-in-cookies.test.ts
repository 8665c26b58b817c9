import { randomUUID } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import t from 'tap'
import { createSignInCookies, type PendingSignIn } from '../../../../src/features/account/sign-in/sign-in-cookies.js'

const SECRET = 'a secret of more than thirty-two bytes'
const signInCookies = createSignInCookies({ secrets: [SECRET], secure: true })
const NAME = '__Host-maas_sign_up'

/** A browser that stores the cookies it receives. */
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

function pendingWith(groups: string[]): PendingSignIn {
  const person = { kind: 'person', issuer: 'https://sso.example.com', subject: 's'.repeat(255), sid: 'sid' } as const
  const identity = { ...person, name: 'Zoë 模型', email: 'zoe@example.com', emailVerified: true, groups, claims: {} }
  return { id: 'id', identity, returnTo: '/account', startedAt: Date.now(), step: 'all' }
}

const groupsOf = (count: number) => Array.from({ length: count }, () => randomUUID())

t.test('a pending sign-in with many groups is split into cookies that browsers store', async (t) => {
  const { cookies, request, reply } = createJar()
  const sizes = [0, 20, 100, 200, 300]
  for (const size of [...sizes, ...sizes.reverse()]) {
    const pending = pendingWith(groupsOf(size))
    signInCookies.storePendingSignIn(reply, pending)
    for (const [name, value] of Object.entries(cookies))
      t.ok(`${name}=${value}; Max-Age=3600; Path=/; HttpOnly; Secure; SameSite=Lax`.length < 4096)
    t.same(
      signInCookies.readPendingSignIn(request),
      pending,
      `${size} groups, in ${Object.keys(cookies).length} cookies`,
    )
  }
  t.same(Object.keys(cookies), [NAME], 'a smaller value removes the extra parts of a larger one')
})

t.test('a cookie with a missing, swapped or foreign part is ignored', async (t) => {
  const { cookies, request, reply } = createJar()
  signInCookies.storePendingSignIn(reply, pendingWith(groupsOf(300)))
  const good = { ...cookies }
  const parts = Object.keys(good)
  t.ok(parts.length > 1)
  for (const name of parts) {
    delete cookies[name]
    t.equal(signInCookies.readPendingSignIn(request), undefined, `without ${name}`)
    Object.assign(cookies, good)
  }
  const [first = '', second = ''] = parts
  Object.assign(cookies, { [first]: good[second], [second]: good[first] })
  t.equal(signInCookies.readPendingSignIn(request), undefined)
  const other = createJar()
  signInCookies.storePendingSignIn(other.reply, pendingWith(groupsOf(300)))
  Object.assign(cookies, good, { [second]: other.cookies[second] })
  t.equal(signInCookies.readPendingSignIn(request), undefined)
  Object.assign(cookies, good)
  signInCookies.clearPendingSignIn(reply)
  t.same(cookies, {}, 'all parts are removed together')
})

t.test('a profile that no browser can store is rejected', async (t) => {
  const { reply } = createJar()
  t.throws(() => signInCookies.storePendingSignIn(reply, pendingWith(groupsOf(1000))), { code: 'sign_in_too_large' })
})
