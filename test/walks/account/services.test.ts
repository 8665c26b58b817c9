import t from 'tap'
import { type ApiAnswer, createApi } from '../../helper/api.js'
import { startStack } from '../../helper/stack.js'

// Services that the identity provider identifies by a role: the portal starts once, and its API_CLIENTS names none of them.
const stack = await startStack(['threescale', 'identity'])
await stack.portal({ API_CLIENTS: '' })
const api = createApi(stack)
t.teardown(() => stack.close())

interface Me {
  subject: string
  signed_up: boolean
  account: { name: string; role: string } | null
}

interface Problem {
  type: string
  detail: string
}

const signUp = (token: string): Promise<ApiAnswer<Me & Problem>> =>
  api.post('/me', token, { fields: { department: 'Research', job_title: 'Robot' }, accept_terms: '2026-01' })

t.test('a client that is assigned the role at the identity provider signs up without a restart', async (t) => {
  const granted = await fetch(`${stack.identity}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('demo-pipeline:demo-pipeline-secret')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'maas:read maas:write' }),
  })
  const { access_token } = (await granted.json()) as { access_token: string }
  t.match((await api.get('/me', access_token)).body, { subject: 'demo-pipeline', signed_up: false })
  const created = await signUp(access_token)
  t.match([created.status, created.body.account], [201, { role: 'admin' }])
  const { body } = await api.get<{ items: object[] }>('/members', access_token)
  t.match(body.items, [{ kind: 'service', email: null, you: true }])

  const role = { realm_access: { roles: ['maas-service'] } }
  const late = await signUp(await api.token({ client_id: 'night-build' }))
  t.match([late.status, late.body.type], [403, /forbidden$/], 'before it has the role')
  t.match(late.body.detail, /An administrator of the identity provider can assign the role maas-service/)
  t.equal((await signUp(await api.token({ client_id: 'night-build', claims: role }))).status, 201)
  t.equal((await api.get('/applications', await api.token({ client_id: 'night-build', claims: role }))).status, 200)
  const removed = await api.get('/applications', await api.token({ client_id: 'night-build' }))
  t.equal(removed.status, 403, 'a token without the role is rejected again')
})

t.test('a service with the role is invited like any other and joins with its own consent', async (t) => {
  const admin = await api.token({ client_id: 'demo-pipeline', claims: { realm_access: { roles: ['maas-service'] } } })
  const invited = await api.post('/members', admin, { client_id: 'helper', role: 'member' })
  t.equal(invited.status, 201)
  const { body } = await api.get<{ items: { client_id: string; state: string }[] }>('/members', admin)
  t.match(
    body.items.find(({ client_id }) => client_id === 'helper'),
    { kind: 'service', state: 'invited' },
  )
})

t.test('a person with the role remains a person with every client', async (t) => {
  // Tokens of people have no client_id in Keycloak.
  const claims = { realm_access: { roles: ['maas-service'] }, client_id: null, name: 'service-account-maas-cli' }
  const token = await api.token({ username: 'ada', client_id: 'maas-cli', claims })
  t.notMatch((await api.get<Me>('/me', token)).body, { subject: 'maas-cli' })
  await signUp(token)
  const { body } = await api.get<{ items: { kind: string; you: boolean }[] }>('/members', token)
  t.match(
    body.items.filter(({ you }) => you),
    [{ kind: 'person' }],
  )
  const posing = await api.token({ username: 'ada', client_id: 'maas-cli', claims: { ...claims, sub: 'maas-cli' } })
  t.equal((await api.get('/me', posing)).status, 401, 'not even with the client id as subject')
})
