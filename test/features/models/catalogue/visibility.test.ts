import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { webhookTypes } from '../../../../src/clients/threescale/mapping/webhook-event.js'
import { createAccountVersions } from '../../../../src/clients/threescale/memory/account-versions.js'
import type { Subscription, ThreescaleApplication } from '../../../../src/clients/threescale/types.js'
import { createVisibility } from '../../../../src/features/models/catalogue/visibility.js'
import { createWebhooks } from '../../../../src/features/webhooks/webhooks.js'
import { createCache } from '../../../../src/infra/cache.js'
import type { Caller } from '../../../../src/web/auth/caller.js'
import { log } from '../in-memory-catalogue.js'

const caller = { accountId: 5 } as Caller

function setup({ changedAt }: { changedAt?: () => number } = {}) {
  const state = { products: [1], reads: 0, changedAt: 0, subscribed: [1], subscriptionReads: 0, isDown: false }
  const visibility = createVisibility({
    threescale: {
      async listSubscriptions() {
        state.subscriptionReads++
        if (state.isDown) throw new Error('3scale is down')
        return state.subscribed.map((productId) => ({ productId, state: 'live' }) as Subscription)
      },
      async listApplications() {
        state.reads++
        return state.products.map((productId) => ({ productId }) as ThreescaleApplication)
      },
    },
    cache: createCache({ prefix: 'test', log }),
    overrides: {},
    changedAt: changedAt ?? (() => state.changedAt),
  })
  const all = [1, 2].map((id) => ({ product: { id, systemName: `model-${id}` }, offered: [{}] }))
  return {
    state,
    used: async () => [...(await visibility.usedProducts(caller))],
    visible: async () => (await visibility.filterVisible(all, caller, true)).map(({ product }) => product.id),
    /** As a write or a webhook does, a millisecond before the next read. */
    async change() {
      state.changedAt = Date.now()
      while (Date.now() === state.changedAt) await sleep(1)
    },
  }
}

t.test('the products that a caller uses are read once within some seconds', async (t) => {
  const { state, used } = setup()
  t.same([await used(), await used(), state.reads], [[1], [1], 1])
})

t.test('after a change by the portal they are read again, once', async (t) => {
  const { state, used, change } = setup()
  await used()
  state.products.push(2, 2)
  await change()
  t.same([await used(), await used(), state.reads], [[1, 2], [1, 2], 2])
})

t.test('subscriptions are read once within a minute, and at once after a change of the account', async (t) => {
  const { state, visible, change } = setup()
  t.same([await visible(), await visible(), state.subscriptionReads], [[1], [1], 1])
  state.subscribed = [2]
  t.same(await visible(), [1], 'no call before something reports a change')
  await change()
  t.same([await visible(), await visible(), state.subscriptionReads], [[2], [2], 2])
})

t.test('after a change, the previous subscriptions are used while 3scale does not respond', async (t) => {
  const { state, visible, change } = setup()
  await visible()
  state.subscribed = [2]
  state.isDown = true
  await change()
  t.same(await visible(), [1])
  state.isDown = false
  t.same(await visible(), [2])
})

t.test('every type of webhook makes the subscriptions of its account be read again', async (t) => {
  for (const type of webhookTypes) {
    const versions = createAccountVersions({ redis: undefined, prefix: 'test' })
    const { state, visible } = setup({ changedAt: () => versions.changedAt(caller.accountId) })
    const webhooks = createWebhooks({
      cache: createCache({ prefix: 'test', log }),
      now: Date.now,
      changes: {
        accountChanged: versions.invalidate,
        usersChanged: async () => {},
        productUsed: async () => {},
        catalogueChanged() {},
      },
    })
    await visible()
    state.subscribed = [2]
    await webhooks.receive({ type, action: 'updated', accountId: caller.accountId + 1 })
    t.same(await visible(), [1], 'not by an event of another account')
    await webhooks.receive({ type, action: 'updated', accountId: caller.accountId })
    // A read in the millisecond of the event counts as older than it.
    await sleep(2)
    t.same([await visible(), await visible(), state.subscriptionReads], [[2], [2], 2], type)
    versions.close()
  }
})
