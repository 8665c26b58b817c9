/** Text as a literal of each language: whatever it contains, it stays that text, and nothing in it is invisible. */

// controls, soft hyphen, zero-width and bidirectional marks, line separators: a reader would not see what is pasted
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const unseen = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** JSON, Python, JavaScript and YAML (in double quotes) read this alike. */
export function quoted(text: string): string {
  return json(text)
}

export function json(value: unknown, indent?: number): string {
  const shown = (found: string) => (found < ' ' ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`)
  // below a blank only the line breaks of the indent are left: JSON escapes the rest by itself
  return JSON.stringify(value, null, indent).replace(unseen, shown)
}

/** A word of bash: bare where that is safe, else in quotes. A NUL cannot be in a word. */
export function shell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : shellQuoted(text)
}

export function shellQuoted(text: string): string {
  const word = text.replaceAll('\0', '')
  if (word.search(unseen) === -1) return `'${word.replaceAll("'", "'\\''")}'`
  const bytes = (found: string) =>
    [...Buffer.from(found, 'utf8')].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
  return `$'${word.replace(/[\\']/g, '\\$&').replace(unseen, bytes)}'`
}

/**
 * A value of a .env file. `set -a; . ./.env` reads all of them right; so do the dotenv parsers, but for a value that has
 * both a single quote and one of `" $ \` or a back-tick, for which they have no notation in common.
 */
export function envValue(text: string): string {
  const value = text.replaceAll('\0', '')
  if (/^[\w@%+=:,./-]*$/.test(value)) return value
  if (!value.includes("'")) return `'${value}'`
  if (!/["$`\\]/.test(value)) return `"${value}"`
  return `'${value.replaceAll("'", "'\\''")}'`
}

/** Text inside a comment line: nothing in it can end the line or hide. */
export function comment(text: string): string {
  return text.replace(unseen, ' ')
}
