import t from 'tap'
import { createLargeLists } from '../../../src/clients/threescale/large-lists.js'
import { runWithDeadline } from '../../../src/infra/call-context.js'

/** Lists whose reads end when the test says so. */
function listsOf() {
  const reads: { accountId: number; end(rows: string[]): void; fail(error: Error): void }[] = []
  const lists = createLargeLists('3scale')
  const read = (accountId: number) =>
    lists.read(accountId, () => new Promise<string[]>((end, fail) => reads.push({ accountId, end, fail })))
  return { reads, read }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

t.test('a read continues after its caller has got a 503, and no second one begins meanwhile', async (t) => {
  const { reads, read } = listsOf()
  await t.rejects(
    runWithDeadline(20, () => read(7)),
    { code: 'threescale_busy' },
  )
  const second = read(7)
  const third = read(7)
  await turn()
  t.equal(reads.length, 1)
  reads[0]?.end(['old'])
  await turn()
  t.equal(reads.length, 2, 'who asked later gets a list that was read later, all of them the same')
  reads[1]?.end(['new'])
  t.same(await Promise.all([second, third]), [['new'], ['new']])
})

t.test('lists of several accounts are read one after the other, also after a failure', async (t) => {
  const { reads, read } = listsOf()
  const first = read(7)
  const other = read(8)
  await turn()
  t.same(
    reads.map(({ accountId }) => accountId),
    [7],
  )
  reads[0]?.fail(new Error('gone'))
  await t.rejects(first, { message: 'gone' })
  await turn()
  reads[1]?.end(['of 8'])
  t.same(await other, ['of 8'])
})
