import fc from 'fast-check'
import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { isProblem } from '../../../src/errors.js'
import {
  type ApplicationSort,
  applicationSorts,
  filterAndSort,
  sortOrder,
} from '../../../src/features/applications/filters.js'
import type { Application } from '../../../src/features/applications/schemas.js'
import { byId, paginate, type SortOrder } from '../../../src/web/api/pagination.js'

/** The parts of a request that determine where a cursor is valid. */
function requestOf(query: object, { url = '/api/v1/things', accountId = 1, params = {} } = {}): FastifyRequest {
  return { query, params, routeOptions: { url }, caller: { accountId } } as unknown as FastifyRequest
}

function failureOf(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    return isProblem(error, 'invalid_fields') ? (error.fields?.cursor ?? '') : String(error)
  }
  return ''
}

type Row = Pick<Application, 'id' | 'name' | 'state' | 'created_at'> & Partial<Application>
const rows = (list: Row[]) => list as Application[]

/** Names and times that are often equal, or equal only to the collator. */
const row = fc.record({
  name: fc.constantFrom('a', 'A', 'á', 'b 2', 'b 10', 'B 2', '', '2', '02', 'ß', 'ss', '\u{1f600}', 'Robot 77'),
  model_name: fc.constantFrom('Granite', 'granite', 'Llama'),
  description: fc.constant(''),
  plan_name: fc.constant('Basic'),
  model: fc.constantFrom('granite-chat', 'llama-chat'),
  state: fc.constantFrom<Application['state']>('live', 'pending', 'suspended'),
  created_at: fc.constantFrom('2026-03-01T10:00:00Z', '2026-03-01T10:00:01Z', '2026-11-01T00:00:00Z'),
})
type Change = { kind: 'delete' | 'insert' | 'state'; at: number; row: Omit<Row, 'id'> }
const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom('delete', 'insert', 'state'),
  at: fc.nat(),
  row: row as fc.Arbitrary<Omit<Row, 'id'>>,
})

t.test('rows are deleted, added or changed between pages: every remaining row is returned once', async (t) => {
  let changed = 0
  fc.assert(
    fc.property(
      fc.array(row, { maxLength: 25, size: 'max' }),
      fc.array(fc.array(change, { maxLength: 4, size: 'max' }), { minLength: 30, maxLength: 30 }),
      fc.constantFrom<ApplicationSort | undefined>(
        undefined,
        ...applicationSorts.filter((sort) => !sort.endsWith('state')),
      ),
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom(undefined, 'live', 'pending'),
      (first, rounds, sort, limit, state) => {
        let next = 1
        let list: Row[] = first.map((each) => ({ ...each, id: next++ }))
        // Those that match the filter from the first page to the last.
        let staying = new Set(list.filter((one) => !state || one.state === state).map(({ id }) => id))
        const input: number[] = []
        let cursor: string | null | undefined
        for (const changes of rounds) {
          const query = { limit, sort, state, ...(cursor ? { cursor } : {}) }
          const page = paginate(requestOf(query), filterAndSort(rows(list), { state, sort }), sortOrder(sort))
          input.push(...page.items.map(({ id }) => id))
          cursor = page.next_cursor
          if (cursor === null) break
          changed += changes.length
          for (const { kind, at, row: added } of changes) {
            const target = list[at % Math.max(1, list.length)]
            if (kind === 'insert') list.push({ ...added, id: next++ })
            else if (kind === 'delete') list = list.filter((one) => one !== target)
            else list = list.map((one) => (one === target ? { ...one, state: added.state } : one))
          }
          const matching = new Set(list.filter((one) => !state || one.state === state).map(({ id }) => id))
          staying = new Set([...staying].filter((id) => matching.has(id)))
        }
        fc.pre(cursor === null)
        return new Set(input).size === input.length && [...staying].every((id) => input.includes(id))
      },
    ),
    { numRuns: 2000 },
  )
  t.ok(changed > 1000, `${changed} changes`)
})

t.test('all pages together are the sorted list, for every sort order and page size', async (t) => {
  let pages = 0
  fc.assert(
    fc.property(
      fc.array(row, { maxLength: 40, size: 'max' }),
      fc.constantFrom<ApplicationSort | undefined>(undefined, ...applicationSorts),
      fc.integer({ min: 1, max: 12 }),
      (first, sort, limit) => {
        const all = filterAndSort(rows(first.map((each, at) => ({ ...each, id: at + 1 }))), { sort })
        const input: number[] = []
        for (let cursor: string | null | undefined; cursor !== null; ) {
          pages++
          const page = paginate(requestOf({ limit, sort, ...(cursor && { cursor }) }), all, sortOrder(sort))
          input.push(...page.items.map(({ id }) => id))
          cursor = page.next_cursor
        }
        return input.join() === all.map(({ id }) => id).join()
      },
    ),
  )
  t.ok(pages > 200, `${pages} pages`)
})

t.test(
  'a cursor is valid for one list, account, sort order and filter, and the error names the difference',
  async (t) => {
    const all = Array.from({ length: 9 }, (_, at) => ({ id: at + 1 }))
    const order: SortOrder<{ id: number }> = byId(({ id }) => id)
    const query = { limit: 2, sort: '-created', q: 'robot', model: '' }
    const cursor = paginate(requestOf(query), all, order).next_cursor ?? ''
    const again = (other: object, where = {}) =>
      failureOf(() => paginate(requestOf({ ...query, cursor, ...other }, where), all, order))
    t.equal(again({}), '')
    t.equal(again({ limit: 5, model: undefined }), '', 'the page size may change, and an empty filter is no filter')
    t.match(again({}, { url: '/api/v1/others' }), 'another list or account')
    t.match(again({}, { params: { id: '2' } }), 'another list or account')
    t.match(again({}, { accountId: 2 }), 'another list or account')
    t.match(again({ sort: 'name' }), 'another sort order')
    t.match(again({ sort: undefined }), 'another sort order')
    for (const other of [
      { q: 'needle' },
      { q: undefined },
      { model: 'granite-chat' },
      { state: 'live' },
      { name: 'a' },
    ])
      t.match(again(other), 'other filters', JSON.stringify(other))
    const shared = { ...order, shared: true }
    const open = paginate(requestOf(query), all, shared).next_cursor
    t.equal(
      failureOf(() => paginate(requestOf({ ...query, cursor: open }, { accountId: 2 }), all, shared)),
      '',
    )
  },
)

t.test('a truncated, forged or foreign cursor is rejected, and cursors do not reveal filters', async (t) => {
  const all = Array.from({ length: 9 }, (_, at) => ({ id: at + 1 }))
  const order = byId(({ id }: { id: number }) => id)
  const query = { limit: 2, q: 'confidential' }
  const cursor = paginate(requestOf(query), all, order).next_cursor ?? ''
  const plain = Buffer.from(cursor, 'base64url').toString()
  t.notMatch(plain, 'confidential')
  const parts = JSON.parse(plain) as unknown[]
  const coded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const cases = [
    '',
    'AAAA',
    '%',
    cursor.slice(0, -6),
    `${cursor}${cursor}`,
    coded({}),
    coded(null),
    coded([]),
    coded(5),
  ]
  const created = [
    parts.with(0, 0),
    parts.with(0, '1'),
    parts.with(1, null),
    parts.with(2, 'three'),
    parts.with(2, [3]),
    [...parts, 1],
    parts.slice(0, -1),
  ]
  for (const each of [...cases, ...created.map(coded)])
    t.equal(
      failureOf(() => paginate(requestOf({ ...query, cursor: each }), all, order)),
      'This cursor is not valid. Start without a cursor.',
      each,
    )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json().map((text) => Buffer.from(text).toString('base64url')),
      ),
      (text) =>
        failureOf(() => paginate(requestOf({ ...query, cursor: text }), all, order)).startsWith('This cursor is'),
    ),
  )
  const beyond = paginate(requestOf({ ...query, cursor: coded(parts.with(2, 1e9)) }), all, order)
  t.same(beyond, { items: [], next_cursor: null }, 'a position after the last row has no next page')
  t.same(paginate(requestOf({ ...query, cursor }), [], order), { items: [], next_cursor: null })
})

t.test('a search for an id returns that application, a part of an id returns nothing', async (t) => {
  const list = rows([
    { id: 3018, name: 'first', state: 'live', created_at: '2026-03-01T10:00:00Z' },
    { id: 4001, name: '01 second', state: 'live', created_at: '2026-03-01T10:00:00Z' },
  ])
  const found = (filters: object) => filterAndSort(list, filters).map(({ id }) => id)
  t.same(found({ q: '3018' }), [3018])
  t.same(found({ q: '01' }), [4001])
  t.same(found({ q: '018' }), [])
  t.same(found({ name: 'first' }), [3018])
  for (const name of ['First', 'firs', ' first']) t.same(found({ name }), [], name)
})
