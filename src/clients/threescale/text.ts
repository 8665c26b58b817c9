/**
 * What 3scale can store of a text. Lengths are those of its columns (porta, app/models/contract.rb, account.rb, user.rb),
 * counted in Unicode characters as Rails counts them.
 */
export const COLUMN_CHARACTERS = 255

/**
 * All extra fields of one record are one YAML text in a column of 65,535 bytes; a longer one is a 500 on MySQL. The
 * difference is room for what YAML adds to the names and values.
 */
const EXTRA_FIELDS_BYTES = 60_000

export const extraFieldsTooLong = 'All fields together can hold 60,000 bytes. Shorten this one, which is the longest.'

/** Why 3scale cannot store this text on any database, as a sentence; undefined: it can. `lines`: it may have several. */
export function textFault(text: string, { max, lines = false }: { max: number; lines?: boolean }): string | undefined {
  if (characters(text) > max) return `Use at most ${max.toLocaleString('en')} characters.`
  // PostgreSQL stores no U+0000, and XML, in which 3scale returns accounts, has no control characters
  const controls = lines ? /(?![\t\n\r])[\p{Cc}\p{Cs}]/u : /[\p{Cc}\p{Cs}]/u
  const found = controls.exec(text)?.[0]
  if (found === undefined) return undefined
  if (/[\n\r]/.test(found)) return 'Use one line.'
  const code = found.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
  return `Remove the control character U+${code}.`
}

/** The name of the extra field to shorten where all of one record are too long together; undefined: they fit. */
export function longestWhereTooLong(fields: Record<string, string>): string | undefined {
  const sizes = Object.entries(fields).map(([name, value]) => [name, bytesInYaml(value), bytesInYaml(name)] as const)
  const all = sizes.reduce((sum, [, value, name]) => sum + value + name, 0)
  return all > EXTRA_FIELDS_BYTES ? sizes.sort((a, b) => b[1] - a[1])[0]?.[0] : undefined
}

/** The text on one line, as names from a sign-in are stored. */
export function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]/gu, ' ').trim()
}

/**
 * Characters beyond the Basic Multilingual Plane, such as emoji, each once. MySQL's utf8mb3, in which 3scale's tables are by
 * default, has none of them, and 3scale then answers 500.
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

/** For people; `found` are some such characters. */
export function cannotStore(found: string[]): string {
  const shown = found.slice(0, 5).join(' ')
  return found.length === 1
    ? `3scale cannot store this character: ${shown}. Remove it.`
    : `3scale cannot store these characters: ${shown}${found.length > 5 ? ' and others' : ''}. Remove them.`
}

function characters(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0)
}

/** YAML writes a character beyond the Basic Multilingual Plane as ten of ASCII, a quotation mark and a backslash as two. */
function bytesInYaml(text: string): number {
  const escaped = text.match(/["\\\n\r\t]/g)?.length ?? 0
  return Buffer.byteLength(text) + escaped + 6 * beyondBmpCount(text)
}

function beyondBmpCount(text: string): number {
  return text.match(/[\u{10000}-\u{10ffff}]/gu)?.length ?? 0
}
