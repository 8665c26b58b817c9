import type { Application as Record3scale } from '../../clients/threescale/nouns.js'
import { applicationIdOf, isKeyOfAttempt, isKeyOfWish, type Origin } from './keys.js'

/** What is asked for with a new application, once it is checked. */
export type Wish = Pick<Record3scale, 'productId' | 'planId' | 'name' | 'description' | 'fields'>

/** What tells a repeat of this request, and a request that asks for something else under the same attempt. */
export function originOf(account: number, attempt: string, { fields, ...rest }: Wish): Origin {
  const sorted = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))
  return { account, attempt, wish: JSON.stringify([rest, sorted]) }
}

/** What an earlier request of the same attempt made; of a product with one key that key alone tells it. */
export function madeBy(origin: Origin, records: Record3scale[]): Record3scale | undefined {
  const applicationId = applicationIdOf(origin)
  return records.find(({ appId, userKey }) => appId === applicationId || isKeyOfAttempt(userKey, origin))
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
