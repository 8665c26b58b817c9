export interface CsvOptions {
  /** Excel splits at the list separator of its system, which is a semicolon where the decimal separator is a comma; default comma */
  separator?: 'comma' | 'semicolon' | undefined
  /** false: without byte order mark, which some programs read as part of the first column name; default true */
  bom?: boolean | undefined
  /** none: unchanged text, for programs; default formulas: safe in spreadsheets */
  escape?: 'formulas' | 'none' | undefined
}

/** Media type of all CSV (RFC 4180, RFC 7111). The first line is the header. */
export const CSV_TYPE = 'text/csv; charset=utf-8; header=present'

/**
 * Rows as CSV (RFC 4180). It begins with a byte order mark, without which Excel uses the code page of its system. Every field is quoted,
 * because some programs split at `;` or tab. Text that a spreadsheet would evaluate as a formula (OWASP, CSV injection) or round begins
 * with an apostrophe, unless `escape` is none.
 */
export function toCsv(rows: (string | number)[][], options: CsvOptions = {}): string {
  const { separator = 'comma', bom = true, escape: escaping = 'formulas' } = options
  const between = separator === 'semicolon' ? ';' : ','
  return (
    (bom ? '\ufeff' : '') +
    rows.map((row) => `${row.map((value) => field(value, escaping)).join(between)}\r\n`).join('')
  )
}

function field(value: string | number, escaping: CsvOptions['escape']): string {
  const text = typeof value === 'string' && escaping !== 'none' ? harmless(value) : String(value)
  return `"${text.replaceAll('"', '""')}"`
}

/**
 * Spreadsheets skip spaces, quotes, controls and zero-width characters before a formula. The characters that start one have wide and
 * small forms.
 */
const leading =
  /^(?:[\t\r\n\v\f]|(?:[ "'\p{Zs}\p{Mn}\p{Cf}]|(?![\t\r\n\v\f\u0085])\p{Cc})*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212])/u
/** A program that ignores quotes starts a cell after `;`, tab or a line end. */
const within =
  /([;\t\r\n\v\f\u0085\u2028\u2029](?:[ "'\p{Zs}\p{Mn}\p{Cf}]|(?![\t\r\n\v\f\u0085])\p{Cc})*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212])/gu

/** Excel stores 15 digits of a number. Separators and an exponent may be part of it. */
function isRounded(text: string): boolean {
  return /^[\d\s.,']{16,}(?:e[+-]?\d{1,3})?$/i.test(text.trim()) && text.replace(/\D/g, '').length > 15
}

function harmless(text: string): string {
  const inner = text.replace(within, "$1'")
  return leading.test(inner) || isRounded(inner) ? `'${inner}` : inner
}
