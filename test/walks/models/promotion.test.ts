import t from 'tap'
import { createApi } from '../../helper/api.js'
import { until } from '../../helper/faults.js'
import { portBeside, startRedis, startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

interface Model {
  gateway_ready_at: string | null
}

const redis = await startRedis()
const stack = await startStack()
const settings = { REDIS_URL: redis.url, CATALOG_TTL: '1' }
await stack.portal(settings)
const api = createApi(stack)
const ada = createVisitor(stack)
await ada.signIn('ada')
const token = await api.token({ username: 'ada' })
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})

const readyAt = async (at = api) => (await at.get<Model>('/models/granite-chat', token)).body.gateway_ready_at
const WORDS = 'This model was promoted recently.'

t.test('for five minutes after a promotion, pages, the API and a rejected test call report it', async (t) => {
  const body = { model: 'granite-chat', plan: 'basic', name: 'promoted', fields: { purpose: 'Experiment' } }
  const { id } = (await api.post<{ id: number }>('/applications', token, body)).body
  await stack.settled()
  t.match(
    (await ada.post(`/applications/${id}/test`, {})).text,
    'The model responded',
    'the gateway has loaded its configuration',
  )
  t.equal(await readyAt(), null)
  for (const path of ['/models/granite-chat', `/applications/${id}`])
    t.notMatch((await ada.get(path)).text, WORDS, path)

  const { services } = await stack.state()
  const service = services.find(({ system_name }) => system_name === 'granite-chat')
  const began = Date.now()
  await stack.put(`/_demo/services/${service?.id}`, {
    location: 'headers',
    names: { auth_user_key: 'another-header' },
  })
  await until('the catalogue has the new configuration', async () => (await readyAt()) !== null)
  const at = Date.parse((await readyAt()) ?? '')
  t.ok(at >= began + 300_000 && at <= Date.now() + 300_000, 'five minutes after the promotion was detected')
  // The same request gets the same response for half a second.
  await until('the model says so', async () => (await ada.get('/models/granite-chat')).text.includes(WORDS))
  t.match((await ada.get(`/applications/${id}`)).text, WORDS)
  const test = await ada.post(`/applications/${id}/test`, {})
  t.match(test.text, 'The gateway found no credential', 'the gateway still has the previous configuration')
  t.match(test.text.split('id="test"')[1]?.slice(0, 900), WORDS)

  // On a busy machine, Redis may be too slow for one read. That replica then detects the promotion itself, and reports a later time.
  await until('another replica reports the same, and the time is unchanged', async () => {
    const before = await readyAt()
    const beside = await stack.portal({ ...settings, PORT: portBeside(stack) })
    const other = await readyAt(createApi(stack, beside.url))
    await beside.stop()
    return before !== null && other === before && (await readyAt()) === before
  })
})

t.test('a gateway that caches for a second is ready after a second', async (t) => {
  const quick = await stack.portal({ CATALOG_TTL: '1', GATEWAY_CONFIGURATION_CACHE: '1', PORT: portBeside(stack) })
  await until('it is ready', async () => (await readyAt(createApi(stack, quick.url))) === null)
  t.notMatch((await ada.at(quick.url)('/models/granite-chat')).text, WORDS)
})
