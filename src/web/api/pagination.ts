import type { FastifyRequest } from 'fastify'
import { type Static, type TProperties, type TSchema, Type } from 'typebox'
import { problem } from '../../errors.js'
import { hashJson } from '../../infra/crypto/json-hash.js'
import { cursorErrors } from './messages.js'

/** Version of the cursor format. Cursors of other versions are rejected. */
const VERSION = 1

/** Parameters of every list of the API. The response is `{ items, next_cursor }`. */
export const Paging = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 50, description: 'Items per page.' })),
  // the longest: a name of 255 characters, each escaped
  cursor: Type.Optional(
    Type.String({
      maxLength: 4096,
      description:
        '`next_cursor` of the previous page, with the same sort and filters. It remains valid if items are deleted.',
    }),
  ),
})
export type Paging = Static<typeof Paging>

/** Schema of a list, named after its items: `ApplicationList`. */
export function Page<T extends TSchema, More extends TProperties = Record<never, never>>(item: T, more?: More) {
  const { $id } = item as { $id?: string }
  if ($id === undefined) throw new Error('The items of a list require a name ($id).')
  return Type.Object(
    {
      items: Type.Array(item),
      next_cursor: Type.Union([Type.String(), Type.Null()], {
        description: 'Send it as `cursor` to get the next page. Null on the last page.',
      }),
      ...(more ?? ({} as More)),
    },
    { $id: `${$id}List` },
  )
}

type Key = string | number
/** Sort key of an item and its unique id. */
type Position = readonly [key: Key, id: Key]

/** Order of a list: by key, then by id. */
export interface SortOrder<T> {
  positionOf(item: T): Position
  /** comparison of keys; by default numeric, or by code unit */
  compare?(a: Key, b: Key): number
  descending?: boolean
  /** true: not a list of one account, so its cursors are valid for every account */
  shared?: boolean
}

/** Order by id. */
export function byId<T>(idOf: (item: T) => Key, { descending = false } = {}): SortOrder<T> {
  return { positionOf: (item) => ['', idOf(item)], descending }
}

/** A sorted copy. */
export function sorted<T>(all: T[], order: SortOrder<T>): T[] {
  const positions = all.map((item) => ({ item, position: order.positionOf(item) }))
  positions.sort((a, b) => comparePositions(order, a.position, b.position))
  return positions.map(({ item }) => item)
}

/**
 * One page of a sorted list. The cursor holds the position of the last item, so the next page starts with the first item after it, even
 * if that item was deleted. It also holds a hash of the path, the account and the parameters, and is rejected if one of them differs. It
 * is not signed: a forged cursor is only another position in the caller's own list.
 */
export function paginate<T>(request: FastifyRequest, all: T[], order: SortOrder<NoInfer<T>>) {
  const { limit = 50, cursor } = request.query as Paging
  const ordered = sorted(all, order)
  const context = contextOf(request, order)
  const start = cursor === undefined ? 0 : firstAfter(ordered, order, parseCursor(cursor, context))
  const items = ordered.slice(start, start + limit)
  const last = items.at(-1)
  const more = start + limit < ordered.length && last !== undefined
  return { items, next_cursor: more ? createCursor(order.positionOf(last), context) : null }
}

function firstAfter<T>(ordered: T[], order: SortOrder<T>, position: Position): number {
  const [first] = ordered
  if (first !== undefined && order.positionOf(first).some((part, at) => typeof part !== typeof position[at]))
    throw malformed()
  const index = ordered.findIndex((item) => comparePositions(order, order.positionOf(item), position) > 0)
  return index === -1 ? ordered.length : index
}

function comparePositions<T>({ compare = compareKeys, descending }: SortOrder<T>, a: Position, b: Position): number {
  return (compare(a[0], b[0]) || compareKeys(a[1], b[1])) * (descending ? -1 : 1)
}

function compareKeys(a: Key, b: Key): number {
  return a === b ? 0 : a < b ? -1 : 1
}

/** What a cursor is valid for, as hashes: a cursor is short and does not reveal the filters. */
interface Context {
  list: string
  sort: string
  filters: string
}

function contextOf(request: FastifyRequest, { shared = false }: Pick<SortOrder<unknown>, 'shared'>): Context {
  const { limit: _limit, cursor: _cursor, sort = '', ...filters } = request.query as Record<string, unknown>
  const sent = Object.entries(filters).filter(([, value]) => value !== undefined && value !== '')
  return {
    list: hashOf([request.routeOptions.url, request.params, shared ? '' : request.caller?.accountId]),
    sort: hashOf(sort),
    filters: hashOf(sent.sort(([a], [b]) => compareKeys(a, b))),
  }
}

function hashOf(value: unknown): string {
  return hashJson(value, 8)
}

function createCursor(position: Position, { list, sort, filters }: Context): string {
  return Buffer.from(JSON.stringify([VERSION, ...position, list, sort, filters])).toString('base64url')
}

function parseCursor(cursor: string, context: Context): Position {
  const [version, key, id, list, sort, filters, ...more] = partsOf(cursor)
  if (version !== VERSION || !isKey(key) || !isKey(id) || typeof filters !== 'string' || more.length > 0)
    throw malformed()
  if (list !== context.list) throw cursorError(cursorErrors.otherList)
  if (sort !== context.sort) throw cursorError(cursorErrors.otherSort)
  if (filters !== context.filters) throw cursorError(cursorErrors.otherFilters)
  return [key, id]
}

function partsOf(cursor: string): unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    return Array.isArray(parts) ? parts : []
  } catch {
    return []
  }
}

function isKey(value: unknown): value is Key {
  return typeof value === 'string' || typeof value === 'number'
}

function malformed() {
  return cursorError(cursorErrors.malformed)
}

function cursorError(message: string) {
  return problem('invalid_fields', { fields: { cursor: message } })
}
