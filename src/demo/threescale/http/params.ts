import { type Answer, answers } from './responses.js'

/** Parameters as Rails reads them: body and query merged, the query wins; `a[b]=c` nests and `a[]=c` appends to a list. */
export type Params = Record<string, unknown>

export function parseForm(text: string): Params {
  const params: Params = {}
  for (const [name, value] of new URLSearchParams(text)) {
    const nested = /^([^[]+)\[([^\]]*)\]$/.exec(name)
    if (!nested) params[name] = value
    else if (nested[2] === '') params[nested[1] ?? ''] = [...listOf(params[nested[1] ?? '']), value]
    else params[nested[1] ?? ''] = { ...objectOf(params[nested[1] ?? '']), [nested[2] ?? '']: value }
  }
  return params
}

/** A text parameter without a wrapper. Nested values are ignored, because `params.permit` drops them. */
export function textOf(params: Params, name: string): string | undefined {
  const value = params[name]
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined
}

/** Rails' booleans: these words are false, an empty one is nothing, all others are true. */
export function flagOf(params: Params, name: string): boolean | undefined {
  const value = textOf(params, name)
  if (value === undefined || value === '') return undefined
  return !['false', 'f', '0', 'off', 'FALSE', 'F', 'OFF'].includes(value)
}

/**
 * The parameters of a wrapped family: under their wrapper, or flat in the body, from where Rails' `wrap_parameters` copies
 * what are attributes of the model. In the query string they are not wrapped.
 */
export function wrapped(
  { params, body }: { params: Params; body: Params },
  wrapper: string,
  attributes: string[],
): { attributes: Params } | { refusal: Answer } {
  const given = params[wrapper]
  if (given !== undefined && given !== '' && typeof given !== 'object') return { refusal: answers.wrongType(wrapper) }
  const source = given === undefined ? body : objectOf(given)
  const accepted = Object.fromEntries(Object.entries(source).filter(([name]) => attributes.includes(name)))
  return Object.keys(accepted).length > 0 ? { attributes: accepted } : { refusal: answers.missing(wrapper) }
}

function objectOf(value: unknown): Params {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Params) : {}
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

/** Whether a text of the parameters, however deep, holds a NUL. */
export function hasNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0')
  return typeof value === 'object' && value !== null && Object.values(value).some(hasNul)
}

/** 3scale's tables on MySQL use utf8mb3, which ends at U+FFFF. */
export function holdsBeyondBmp(text: string | undefined): boolean {
  return text !== undefined && /[\u{10000}-\u{10ffff}]/u.test(text)
}
