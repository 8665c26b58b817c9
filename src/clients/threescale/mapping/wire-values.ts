import { problem } from '../../../errors.js'

/** A JSON or XML object from 3scale: each field may be missing or have another type than documented. */
export type WireObject = Record<string, unknown>

/** porta returns an empty list if there is nothing. A response without a list is not from 3scale, and not an empty tenant. */
export function unwrap(list: unknown, root: string): WireObject[] {
  if (Array.isArray(list)) return list.map((item) => object(object(item)[root]))
  throw problem('threescale_unavailable', { cause: new Error(`3scale returned no list of ${root}`) })
}

/** A response whose record has no id is not from 3scale. */
export function recordIn(response: WireObject, root: string): WireObject {
  const record = object(response[root])
  if (number(record.id) > 0) return record
  throw problem('threescale_unavailable', { cause: new Error(`3scale returned no ${root}`) })
}

export function object(value: unknown): WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as WireObject) : {}
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}

/** true and false, also as text, because XML has text only. Anything else is the default of porta's column. */
export function flag(value: unknown, byDefault: boolean): boolean {
  if (value === true || value === 'true' || value === 1 || value === '1') return true
  if (value === false || value === 'false' || value === 0 || value === '0') return false
  return byDefault
}

export function array(value: unknown): WireObject[] {
  return Array.isArray(value) ? value.map(object) : []
}

export function number(value: unknown): number {
  const result = typeof value === 'string' || typeof value === 'number' ? Number(value) : 0
  return Number.isFinite(result) ? result : 0
}

/** 3scale writes times in the time zone of the tenant. */
export function utc(value: unknown): string {
  const time = new Date(text(value))
  return Number.isNaN(time.getTime()) ? '' : time.toISOString().replace('.000Z', 'Z')
}

/** Several values of a field become one text. A value that is neither text nor number is not a field. */
export function textFields(wire: WireObject, excluded: Set<string>): Record<string, string> {
  const entries = Object.entries(wire).map(([name, value]) => [name, [value].flat()] as const)
  const fields = entries.filter(
    ([name, values]) =>
      !excluded.has(name) &&
      values.length > 0 &&
      values.every((value) => typeof value === 'string' || typeof value === 'number'),
  )
  return Object.fromEntries(fields.map(([name, values]) => [name, values.map(text).join(', ')]))
}
