import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import {
  faults,
  formFor,
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

/** What somebody sees of an endpoint that fails in that way; in its own time, which a model may need. */
const seen: Record<string, RegExp> = {
  stopped: /could not be reached/,
  killed: /could not be reached/,
  frozen: /did not answer/,
  'slow (10 s)': /Hello|answered/,
  '500': /500/,
  '429': /429/,
  'a web page': /not/,
  'half an answer': /could not be reached|not JSON/,
  'no answer': /did not answer/,
}

// minutes of waiting by design, and more on a busy machine
t.setTimeout(600_000)
const stack = await startStack()
t.teardown(() => stack.close())
const portal = await stack.portal({ CATALOG_TTL: '1' })
const { mary, cookie } = await somebody(stack)
const made = await mary.submit(await mary.get('/applications/new?model=granite-chat'), /^\/applications$/)
const shown = ['/models', '/models/granite-chat', '/applications', '/account']

for (const fault of faults) {
  t.test(fault.name, async (t) => {
    const load = underLoad(portal.url, shown, { cookie })
    await sleep(300)
    await fault.begin(stack, 'gateway')
    const fresh = await stack.portal({ PORT: portBeside(stack), CATALOG_TTL: '1' })
    const page = await mary.get(new URL(made.url).pathname)
    const trials = [portal, fresh].map(async ({ url }) => {
      const tried = await mary.submit(page, /\/test$/, {}, `${url}${new URL(made.url).pathname}/test`)
      t.ok(tried.status < 500, `Test it answers ${tried.status}`)
      t.match(tried.text, seen[fault.name])
    })
    const form = await formFor(mary, 'deepseek-v1')
    const [created, ms] = await timed(() => mary.post('/applications', form))
    t.equal(created.status, 303, 'an application is made all the same')
    t.ok(ms < IN_TIME_MS, `in ${Math.round(ms)} ms, whatever its model server would say`)
    t.equal((await fetch(`${fresh.url}/models`)).status, 200)
    t.notMatch((await readiness(fresh)).status, 'stopping')
    await Promise.all(trials)

    await fault.end(stack, 'gateway')
    const noticed = await until('the model answers', async () => {
      const tried = await mary.submit(page, /\/test$/)
      return /Hello|200/.test(tried.text) && !/could not|did not/.test(tried.text)
    })
    t.ok(noticed < NOTICED_S, `noticed after ${noticed.toFixed(1)} s`)
    await load.stop()
    onlyGood(t, load, shown)
    await fresh.stop()
  })
}
