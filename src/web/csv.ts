/**
 * Rows as CSV (RFC 4180). Every field is quoted, as some programs split at `;` or tab. Numbers are numbers, and text that a
 * spreadsheet would take for a formula begins with an apostrophe (OWASP, CSV injection).
 */
export function csv(rows: (string | number)[][]): string {
  return rows.map((row) => `${row.map(field).join(',')}\r\n`).join('')
}

function field(value: string | number): string {
  const text = typeof value === 'number' ? String(value) : harmless(value)
  return `"${text.replaceAll('"', '""')}"`
}

/** The second class is what programs skip before they look for a formula: blanks, quotes and characters without width. */
const leading =
  /^(?:[\t\r\n\v\f]|[ "'\u00ad\u00a0\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20])/
/** A program that splits at `;`, tab or a line end whatever is quoted begins a cell there. */
const within =
  /([;\t\r\n\v\f][ "'\u00ad\u00a0\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g

function harmless(text: string): string {
  const inner = text.replace(within, "$1'")
  return leading.test(inner) ? `'${inner}` : inner
}
