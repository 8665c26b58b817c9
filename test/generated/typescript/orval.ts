// A short life with the client of orval. Prints one line for each step that held.
import assert from 'node:assert/strict'
import {
  createApplication,
  deleteApplication,
  listApplications,
  listModels,
  readApplication,
} from './generated/orval.js'

const { TOKEN = '' } = process.env
const headers = { authorization: `Bearer ${TOKEN}` }

function ok(step: string, ...facts: unknown[]): void {
  facts.forEach((fact, index) => {
    assert.ok(fact, `${step}: fact ${index + 1} does not hold`)
  })
  process.stdout.write(`ok - ${step}\n`)
}

const models = await listModels({ type: 'chat', limit: 100 }, { headers })
ok('models', models.status === 200 && models.data.items.some(({ system_name }) => system_name === 'granite-chat'))
const created = await createApplication(
  { model: 'granite-chat', plan: 'basic', name: 'orval', fields: { purpose: 'Experiment' } },
  { headers: { ...headers, 'Idempotency-Key': 'orval', 'Content-Type': 'application/json' } },
)
assert.ok(created.status === 201, JSON.stringify(created.data))
const { id, credentials } = created.data
ok('an application', credentials.user_key)
const read = await readApplication(id, { reveal: true }, { headers })
ok('read', read.status === 200 && read.data.credentials.user_key === credentials.user_key)
const list = await listApplications({ model: 'granite-chat' }, { headers })
ok('listed', list.status === 200 && list.data.items.some((each) => each.id === id))
ok('deletion', (await deleteApplication(id, { headers })).status === 204)
const removed = await readApplication(id, {}, { headers })
ok('a typed problem', removed.status === 404 && removed.data.title !== '')
