import t from 'tap'
import { createDocuments } from '../../../../src/composition/documents/document-reader.js'
import { LONGEST_BLOCK_MS, MOST_GROWTH_MB, strainHere } from '../../../helper/event-loop.js'
import { hostileDocuments } from '../../../helper/hostile-documents.js'

t.test('hostile documents do not block the event loop, neither in the process nor in the thread', async (t) => {
  const { reference, facts, close } = createDocuments({ log: { warn: () => {}, info: () => {} } })
  t.teardown(close)
  for (const [name, text] of Object.entries(hostileDocuments)) {
    const body = text()
    t.ok(body.length <= 4_000_000, name)
    const { value, blockedMs, grownMb } = await strainHere(async () => [await facts(body), await reference(body)])
    t.ok(JSON.stringify(value).length < 3_000_000, name)
    t.ok(blockedMs < LONGEST_BLOCK_MS, `${name}: blocked for ${blockedMs} ms`)
    t.ok(grownMb < MOST_GROWTH_MB, `${name}: ${grownMb} MB more`)
  }
})
