// An account's life with openapi-fetch and types of openapi-typescript, directly or through a validating proxy. The model may
// have any kind of credentials. Prints one line for each step that held.
import assert from 'node:assert/strict'
import createClient from 'openapi-fetch'
import type { paths } from './generated/schema.js'

const { API = '', TOKEN = '', READ_TOKEN = '', MODEL = '' } = process.env
const violations: string[] = []
const client = createClient<paths>({ baseUrl: API, headers: { authorization: `Bearer ${TOKEN}` } })
client.use({
  async onResponse({ request, response }) {
    const seen = response.headers.get('sl-violations') ?? (await response.clone().text())
    if (seen.includes('stoplight.io') || response.headers.has('sl-violations')) {
      violations.push(`${request.method} ${request.url} ${response.status}: ${seen}`)
    }
  },
})

function ok(step: string, ...facts: unknown[]): void {
  assert.deepEqual(violations, [], step)
  facts.forEach((fact, index) => {
    assert.ok(fact, `${step}: fact ${index + 1} does not hold`)
  })
  process.stdout.write(`ok - ${step}\n`)
}

/** The body of an answer that must have one. */
function dataOf<T>({ data, error, response }: { data?: T; error?: unknown; response: Response }): T {
  assert.ok(data !== undefined, `${response.status} ${JSON.stringify(error)}`)
  return data
}

const me = dataOf(await client.GET('/me'))
const signUp = {
  fields: { department: 'Research', job_title: 'Scientist' },
  ...(me.required.terms ? { accept_terms: me.required.terms.version } : {}),
}
const signed = await client.POST('/me', me.signed_up ? {} : { body: signUp })
ok('sign-up', [200, 201].includes(signed.response.status))

const names = new Set<string>()
for (let cursor: string | null | undefined; cursor !== null; ) {
  const page = dataOf(await client.GET('/models', { params: { query: { limit: 7, ...(cursor ? { cursor } : {}) } } }))
  for (const { system_name } of page.items) names.add(system_name)
  cursor = page.next_cursor
}
ok('models by pages', names.has(MODEL), names.size > 10)
const byName = { params: { path: { system_name: MODEL } } }
const model = dataOf(await client.GET('/models/{system_name}', byName))
const plan = model.plans[0]?.system_name
ok('one model', plan)
ok('snippets', dataOf(await client.GET('/models/{system_name}/snippets', byName)).items.length > 3)

const body = {
  model: MODEL,
  name: `${MODEL} life`,
  fields: { purpose: 'Experiment' },
  ...(plan ? { plan } : {}),
}
const header = { 'Idempotency-Key': `life-${MODEL}` }
const created = await client.POST('/applications', { params: { header }, body })
const application = dataOf(created)
assert.ok('credentials' in application)
ok('an application', created.response.status === 201, created.response.headers.get('location'))
const again = dataOf(await client.POST('/applications', { params: { header }, body }))
ok('the same request again', again.id === application.id)
const path = { id: application.id }
const shown = dataOf(await client.GET('/applications/{id}', { params: { path, query: { reveal: true } } }))
const { user_key, app_keys, client_secret } = shown.credentials
ok('revealed', [user_key, app_keys?.[0], client_secret].some(Boolean))
ok(
  'snippets of an application',
  dataOf(
    await client.GET('/models/{system_name}/snippets', {
      params: { ...byName.params, query: { application_id: path.id } },
    }),
  ),
)
ok('listed', dataOf(await client.GET('/applications', { params: { query: { model: MODEL } } })).items.length > 0)
const keys = dataOf(await client.GET('/applications/{id}/keys', { params: { path } }))
ok('keys', Array.isArray(keys.items))
const rotated = await client.POST('/applications/{id}/rotate', {
  params: { path, header: { 'Idempotency-Key': 'rotate' } },
})
const fresh = dataOf(rotated)
ok('rotation', fresh.key)
const removed = fresh.revocation_check?.key_id ?? keys.items[0]?.key_id ?? ''
if (!fresh.revocation_check && removed) {
  const deletion = await client.DELETE('/applications/{id}/keys/{key_id}', {
    params: { path: { ...path, key_id: removed } },
  })
  ok('a key removed', deletion.response.ok)
} else ok('a key removed')
const check = await client.GET('/applications/{id}/keys/{key_id}/revocation-check', {
  params: { path: { ...path, key_id: removed } },
})
ok('a revocation check', dataOf(check).application_id === path.id)
ok('usage', dataOf(await client.GET('/applications/{id}/usage', { params: { path } })).series)
ok('usage of the account', dataOf(await client.GET('/me/usage')).calls.total >= 0)
ok('limits', dataOf(await client.GET('/applications/{id}/limits', { params: { path } })).items)
ok('limits of the account', dataOf(await client.GET('/me/limits')).items)
ok('costs', dataOf(await client.GET('/applications/{id}/costs', { params: { path } })).application)
ok('costs of the account', dataOf(await client.GET('/me/costs')).items)

const invited = dataOf(await client.POST('/members', { body: { email: `${MODEL}@example.com`, role: 'member' } }))
ok('an invitation', invited.state === 'invited')
const member = { params: { path: { id: invited.id } } }
ok('another role', dataOf(await client.PATCH('/members/{id}', { ...member, body: { role: 'admin' } })).role === 'admin')
ok('members', dataOf(await client.GET('/members')).items.length > 1)
ok('a member removed', (await client.DELETE('/members/{id}', member)).response.status === 204)

const renamed = await client.PATCH('/applications/{id}', { params: { path }, body: { name: `${MODEL} renamed` } })
ok('another name', dataOf(renamed))
const missing = await client.GET('/applications/{id}', { params: { path: { id: 1 } } })
ok('what does not exist', missing.error?.status === 404)
const hidden = await client.GET('/applications/{id}', {
  params: { path, query: { reveal: true } },
  headers: { authorization: `Bearer ${READ_TOKEN}` },
})
ok('a token without maas:reveal', hidden.error?.status === 403)
const reused = await client.POST('/applications', { params: { header }, body: { ...body, name: 'another' } })
ok('an Idempotency-Key with another body', reused.error?.status === 422)
const operation = await client.DELETE('/applications/{id}', { params: { path, header: { Prefer: 'respond-async' } } })
ok('deletion', [202, 204].includes(operation.response.status))
