import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createApi } from '../../helper/api.js'
import {
  faults,
  IN_TIME_MS,
  NOTICED_S,
  onlyGood,
  readiness,
  somebody,
  timed,
  underLoad,
  until,
} from '../../helper/faults.js'
import { portBeside, startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/** The sign-in service fails in each way in the middle of load, and while it does, a portal starts that never saw it. */
// minutes of waiting by design, and more on a busy machine
t.setTimeout(600_000)
const stack = await startStack(['threescale', 'identity'])
t.teardown(() => stack.close())
const portal = await stack.portal({ CATALOG_TTL: '3600' })
const { token, cookie } = await somebody(stack)
const api = createApi(stack)
const shown = ['/models', '/applications', '/account']

for (const fault of faults) {
  t.test(fault.name, async (t) => {
    t.equal((await api.get('/me', token)).status, 200)
    const load = underLoad(portal.url, shown, { cookie })
    await sleep(300)
    await fault.begin(stack, 'identity')
    const fresh = await stack.portal({ PORT: portBeside(stack), CATALOG_TTL: '3600' })

    // that it answered a moment ago is believed for three seconds
    await until('sign-in says so', async () => (await createVisitor(stack).raw('/login')).status === 503)
    for (const at of [portal, fresh]) {
      const [login, ms] = await timed(() => fetch(`${at.url}/login`, { redirect: 'manual' }))
      t.equal(login.status, 503)
      t.ok(login.headers.get('retry-after'))
      t.match(await login.text(), 'does not answer')
      t.ok(ms < IN_TIME_MS, `in ${Math.round(ms)} ms`)
    }
    t.equal((await api.get('/me', token)).status, 200, 'a token with a known key is taken')
    const [unknown, ms] = await timed(() => createApi(stack, fresh.url).get('/me', token))
    t.equal(unknown.status, 503, 'one that nobody can judge is not called bad')
    t.equal(unknown.headers.get('www-authenticate'), null)
    t.ok(unknown.headers.get('retry-after'))
    t.ok(ms < IN_TIME_MS, `and that in ${Math.round(ms)} ms`)
    t.equal((await fetch(`${fresh.url}/models`)).status, 200)
    t.match((await readiness(fresh)).checks[1], { name: 'sign-in service', ok: false })

    await fault.end(stack, 'identity')
    const noticed = await Promise.all([
      ...[portal, fresh].map((at) =>
        until('one can sign in', async () => (await fetch(`${at.url}/login`, { redirect: 'manual' })).status === 303),
      ),
      until('tokens too', async () => (await createApi(stack, fresh.url).get('/me', token)).status === 200),
    ])
    t.ok(Math.max(...noticed) < NOTICED_S, `noticed after ${noticed.map((each) => each.toFixed(1)).join(', ')} s`)
    t.equal((await createVisitor(stack).signIn('mary', '/account')).status, 200)
    await load.stop()
    onlyGood(t, load, shown)
    await fresh.stop()
  })
}
