import t from 'tap'
import type { Application } from '../../../../src/features/applications/schemas.js'
import { createModelIdLookups } from '../../../../src/features/models/details/model-id-lookups.js'
import type { Model } from '../../../../src/features/models/schemas.js'
import { createCache } from '../../../../src/infra/cache.js'
import { createDayLimits } from '../../../../src/infra/day-limits.js'

function lookups({ mayQuery = false } = {}) {
  const calls: number[] = []
  const log = { info() {}, warn() {}, error() {} }
  const created = createModelIdLookups({
    cache: createCache({ redis: undefined, prefix: 'test', log } as unknown as Parameters<typeof createCache>[0]),
    dayLimits: createDayLimits({ prefix: 'test' }),
    servers: { mayQuery: () => mayQuery },
    testCall: { learn: async (_model: Model, { id }: Application) => void calls.push(id) },
  })
  const learn = (system_name: string, id: number) => created.learn({ system_name } as Model, { id } as Application)
  return { learn, calls, timeOf: created.timeOf }
}

t.test('the key of one application a product looks up the model ID, and its owner is informed', async (t) => {
  const { learn, calls, timeOf } = lookups()
  await learn('granite', 1)
  await learn('granite', 2)
  await learn('llama', 3)
  t.same(calls, [1, 3])
  t.ok(Date.parse((await timeOf(1)) ?? '') <= Date.now())
  t.equal(await timeOf(2), null)
})

t.test('no key of a user does where the portal may query the model server itself', async (t) => {
  const { learn, calls, timeOf } = lookups({ mayQuery: true })
  await learn('granite', 1)
  t.same(calls, [])
  t.equal(await timeOf(1), null)
})
