import { type TProperties, type TSchema, Type } from 'typebox'
import { problem } from '../../../errors.js'
import { READ_ONLY } from './messages.js'

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i

/** Read-only members in the schema of a change: they may be sent, and are only compared. */
export function readOnlyProperties<T extends TProperties>(properties: T) {
  const entries = Object.entries(properties).map(([name, type]) => {
    const { $id: _, ...plain } = type as TSchema & { $id?: string }
    return [name, Type.Optional(Type.Unsafe<unknown>({ ...plain, readOnly: true }))]
  })
  return Object.fromEntries(entries) as {
    [K in keyof T]: ReturnType<typeof Type.Optional<ReturnType<typeof Type.Unsafe<unknown>>>>
  }
}

/**
 * Read-only members of a JSON merge patch (RFC 7396) may be sent with their current value, so that a client can send back the whole
 * object. Throws invalid_fields, which names each member with another value.
 */
export function assertReadOnlyUnchanged(current: object, sent: object): void {
  const fields = Object.fromEntries(changesOf(current, sent, '').map((name) => [name, READ_ONLY]))
  if (Object.keys(fields).length > 0) throw problem('invalid_fields', { fields })
}

/** Names of members with another value. Names of nested members are joined with a dot. */
function changesOf(current: unknown, sent: object, prefix: string): string[] {
  const currentValues = new Map(isObject(current) ? Object.entries(current) : [])
  return Object.entries(sent).flatMap(([name, value]) => {
    const now = currentValues.get(name)
    if (isObject(value) && isObject(now)) return changesOf(now, value, `${prefix}${name}.`)
    return isSame(now, value) ? [] : [prefix + name]
  })
}

/** In a merge patch, null means absent. A time can be written in several ways. */
function isSame(now: unknown, sent: unknown): boolean {
  if (typeof now === 'string' && typeof sent === 'string' && TIME.test(now) && TIME.test(sent))
    return Date.parse(now) === Date.parse(sent)
  return JSON.stringify(now ?? null) === JSON.stringify(sent ?? null)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
