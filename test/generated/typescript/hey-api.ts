// A short life with the client of hey-api. Prints one line for each step that held.
import assert from 'node:assert/strict'
import { client } from './generated/hey-api/client.gen.js'
import {
  createApplication,
  deleteApplication,
  listApplications,
  listModels,
  readApplication,
} from './generated/hey-api/index.js'

const { TOKEN = '' } = process.env
client.setConfig({ auth: () => TOKEN })

function ok(step: string, ...facts: unknown[]): void {
  facts.forEach((fact, index) => {
    assert.ok(fact, `${step}: fact ${index + 1} does not hold`)
  })
  process.stdout.write(`ok - ${step}\n`)
}

const models = await listModels({ query: { type: 'chat', limit: 100 } })
ok(
  'models',
  models.data?.items.some(({ system_name }) => system_name === 'granite-chat'),
)
const created = await createApplication({
  headers: { 'Idempotency-Key': 'hey-api' },
  body: { model: 'granite-chat', plan: 'basic', name: 'hey-api', fields: { purpose: 'Experiment' } },
})
const application = created.data
assert.ok(application && 'credentials' in application, JSON.stringify(created.error))
ok('an application', created.response?.status === 201, application.credentials.user_key)
const path = { id: application.id }
ok(
  'read',
  (await readApplication({ path, query: { reveal: true } })).data?.credentials.user_key ===
    application.credentials.user_key,
)
ok(
  'listed',
  (await listApplications({ query: { model: 'granite-chat' } })).data?.items.some(({ id }) => id === path.id),
)
ok('deletion', (await deleteApplication({ path })).response?.status === 204)
ok('a typed problem', (await readApplication({ path })).error?.status === 404)
