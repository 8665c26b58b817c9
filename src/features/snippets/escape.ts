/** Text as a literal of each language: whatever it contains, it stays that text. */

/** POSIX shell: single quotes hold everything but themselves. */
export function shell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** Python and JavaScript read a JSON string alike, once the two line separators and `</` are escaped. */
export function quoted(text: string): string {
  return JSON.stringify(text)
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
    .replace(
      /[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
}

/** A value of a .env file, which is also read by `set -a; . ./.env`. */
export function envValue(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : shell(text)
}

/** Text inside a comment line: nothing in it can end the line. */
export function comment(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, ' ')
}
