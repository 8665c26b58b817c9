import t from 'tap'
import { createCache } from '../../../src/infra/cache.js'
import { createSignInDiagnostics } from '../../../src/web/auth/sign-in-diagnostics.js'

const log = { info() {}, warn() {}, error() {} }
const cache = () => createCache({ redis: undefined, prefix: 'test:', log: log as never })

t.test('observations have the time of the latest one, written at most every ten minutes', async (t) => {
  let now = 1_000_000_000
  const diagnostics = createSignInDiagnostics({ cache: cache(), now: () => now })
  t.same(await diagnostics.read(), {})
  diagnostics.record('absent groups', 'unverified')
  diagnostics.record('present groups')
  t.same(await diagnostics.read(), { 'absent groups': now, unverified: now, 'present groups': now }, 'none is lost')
  const first = now
  now += 9 * 60_000
  diagnostics.record('unverified')
  t.equal((await diagnostics.read()).unverified, first)
  now += 2 * 60_000
  diagnostics.record('unverified')
  t.match(await diagnostics.read(), { unverified: now, 'absent groups': first })
})
