import type { Application as Record3scale } from '../../clients/threescale/nouns.js'
import { isApplicationIdOf, isKeyOfAttempt, isKeyOfWish, type Origin } from './keys.js'

/** What is asked for with a new application, once it is checked. */
export type Wish = Pick<Record3scale, 'productId' | 'planId' | 'name' | 'description' | 'fields'>

/** What tells a repeat of this request, and a request that asks for something else under the same attempt. */
export function originOf(account: number, attempt: string, { fields, ...rest }: Wish): Origin {
  const sorted = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))
  return { account, attempt, wish: JSON.stringify([rest, sorted]) }
}

/**
 * What requests of the same attempt created, the oldest first; of a product with one key that key alone identifies it. More
 * than one where several requests were under way at once: 3scale accepts them all.
 */
export function createdBy(origin: Origin, records: Record3scale[]): Record3scale[] {
  return records
    .filter(({ appId, userKey }) => isApplicationIdOf(appId, origin) || isKeyOfAttempt(userKey, origin))
    .sort((one, other) => one.id - other.id)
}

/**
 * Whether it was made by the same wish: the key that was made with it tells, whatever was changed since. Where that key
 * is gone, the application itself has to.
 */
export function isSameWish(origin: Origin, wish: Wish, record: Record3scale, keys: { value: string }[]): boolean {
  const key = keys.find(({ value }) => isKeyOfAttempt(value, origin))?.value
  if (key !== undefined) return isKeyOfWish(key, origin)
  const { fields, ...rest } = wish
  return (
    Object.entries(rest).every(([name, value]) => record[name as keyof typeof rest] === value) &&
    Object.entries(fields).every(([name, value]) => record.fields[name] === value)
  )
}
