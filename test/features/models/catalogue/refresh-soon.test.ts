import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createRefreshSoon } from '../../../../src/features/models/catalogue/refresh-soon.js'
import { catalogue, tenant, until } from '../in-memory-catalogue.js'

t.test('any number of notifications causes one refresh, and one more for those that arrive during it', async (t) => {
  let refreshes = 0
  let end = () => {}
  const soon = createRefreshSoon({
    async refresh() {
      refreshes++
      await new Promise<void>((resolve) => {
        end = resolve
      })
      return true
    },
    delayMs: 5,
    intervalMs: 10,
  })
  for (let count = 0; count < 100; count++) soon.request()
  await until(() => refreshes === 1)
  for (let count = 0; count < 100; count++) soon.request()
  await sleep(50)
  t.equal(refreshes, 1, 'one at a time')
  end()
  await until(() => refreshes === 2)
  end()
  await sleep(50)
  t.equal(refreshes, 2)
})

t.test('a refresh that may be from before the notification is repeated, three times at most', async (t) => {
  let refreshes = 0
  const soon = createRefreshSoon({
    async refresh() {
      refreshes++
      return false
    },
    delayMs: 1,
    intervalMs: 1,
  })
  soon.request()
  await until(() => refreshes === 3)
  await sleep(50)
  t.equal(refreshes, 3)
  soon.request()
  soon.stop()
  await sleep(20)
  t.equal(refreshes, 3, 'none after the stop')
})

t.test('after a notification, the catalogue and the details of that product are read again', async (t) => {
  const { threescale, state, count } = tenant(['one', 'two'])
  const models = catalogue(threescale)
  await models.list({}, undefined)
  await until(() => count('metrics') === 2)
  const [product] = state.products
  state.products = [
    { ...product, id: 1, systemName: 'one', name: 'Renamed', description: '' },
    ...state.products.slice(1),
  ]
  models.refreshSoon({ productId: 1 })
  models.refreshSoon()
  await until(async () => (await models.find('one', undefined)).model.name === 'Renamed')
  t.equal(count('products'), 2, 'one refresh')
  await until(() => count('metrics') === 3)
  t.same([count('limits'), count('prices'), count('metrics')], [3, 3, 3], 'the details of one product')
  models.stop()
})
