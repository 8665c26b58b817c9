import t from 'tap'
import { createSignInService } from '../../helper/sign-in-service.js'
import { startStack } from '../../helper/stack.js'
import { type Answer, createVisitor, type Visitor } from '../../helper/visitor.js'

/** Validation of the claims in ID tokens and logout tokens. */
const stack = await startStack(['threescale', 'identity'])
const portal = await stack.portal({ CATALOG_TTL: '3600' })
t.teardown(() => stack.close())

const { tell, forge } = createSignInService(stack)

let count = 0
async function newcomer(claims: Record<string, unknown> = {}) {
  const username = `claims${++count}`
  const person = { username, sub: `sub-${username}`, email: `${username}@example.com`, email_verified: true, ...claims }
  await tell('POST', '/_demo/people', { name: `Claims ${count}`, org_name: `Org ${username}`, ...person })
  return { username, visitor: createVisitor(stack) }
}

/** Signs in at the identity provider and stops before the completion form. */
async function arrive(visitor: Visitor, username: string): Promise<Answer> {
  return visitor.submit(await visitor.get('/login?return_to=/account'), /interaction/, { username, password: 'demo' })
}

async function signedIn(visitor: Visitor): Promise<boolean> {
  return (await visitor.raw('/account')).status === 200
}

t.test('an ID token of another client and a subject that is too long are rejected', async (t) => {
  const cases: [string, object][] = [
    ['issued to another client', { set: { azp: 'another-client' } }],
    ['issued to a list of clients', { set: { azp: ['maas-portal'] } }],
    ['several audiences, issued to nobody', { set: { aud: ['maas-portal', 'another-client'] }, drop: ['azp'] }],
    ['several audiences, issued to another', { set: { aud: ['maas-portal', 'other'], azp: 'other' } }],
    ['a subject that is too long', { set: { sub: 's'.repeat(256) } }],
    ['a session id that is too long', { set: { sid: 's'.repeat(256) } }],
  ]
  for (const [name, id_token] of cases) {
    const { username, visitor } = await newcomer()
    await forge({ id_token })
    await stack.resetCalls()
    const page = await arrive(visitor, username)
    t.equal(page.status, 400, name)
    const requested = Object.keys(await stack.calls()).filter((call) => /accounts|users|signup/.test(call))
    t.same(requested, [], `${name}: 3scale receives no request`)
    t.notOk(await signedIn(visitor), name)
  }
  const { username, visitor } = await newcomer()
  await forge({ id_token: { set: { aud: ['maas-portal', 'another-client'], azp: 'maas-portal' } } })
  t.equal((await visitor.signIn(username, '/account')).status, 200, 'several audiences, issued to the portal')
  await forge({})
})

t.test('a logout token of another client or without a readable subject is rejected', async (t) => {
  const { username, visitor } = await newcomer()
  await visitor.signIn(username)
  const post = async (body: object) => {
    const { logout_token } = (await (await tell('POST', '/_demo/sign-out', body)).json()) as { logout_token: string }
    const form = new URLSearchParams({ logout_token })
    return (await fetch(`${portal.url}/logout/backchannel`, { method: 'POST', body: form })).status
  }
  for (const bad of [
    { username, claims: { azp: 'another-client' } },
    { username, claims: { aud: ['maas-portal', 'another-client'] } },
    { username, claims: { sid: 5 } },
    { username, claims: { sid: 's'.repeat(256) } },
    { claims: { sub: 's'.repeat(256) } },
    { username, claims: { sub: 5 } },
    { username, claims: { jti: 5 } },
  ])
    t.equal(await post(bad), 400, JSON.stringify(bad).slice(0, 80))
  t.ok(await signedIn(visitor), 'nothing was revoked')
  t.equal(await post({ username, claims: { azp: 'maas-portal' } }), 200)
  t.notOk(await signedIn(visitor))
})

t.test('an address with a non-ASCII lookalike character is another address', async (t) => {
  const account = (await stack.state()).accounts.find(({ state }) => state === 'approved')
  const headers = { authorization: `Basic ${btoa('demo-token:')}` }
  for (const [unusual, address] of [
    ['\u212Aelvin@example.com', 'kelvin@example.com'],
    ['\u017Fam@example.com', 'sam@example.com'],
    ['İda@example.com', 'ida@example.com'],
  ] as const) {
    const created = await fetch(`${stack.threescale}/admin/api/accounts/${account?.id}/users.json`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ username: address, email: address, password: 'demo-password' }),
    })
    t.equal(created.status, 201)
    const { username, visitor } = await newcomer({ email: unusual })
    const page = await arrive(visitor, username)
    t.notMatch(page.text, address, `${unusual} is not offered to take over ${address}`)
    await visitor.signIn(username)
    const after = (await stack.state()).users.find((user) => user.email === address)
    t.equal(after?.username, address, 'the legacy user is unchanged')
  }
})
