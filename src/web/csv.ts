export interface CsvOptions {
  /** Excel opens a file with the list separator of its system: a semicolon where the decimal sign is a comma; default comma */
  separator?: 'comma' | 'semicolon' | undefined
  /** false: without the byte order mark, for programs that would read it as part of the first column name; default true */
  bom?: boolean | undefined
}

/** The media type of all CSV (RFC 4180, RFC 7111): the first line holds the names of the columns. */
export const CSV_TYPE = 'text/csv; charset=utf-8; header=present'

/**
 * Rows as CSV (RFC 4180). It begins with a byte order mark, without which Excel reads the file in a code page of its system. Every
 * field is quoted, as some programs split at `;` or tab. Numbers are numbers, and text that a spreadsheet would take for a formula
 * (OWASP, CSV injection) or round begins with an apostrophe.
 */
export function csv(rows: (string | number)[][], { separator = 'comma', bom = true }: CsvOptions = {}): string {
  const between = separator === 'semicolon' ? ';' : ','
  return (bom ? '\ufeff' : '') + rows.map((row) => `${row.map(field).join(between)}\r\n`).join('')
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

/** Excel keeps 15 digits of a number; separators and an exponent may be parts of one. */
function isRounded(text: string): boolean {
  return /^[\d\s.,']{16,}(?:e[+-]?\d{1,3})?$/i.test(text.trim()) && text.replace(/\D/g, '').length > 15
}

function harmless(text: string): string {
  const inner = text.replace(within, "$1'")
  return leading.test(inner) || isRounded(inner) ? `'${inner}` : inner
}
