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

/**
 * Before they look for a formula, programs skip blanks, quotes, controls and marks without width; the signs that begin one count in
 * their wide and small forms, too.
 */
const leading =
  /^(?:[\t\r\n\v\f]|(?:[ "'\p{Zs}\p{Mn}\p{Cf}]|(?![\t\r\n\v\f\u0085])\p{Cc})*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212])/u
/** A program that splits at `;`, tab or a line end whatever is quoted begins a cell there. */
const within =
  /([;\t\r\n\v\f\u0085\u2028\u2029](?:[ "'\p{Zs}\p{Mn}\p{Cf}]|(?![\t\r\n\v\f\u0085])\p{Cc})*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212])/gu

function harmless(text: string): string {
  const inner = text.replace(within, "$1'")
  return leading.test(inner) ? `'${inner}` : inner
}
