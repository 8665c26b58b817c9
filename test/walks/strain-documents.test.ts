import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { LONGEST_BLOCK_MS, MOST_GROWTH_MB, strainOf } from '../helper/event-loop.js'
import { hostileDocuments } from '../helper/hostile-documents.js'
import { startStack } from '../helper/stack.js'

const stack = await startStack()
const portal = await stack.portal({ CATALOG_TTL: '1' })
t.teardown(() => stack.close())
const { services } = await stack.state()
const idOf = (name: string) => services.find(({ system_name }) => system_name === name)?.id
const upload = (name: string, body: string) => stack.put('/_demo/active_docs', { service_id: idOf(name), body })
const page = async (name: string) => (await fetch(`${portal.url}/models/${name}/reference`)).text()

/** Until the catalogue was read that began after this. */
async function refreshed(): Promise<void> {
  const reads = async () =>
    Object.entries(await stack.calls()).reduce(
      (sum, [call, count]) => sum + (call.includes('active_docs') ? count : 0),
      0,
    )
  const wanted = (await reads()) + 2
  while ((await reads()) < wanted) await sleep(50)
}

for (const [name, text] of Object.entries(hostileDocuments)) {
  t.test(`${name}: neither the catalogue nor the reference holds up others`, async (t) => {
    const { value, blockedMs, grownMb } = await strainOf(portal, async () => {
      await upload('hostile-name', text())
      await refreshed()
      return [await page('hostile-name'), await page('hostile-name')]
    })
    const [first = '', second = ''] = value
    t.match(first, 'API reference of')
    t.match(second, 'API reference of')
    t.ok(second.length < 2_000_000, `a page of ${second.length} characters`)
    t.ok(blockedMs < LONGEST_BLOCK_MS, `blocked for ${Math.round(blockedMs)} ms`)
    t.ok(grownMb < MOST_GROWTH_MB, `${Math.round(grownMb)} MB more`)
  })
}

/** What came of a document, which for the dearest ones depends on the machine. */
const outcomes = [
  /From the uploaded spec/,
  /names no operation/,
  /No mapping rule of the gateway matches/,
  /cannot be read/,
  /too complex to be read/,
]
const outcomeOf = (text: string) => outcomes.find((words) => words.test(text))?.source

t.test('what is read once is not read again, whatever came of it', async (t) => {
  for (const name of ['YAML mappings as keys', 'forty thousand keys', 'as many fields as are shown']) {
    await upload('hostile-name', hostileDocuments[name]?.() ?? '')
    await refreshed()
    let outcome: string | undefined
    while (outcome === undefined) {
      // pages have a limit, whose message is no outcome
      await sleep(500)
      outcome = outcomeOf(await page('hostile-name'))
    }
    const { value, blockedMs } = await strainOf(portal, () =>
      Promise.all(Array.from({ length: 20 }, () => page('hostile-name'))),
    )
    t.same([...new Set(value.map(outcomeOf))], [outcome], name)
    t.ok(blockedMs < LONGEST_BLOCK_MS, `${name}: blocked for ${Math.round(blockedMs)} ms`)
  }
})
