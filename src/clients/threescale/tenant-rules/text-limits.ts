import { textMessages } from './messages.js'

/**
 * The characters of a 3scale column (porta, app/models/contract.rb, account.rb, user.rb). Rails counts Unicode characters, and so
 * does the portal.
 */
export const COLUMN_CHARACTERS = 255

/**
 * 3scale stores all extra fields of a record as one YAML text in a column of 65,535 bytes. MySQL answers a longer one with 500. The
 * difference leaves room for what YAML adds to names and values.
 */
const EXTRA_FIELDS_BYTES = 60_000

export const extraFieldsTooLong = textMessages.fieldsTooLong

/** Why no database of 3scale can store this text, as a message; undefined if it can. `lines`: several lines are allowed. */
export function textError(text: string, { max, lines = false }: { max: number; lines?: boolean }): string | undefined {
  if (countCharacters(text) > max) return textMessages.tooLong(max)
  // PostgreSQL stores no U+0000, and XML, in which 3scale returns accounts, allows no control characters
  const controls = lines ? /(?![\t\n\r])[\p{Cc}\p{Cs}]/u : /[\p{Cc}\p{Cs}]/u
  const control = controls.exec(text)?.[0]
  if (control === undefined) return undefined
  if (/[\n\r]/.test(control)) return textMessages.oneLine
  return textMessages.controlCharacter(control.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0'))
}

/** The name of the longest extra field if all fields of a record together are too long; undefined if they fit. */
export function longestIfTooLong(fields: Record<string, string>): string | undefined {
  const sizes = Object.entries(fields).map(([name, value]) => [name, yamlBytes(value), yamlBytes(name)] as const)
  const total = sizes.reduce((sum, [, value, name]) => sum + value + name, 0)
  return total > EXTRA_FIELDS_BYTES ? sizes.sort((a, b) => b[1] - a[1])[0]?.[0] : undefined
}

/** Names from a sign-in are stored on one line. */
export function toSingleLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]/gu, ' ').trim()
}

/**
 * Characters beyond the Basic Multilingual Plane, such as emoji, each once. 3scale's tables use MySQL's utf8mb3 by default, which
 * cannot store them, and 3scale then returns 500.
 */
export function beyondBmp(text: string): string[] {
  return [...new Set(text.match(/[\u{10000}-\u{10ffff}]/gu) ?? [])]
}

export function withoutBeyondBmp(text: string): string {
  return text
    .replace(/[\u{10000}-\u{10ffff}][\u{fe0f}\u{200d}]*/gu, '')
    .replace(/ {2,}/g, ' ')
    .trim()
}

function countCharacters(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0)
}

/** YAML writes a character beyond the Basic Multilingual Plane as ten ASCII characters, a quotation mark and a backslash as two. */
function yamlBytes(text: string): number {
  const escaped = text.match(/["\\\n\r\t]/g)?.length ?? 0
  const beyond = text.match(/[\u{10000}-\u{10ffff}]/gu)?.length ?? 0
  return Buffer.byteLength(text) + escaped + 6 * beyond
}
