import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { faults, formFor, onlyGood, readiness, signedInUser, underLoad, until } from '../../../helper/faults.js'
import { portBeside, startStack } from '../../../helper/stack.js'

/** What a user sees when an endpoint fails in that way. A slow response is not a failure, as a model can take that long. */
const seen: Record<string, RegExp> = {
  stopped: /could not be reached/,
  killed: /could not be reached/,
  frozen: /did not (answer|respond)/,
  'slow (10 s)': /Hello|answered/,
  '500': /500/,
  '429': /429/,
  'a web page': /not/,
  'half an answer': /could not be reached|not JSON/,
  'no answer': /did not (answer|respond)/,
}

// The waits take minutes, and longer on a busy machine.
t.setTimeout(600_000)
const stack = await startStack()
t.teardown(() => stack.close())
const portal = await stack.portal({ CATALOG_TTL: '1' })
const { mary, cookie } = await signedInUser(stack)
const result = await mary.submit(await mary.get('/applications/new?model=granite-chat'), /^\/applications$/)
const shown = ['/models', '/models/granite-chat', '/applications', '/account']

for (const fault of faults) {
  t.test(fault.name, async (t) => {
    const load = underLoad(portal.url, shown, { cookie })
    await sleep(300)
    await fault.begin(stack, 'gateway')
    const fresh = await stack.portal({ PORT: portBeside(stack), CATALOG_TTL: '1' })
    const page = await mary.get(new URL(result.url).pathname)
    const trials = [portal, fresh].map(async ({ url }) => {
      const tried = await mary.submit(page, /\/test$/, {}, `${url}${new URL(result.url).pathname}/test`)
      t.ok(tried.status < 500, `Test it returns ${tried.status}`)
      t.match(tried.text, seen[fault.name])
    })
    const form = await formFor(mary, 'deepseek-v1')
    const created = await mary.post('/applications', form)
    t.equal(created.status, 303, 'an application is created regardless')
    t.equal((await fetch(`${fresh.url}/models`)).status, 200)
    t.notMatch((await readiness(fresh)).status, 'stopping')
    await Promise.all(trials)

    await fault.end(stack, 'gateway')
    await until('the model answers', async () => {
      const tried = await mary.submit(page, /\/test$/)
      return /Hello|200/.test(tried.text) && !/could not|did not|is not responding/.test(tried.text)
    })
    await load.stop()
    onlyGood(t, load, shown)
    await fresh.stop()
  })
}
