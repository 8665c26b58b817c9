/** Position of the first syntax error, both counted from 1. A column is one character. */
export interface JsonPosition {
  line: number
  column: number
}

/**
 * The position of the first syntax error of a JSON text (RFC 8259); undefined for valid JSON. Messages of JSON.parse have a position
 * only for some errors, and repeat the text. Parsers with positions (@humanwhocodes/momoa, jsonc-parser) build a tree of the whole
 * text, which blocks the process for a quarter of a second; the former also accepts control characters in strings.
 */
export function jsonErrorPosition(text: string): JsonPosition | undefined {
  // JSON.parse of Fastify ignores a byte order mark, too
  const offset = errorOffset(text, text.startsWith('\ufeff') ? 1 : 0)
  if (offset === undefined) return undefined
  const lines = text.slice(0, offset).split('\n')
  return { line: lines.length, column: Array.from(lines.at(-1) ?? '').length + 1 }
}

type Expected = 'value' | 'name' | 'colon' | 'next'

function errorOffset(text: string, start: number): number | undefined {
  const open: ('{' | '[')[] = []
  let expected: Expected = 'value'
  // directly after an opening bracket
  let mayClose = false
  for (let at = afterSpace(text, start); ; at = afterSpace(text, at)) {
    const sign = text[at]
    const inside = open.at(-1)
    if (sign === undefined) return open.length === 0 && expected === 'next' ? undefined : at
    const closes = (mayClose || expected === 'next') && sign === (inside === '{' ? '}' : inside && ']')
    const opens = expected === 'value' && (sign === '{' || sign === '[')
    let end = at + 1
    if (closes) {
      open.pop()
      expected = 'next'
    } else if (opens) {
      open.push(sign)
      expected = sign === '{' ? 'name' : 'value'
    } else if (expected === 'next') {
      if (sign !== ',' || !inside) return at
      expected = inside === '{' ? 'name' : 'value'
    } else if (expected === 'colon') {
      if (sign !== ':') return at
      expected = 'value'
    } else {
      if (expected === 'name' && sign !== '"') return at
      const scalar = sign === '"' ? endOfString(text, at) : endOfLiteral(text, at)
      if ('wrong' in scalar) return scalar.wrong
      end = scalar.end
      expected = expected === 'name' ? 'colon' : 'next'
    }
    mayClose = opens
    at = end
  }
}

type End = { end: number } | { wrong: number }

function endOfString(text: string, from: number): End {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return { end: at + 1 }
    if (code < 0x20) return { wrong: at }
    if (code !== 0x5c) continue
    at++
    if (text[at] === 'u') {
      for (let digits = 0; digits < 4; digits++) if (!/[0-9a-fA-F]/.test(text[++at] ?? '')) return { wrong: at }
    } else if (!'"\\/bfnrt'.includes(text[at] ?? '-')) return { wrong: Math.min(at, text.length) }
  }
  return { wrong: text.length }
}

const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

function endOfLiteral(text: string, at: number): End {
  literal.lastIndex = at
  return literal.test(text) ? { end: literal.lastIndex } : { wrong: at }
}

function afterSpace(text: string, from: number): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
  return at
}
