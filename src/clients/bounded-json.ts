import { problem } from '../errors.js'

/** What the portal reads of JSON that a model server wrote. Twenty embeddings of 4,096 dimensions are within it. */
const MOST_DEPTH = 64
const MOST_VALUES = 100_000
/** Named members cost far more than values: V8 makes a shape for each new set of names. */
const MOST_MEMBERS = 20_000

export type Json = { value: unknown } | { refused: 'invalid' | 'too_large' }

/**
 * Reads JSON that somebody else wrote. The text is measured before it is parsed, in one pass and without recursion, so a
 * text of 1 MB takes some milliseconds whatever it holds; a value is nested 64 deep at most and can be walked by recursion.
 */
export function readJson(text: string): Json {
  if (!isWithinBounds(text)) return { refused: 'too_large' }
  try {
    return { value: JSON.parse(text) }
  } catch {
    return { refused: 'invalid' }
  }
}

/** The same where there must be JSON. Throws gateway_unavailable, with a sentence for the person who asked. */
export function jsonFrom(text: string): unknown {
  const read = readJson(text)
  if ('value' in read) return read.value
  const detail =
    read.refused === 'too_large'
      ? 'The model returned JSON that is nested too deeply or has too many values to be shown here.'
      : 'The model returned something that is not JSON.'
  throw problem('gateway_unavailable', { detail })
}

/** Valid JSON on lines of its own, two spaces a level, up to `most` characters; numbers and texts stay as they were sent. */
export function indentJson(text: string, most: number): { text: string; cut: boolean } {
  const parts: string[] = []
  let size = 0
  let depth = 0
  let at = 0
  while (at < text.length && size <= most) {
    const end = endOfToken(text, at)
    const token = text.slice(at, Math.min(end, at + most + 1))
    at = skipSpace(text, end)
    const part = laidOut(token, text[at] ?? '')
    size += part.length
    parts.push(part)
  }
  const whole = parts.join('')
  return { text: whole.slice(0, most), cut: at < text.length || whole.length > most }

  function laidOut(token: string, next: string): string {
    if (token === '[' || token === '{') depth++
    if (next === ']' || next === '}') depth--
    const closesEmpty = (token === '[' && next === ']') || (token === '{' && next === '}')
    const breaks = token === '[' || token === '{' || token === ',' || next === ']' || next === '}'
    if (breaks && !closesEmpty) return `${token}\n${'  '.repeat(Math.max(0, depth))}`
    return token === ':' ? ': ' : token.trimStart()
  }
}

/** Whether `readJson` would parse that text. One pass, no recursion. */
export function isWithinBounds(text: string): boolean {
  let depth = 0
  let values = 1
  let members = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // "
        at = endOfString(text, at) - 1
        break
      case 0x5b: // [
      case 0x7b: // {
        depth++
        values++
        break
      case 0x5d: // ]
      case 0x7d: // }
        depth--
        break
      case 0x2c: // ,
        values++
        break
      case 0x3a: // :
        members++
        break
    }
    if (depth > MOST_DEPTH || values > MOST_VALUES || members > MOST_MEMBERS) return false
  }
  return true
}

/** Where the token that begins at `at` ends: a text, a structural character, or all up to the next of these. */
function endOfToken(text: string, at: number): number {
  if (text[at] === '"') return endOfString(text, at)
  let end = at
  while (end < text.length && !structural.has(text.charCodeAt(end)) && !spaces.has(text.charCodeAt(end))) end++
  return Math.max(end, at + 1)
}

function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at + 1
    if (code === 0x5c) at++
  }
  return text.length
}

const structural = new Set(Array.from('"[]{},:', (sign) => sign.charCodeAt(0)))
const spaces = new Set(Array.from(' \t\r\n', (sign) => sign.charCodeAt(0)))

function skipSpace(text: string, from: number): number {
  let at = from
  while (spaces.has(text.charCodeAt(at))) at++
  return at
}
