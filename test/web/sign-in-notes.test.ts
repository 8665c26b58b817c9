import t from 'tap'
import { createCache } from '../../src/clients/cache.js'
import { createSignInNotes } from '../../src/web/sign-in-notes.js'

const log = { info() {}, warn() {}, error() {} }
const cache = () => createCache({ redis: undefined, prefix: 'test:', log: log as never })

t.test('what happened is kept with the time of the last one, once in ten minutes', async (t) => {
  let now = 1_000_000_000
  const notes = createSignInNotes({ cache: cache(), now: () => now })
  t.same(await notes.read(), {})
  notes.note('absent groups', 'unverified')
  notes.note('present groups')
  t.same(await notes.read(), { 'absent groups': now, unverified: now, 'present groups': now }, 'none is lost')
  const first = now
  now += 9 * 60_000
  notes.note('unverified')
  t.equal((await notes.read()).unverified, first)
  now += 2 * 60_000
  notes.note('unverified')
  t.match(await notes.read(), { unverified: now, 'absent groups': first })
})
