import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { LONGEST_BLOCK_MS, MOST_GROWTH_MB, strainOf } from '../../../helper/event-loop.js'
import { hostileDocuments } from '../../../helper/hostile-documents.js'
import { startStack } from '../../../helper/stack.js'

const stack = await startStack()
const portal = await stack.portal({ CATALOG_TTL: '1' })
t.teardown(() => stack.close())
const { services } = await stack.state()
const idOf = (name: string) => services.find(({ system_name }) => system_name === name)?.id
const upload = (name: string, body: string) => stack.put('/_demo/active_docs', { service_id: idOf(name), body })
const page = async (name: string) => (await fetch(`${portal.url}/models/${name}/reference`)).text()

/** Waits for a catalogue refresh that began after this call. */
async function refreshed(): Promise<void> {
  const reads = async () =>
    Object.entries(await stack.calls()).reduce(
      (sum, [call, count]) => sum + (call.includes('active_docs') ? count : 0),
      0,
    )
  const required = (await reads()) + 2
  while ((await reads()) < required) await sleep(50)
}

for (const [name, text] of Object.entries(hostileDocuments)) {
  t.test(`${name}: the catalogue and the reference do not block other requests`, async (t) => {
    const { value, blockedMs, grownMb } = await strainOf(portal, async () => {
      await upload('hostile-name', text())
      await refreshed()
      return [await page('hostile-name'), await page('hostile-name')]
    })
    const [first = '', second = ''] = value
    t.match(first, 'API reference: ')
    t.match(second, 'API reference: ')
    t.ok(second.length < 2_000_000, `a page of ${second.length} characters`)
    t.ok(blockedMs < LONGEST_BLOCK_MS, `blocked for ${Math.round(blockedMs)} ms`)
    t.ok(grownMb < MOST_GROWTH_MB, `${Math.round(grownMb)} MB more`)
  })
}

/** The outcome of a document, which for the most expensive ones depends on the machine. */
const outcomes = [
  /From the uploaded spec/,
  /contains no operation/,
  /No mapping rule of the gateway matches/,
  /cannot be read/,
  /is too complex/,
]
const outcomeOf = (text: string) => outcomes.find((words) => words.test(text))?.source

t.test('a document is read once, whatever the outcome', async (t) => {
  for (const name of ['YAML mappings as keys', 'forty thousand keys', 'as many fields as are shown']) {
    await upload('hostile-name', hostileDocuments[name]?.() ?? '')
    await refreshed()
    let outcome: string | undefined
    for (let attempt = 0; outcome === undefined && attempt < 60; attempt++) {
      // Pages have a rate limit, whose message is not an outcome.
      await sleep(500)
      outcome = outcomeOf(await page('hostile-name'))
    }
    t.type(outcome, 'string', `${name}: the page states the outcome`)
    const { value, blockedMs } = await strainOf(portal, () =>
      Promise.all(Array.from({ length: 20 }, () => page('hostile-name'))),
    )
    t.same([...new Set(value.map(outcomeOf))], [outcome], name)
    t.ok(blockedMs < LONGEST_BLOCK_MS, `${name}: blocked for ${Math.round(blockedMs)} ms`)
  }
})
