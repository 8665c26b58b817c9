import { type Static, type TProperties, type TSchema, Type } from 'typebox'
import { problem } from '../errors.js'

/** Every list of the API takes these and answers `{ items, next_cursor }`. */
export const Paging = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 300, description: '`next_cursor` of the page before' })),
})
export type Paging = Static<typeof Paging>

/** The answer of every list. */
export function Page<T extends TSchema, More extends TProperties = Record<never, never>>(item: T, more?: More) {
  return Type.Object({
    items: Type.Array(item),
    next_cursor: Type.Union([Type.String(), Type.Null()], {
      description: 'send it as `cursor` for the next page; null: this is the last',
    }),
    ...(more ?? ({} as More)),
  })
}

/** One page of an ordered list; the cursor names the last item given, so what is added meanwhile shifts nothing. */
export function pageOf<T>(all: T[], { limit = 50, cursor }: Paging, keyOf: (item: T) => string | number) {
  const start = cursor === undefined ? 0 : after(all, cursor, keyOf)
  const items = all.slice(start, start + limit)
  const last = items.at(-1)
  const more = start + limit < all.length && last !== undefined
  return { items, next_cursor: more ? Buffer.from(String(keyOf(last))).toString('base64url') : null }
}

function after<T>(all: T[], cursor: string, keyOf: (item: T) => string | number): number {
  const key = Buffer.from(cursor, 'base64url').toString('utf8')
  const index = all.findIndex((item) => String(keyOf(item)) === key)
  if (index === -1)
    throw problem('invalid_fields', { fields: { cursor: 'This cursor is no longer known. Start again without it.' } })
  return index + 1
}
