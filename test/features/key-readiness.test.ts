import t from 'tap'
import { createKeyReadiness } from '../../src/features/applications/key-readiness.js'

t.test('a call waits only while a key of its own application was changed just now', async (t) => {
  let at = 1_000_000
  const waits: number[] = []
  const keys = createKeyReadiness({
    now: () => at,
    wait: async (ms) => {
      waits.push(ms)
    },
  })
  await keys.ready(1)
  t.same(waits, [], 'nothing was changed')
  keys.changed(1)
  await keys.ready(2)
  t.same(waits, [], 'another application')
  at += 100
  await keys.ready(1)
  t.same(waits, [500], 'what is left of 0.6 s')
  at += 500
  await keys.ready(1)
  t.same(waits, [500], 'the gateway knows it by now')
})
