import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { formFor, onlyGood, readiness, signedInUser, underLoad, until } from '../../../helper/faults.js'
import { portBeside, startRedis, startStack } from '../../../helper/stack.js'
import { createVisitor } from '../../../helper/visitor.js'

const stack = await startStack(['threescale', 'identity'])
let redis = await startRedis()
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})
const settings = { CATALOG_TTL: '1', REDIS_URL: redis.url }
const portal = await stack.portal(settings)
const { mary, cookie } = await signedInUser(stack)
const shown = ['/models', '/models/granite-chat', '/applications', '/account']
const ways = ['killed', 'frozen']

for (const name of ways) {
  t.test(name, async (t) => {
    const load = underLoad(portal.url, shown, { cookie })
    await sleep(1000)
    if (name === 'frozen') redis.freeze()
    else await redis.stop()
    const fresh = await stack.portal({ ...settings, PORT: portBeside(stack) })
    for (const path of shown)
      t.equal((await mary.at(fresh.url)(path)).status, 200, `${path} of a portal that has just started`)
    const form = await formFor(mary, 'mistral-chat')
    t.equal((await mary.post('/applications', form)).status, 303)
    t.match(
      (await readiness(portal)).checks.find((check) => check.name === 'redis'),
      { ok: false },
    )
    const away = createVisitor(stack)
    await away.signIn('mary')
    const copied = new Map(away.jar)
    await away.submit(await away.get('/account'), /\/logout/)
    for (const [key, value] of copied) away.jar.set(key, value)
    t.equal((await away.raw('/account')).status, 303, 'a sign-out without Redis')
    t.equal((await away.at(fresh.url)('/account')).status, 200, 'is unknown to other replicas')
    await sleep(1500)
    if (name === 'frozen') redis.thaw()
    else redis = await startRedis(redis.port)
    for (const at of [portal, fresh])
      await until('Redis is found again', async () => (await readiness(at)).checks.every(({ ok }) => ok))
    await until('and to the other one, once Redis is back', async () => {
      return (await away.at(fresh.url)('/account')).status === 303
    })
    const other = createVisitor(stack)
    await other.signIn('mary')
    const stolen = new Map(other.jar)
    await other.submit(await other.get('/account'), /\/logout/)
    for (const [key, value] of stolen) other.jar.set(key, value)
    await until(
      'a sign-out is heard of by the other',
      async () => (await other.at(fresh.url)('/account')).status === 303,
    )
    await load.stop()
    onlyGood(t, load, shown)
    await fresh.stop()
  })
}
