import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createApi } from '../../../helper/api.js'
import { faults, onlyGood, readiness, signedInUser, underLoad, until } from '../../../helper/faults.js'
import { portBeside, startStack } from '../../../helper/stack.js'
import { createVisitor } from '../../../helper/visitor.js'

/** The identity provider fails in each way under load, and a portal with an empty cache starts during the failure. */
// The waits take minutes, and longer on a busy machine.
t.setTimeout(600_000)
const stack = await startStack(['threescale', 'identity'])
t.teardown(() => stack.close())
const portal = await stack.portal({ CATALOG_TTL: '3600' })
const { token, cookie } = await signedInUser(stack)
const api = createApi(stack)
const shown = ['/models', '/applications', '/account']

for (const fault of faults) {
  t.test(fault.name, async (t) => {
    t.equal((await api.get('/me', token)).status, 200)
    const load = underLoad(portal.url, shown, { cookie })
    await sleep(300)
    await fault.begin(stack, 'identity')
    const fresh = await stack.portal({ PORT: portBeside(stack), CATALOG_TTL: '3600' })

    // A successful response of the provider is cached for three seconds.
    await until('sign-in says so', async () => (await createVisitor(stack).raw('/login')).status === 503)
    for (const at of [portal, fresh]) {
      const login = await fetch(`${at.url}/login`, { redirect: 'manual' })
      t.equal(login.status, 503)
      t.ok(login.headers.get('retry-after'))
      t.match(await login.text(), 'is not responding')
    }
    t.equal((await api.get('/me', token)).status, 200, 'a token with a cached key is accepted')
    const unknown = await createApi(stack, fresh.url).get('/me', token)
    t.equal(unknown.status, 503, 'a token that cannot be verified is not reported as invalid')
    t.equal(unknown.headers.get('www-authenticate'), null)
    t.ok(unknown.headers.get('retry-after'))
    t.equal((await fetch(`${fresh.url}/models`)).status, 200)
    t.match((await readiness(fresh)).checks[1], { name: 'identity provider', ok: false })

    await fault.end(stack, 'identity')
    await Promise.all([
      ...[portal, fresh].map((at) =>
        until('one can sign in', async () => (await fetch(`${at.url}/login`, { redirect: 'manual' })).status === 303),
      ),
      until('tokens too', async () => (await createApi(stack, fresh.url).get('/me', token)).status === 200),
    ])
    t.equal((await createVisitor(stack).signIn('mary', '/account')).status, 200)
    await load.stop()
    onlyGood(t, load, shown)
    await fresh.stop()
  })
}
