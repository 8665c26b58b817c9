/** The limits of JSON from other programs. Twenty embeddings of 4,096 dimensions are within them. */
const MAX_DEPTH = 64
const MAX_VALUES = 100_000
/** Named members cost far more than values: V8 creates a shape for each new set of names. */
const MAX_MEMBERS = 20_000

export type ParsedJson = { value: unknown } | { rejected: 'invalid' | 'too_large' }

/**
 * Parses JSON from another program. The text is measured before it is parsed, in one pass and without recursion, so any text of 1 MB
 * takes a few milliseconds. A value is nested at most 64 levels deep, so recursion over it is safe.
 */
export function readJson(text: string): ParsedJson {
  if (!isWithinBounds(text)) return { rejected: 'too_large' }
  try {
    return { value: JSON.parse(text) }
  } catch {
    return { rejected: 'invalid' }
  }
}

/** Indents valid JSON by two spaces a level, up to `maxLength` characters. Numbers and strings are not changed. */
export function indentJson(text: string, maxLength: number): { text: string; cut: boolean } {
  const parts: string[] = []
  let size = 0
  let depth = 0
  let at = 0
  while (at < text.length && size <= maxLength) {
    const end = endOfToken(text, at)
    const token = text.slice(at, Math.min(end, at + maxLength + 1))
    at = skipSpace(text, end)
    const part = indented(token, text[at] ?? '')
    size += part.length
    parts.push(part)
  }
  const whole = parts.join('')
  return { text: whole.slice(0, maxLength), cut: at < text.length || whole.length > maxLength }

  function indented(token: string, next: string): string {
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
    if (depth > MAX_DEPTH || values > MAX_VALUES || members > MAX_MEMBERS) return false
  }
  return true
}

/** The end of the token at `at`: a string, a structural character, or everything up to the next of these. */
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

const structural = new Set(Array.from('"[]{},:', (character) => character.charCodeAt(0)))
const spaces = new Set(Array.from(' \t\r\n', (character) => character.charCodeAt(0)))

function skipSpace(text: string, from: number): number {
  let at = from
  while (spaces.has(text.charCodeAt(at))) at++
  return at
}
