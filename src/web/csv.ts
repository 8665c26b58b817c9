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

/** Where a cell or a line begins for a program that splits there whatever is quoted. */
const splits = '[;\\t\\r\\n\\v\\f\\x85\\u2028\\u2029]'
/** What programs skip before they look for a formula: blanks, quotes, controls and marks without width. */
const skipped = '[ "\'\\p{Zs}\\p{Mn}\\p{Cf}\\x00-\\x08\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f]*'
/** The signs that begin one, with their wide and small forms. */
const signs = '[=+\\-@\\uff1d\\uff0b\\uff0d\\uff20\\ufe66\\ufe62\\ufe63\\ufe6b\\u2212]'
const leading = new RegExp(`^(?:[\\t\\r\\n\\v\\f]|${skipped}${signs})`, 'u')
const within = new RegExp(`(${splits}${skipped})(?=${signs})`, 'gu')

function harmless(text: string): string {
  const inner = text.replace(within, "$1'")
  return leading.test(inner) ? `'${inner}` : inner
}
