import { join } from 'node:path'
import t from 'tap'
import { createApi } from '../helper/api.js'
import { startStack } from '../helper/stack.js'
import { longSteps } from './life-steps.js'
import { bin, lives, packageFolder, saveDocument, succeeds, tool } from './tools.js'

// Clients in TypeScript, each by its own generator from the document that a running portal serves. They compile in strict mode
// and run a short life.
t.setTimeout(300_000)
const stack = await startStack()
t.teardown(() => stack.close())
const portal = await stack.portal()
const api = createApi(stack)
const token = await api.token({ username: 'mary' })
const short = ['models', 'an application', 'read', 'listed', 'deletion', 'a typed problem']

const folder = packageFolder(join(t.testdir({}), 'clients'), [
  ...['tsconfig.json', 'hey-api.config.mjs', 'orval.config.mjs'],
  ...['life.ts', 'hey-api.ts', 'orval.ts'],
])
await saveDocument(portal, folder)
const node = (...args: string[]) => [tool('node'), args, { cwd: folder }] as const

t.test('the generators accept the document, and their output compiles in strict mode', async (t) => {
  const types = node(bin('openapi-typescript'), 'openapi.json', '-o', 'generated/schema.d.ts')
  await succeeds(t, 'openapi-typescript', ...types)
  await succeeds(t, 'hey-api', ...node(bin('openapi-ts'), '-f', 'hey-api.config.mjs', '--silent'))
  await succeeds(t, 'orval', ...node(bin('orval'), '--config', 'orval.config.mjs'))
  await succeeds(t, 'tsc', ...node(bin('tsc'), '-p', '.'))
})

// This life signs up, before the short lives.
t.test('openapi-typescript and openapi-fetch: a longer life', async (t) => {
  const env = {
    API: `${portal.url}/api/v1`,
    MODEL: 'granite-chat',
    TOKEN: token,
    READ_TOKEN: await api.token({ username: 'mary', scope: 'maas:read' }),
  }
  await lives(t, longSteps, process.execPath, [join(folder, 'out', 'life.js')], { env })
})

for (const name of ['hey-api', 'orval']) {
  t.test(`${name}: a short life`, async (t) => {
    await lives(t, short, process.execPath, [join(folder, 'out', `${name}.js`)], { env: { TOKEN: token } })
  })
}
