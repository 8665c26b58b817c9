import t from 'tap'
import { createKeyReadiness } from '../../../../../src/features/applications/keys/gateway-sync/key-readiness.js'

t.test('a call waits only while a key of its own application was changed recently', async (t) => {
  let at = 1_000_000
  const waits: number[] = []
  const keys = createKeyReadiness({
    now: () => at,
    wait: async (ms) => {
      waits.push(ms)
    },
  })
  await keys.waitUntilReady(1)
  t.same(waits, [], 'no change')
  keys.markChanged(1)
  await keys.waitUntilReady(2)
  t.same(waits, [], 'another application')
  at += 100
  await keys.waitUntilReady(1)
  t.same(waits, [500], 'the remainder of 0.6 s')
  at += 500
  await keys.waitUntilReady(1)
  t.same(waits, [500], 'the gateway has the key')
})
