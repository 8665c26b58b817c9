import { problem } from '../../errors.js'

/** A JSON object of 3scale's, or one from XML: every field may be missing and may have another type than promised. */
export type Wire = Record<string, unknown>

/** porta writes an empty list where there is nothing; no list at all is somebody else's answer, not an empty tenant. */
export function unwrap(list: unknown, root: string): Wire[] {
  if (Array.isArray(list)) return list.map((item) => object(object(item)[root]))
  throw problem('threescale_unavailable', { cause: new Error(`3scale answered without a list of ${root}`) })
}

export function object(value: unknown): Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Wire) : {}
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}

/** true and false, also as words: XML has only those. Anything else is what porta's column begins with. */
export function flag(value: unknown, otherwise: boolean): boolean {
  if (value === true || value === 'true' || value === 1 || value === '1') return true
  if (value === false || value === 'false' || value === 0 || value === '0') return false
  return otherwise
}

export function array(value: unknown): Wire[] {
  return Array.isArray(value) ? value.map(object) : []
}

export function number(value: unknown): number {
  const result = typeof value === 'string' || typeof value === 'number' ? Number(value) : 0
  return Number.isFinite(result) ? result : 0
}

/** 3scale writes times in the tenant's zone. */
export function utc(value: unknown): string {
  const time = new Date(text(value))
  return Number.isNaN(time.getTime()) ? '' : time.toISOString().replace('.000Z', 'Z')
}

/** Several values of one field become one text; what is neither text nor number is nobody's field. */
export function textFields(wire: Wire, leaveOut: Set<string>): Record<string, string> {
  const entries = Object.entries(wire).map(([name, value]) => [name, [value].flat()] as const)
  const fields = entries.filter(
    ([name, values]) =>
      !leaveOut.has(name) &&
      values.length > 0 &&
      values.every((value) => typeof value === 'string' || typeof value === 'number'),
  )
  return Object.fromEntries(fields.map(([name, values]) => [name, values.map(text).join(', ')]))
}
