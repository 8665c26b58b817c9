import t from 'tap'
import { toCsv } from '../../../src/web/api/csv.js'
import { LONGEST_BLOCK_MS, strainHere } from '../../helper/event-loop.js'

/** Without the byte order mark, which has its own test. */
const csv = (rows: (string | number)[][]) => toCsv(rows, { bom: false })

/** The cells of a line as RFC 4180 defines them. */
function cells(line: string): string[] {
  return [...line.matchAll(/"((?:[^"]|"")*)"(?:,|\r\n)/g)].map(([, cell = '']) => cell.replaceAll('""', '"'))
}

t.test('every field is quoted, and numbers are unchanged', async (t) => {
  t.equal(
    csv([
      ['name', 'calls'],
      ['Analytical "Engines", a;b', -5],
      ['', 1.5],
    ]),
    ['"name","calls"\r\n', '"Analytical ""Engines"", a;b","-5"\r\n', '"","1.5"\r\n'].join(''),
  )
})

t.test('text that starts a formula is escaped, with any prefix', async (t) => {
  const before = [
    '',
    ' ',
    '\u00a0',
    '\ufeff',
    '\u200b',
    '"',
    "'",
    ' "\ufeff ',
    '\u3000',
    '\t',
    '\r',
    '\n',
    '\r\n ',
    '\v',
    '\0',
    '\u0001',
    '\u00ad',
    '\u180e',
    '\u2060',
    '\u2066',
    '\ufe0f',
    '\u0301',
  ]
  for (const start of ['=', '+', '-', '@', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫', '−']) {
    for (const prefix of before) {
      const text = `${prefix}${start}cmd|' /C calc'!A0`
      const [cell = ''] = cells(csv([[text]]))
      t.equal(cell.charAt(0), "'", JSON.stringify(text))
      t.equal(cell.replaceAll("'", ''), text.replaceAll("'", ''), 'other text is unchanged')
    }
  }
  for (const text of ['\tcalls', '\rcalls', '\ncalls']) t.match(cells(csv([[text]]))[0], /^'/)
})

t.test('escape=none: text is unchanged', async (t) => {
  for (const text of ['=cmd', '@sum', '-1+2', '\t=1', 'a;=b', '1234567890123456', `it's`, 'plain', '"=x"']) {
    t.same(cells(toCsv([[text]], { bom: false, escape: 'none' })), [text], JSON.stringify(text))
    t.same(cells(toCsv([[text]], { bom: false, escape: 'formulas' })), cells(csv([[text]])), JSON.stringify(text))
  }
})

t.test('a formula after a separator inside a quoted field is escaped', async (t) => {
  for (const text of ["x;=cmd|' /C calc'!A0", 'x\t=1', 'x\n+1', 'x";"=1', 'x; \ufeff＝1', 'x\u2028=1', 'x\u0085=1']) {
    const [cell = ''] = cells(csv([['id', text]])).slice(1)
    for (const part of cell.split(/[;\t\r\n\u0085\u2028]/))
      t.notMatch(part, /^[\s"\ufeff]*[=+\-@＝＋－＠]/, encodeURI(text))
  }
})

t.test('ordinary names are unchanged', async (t) => {
  for (const text of [
    'Granite 3.3',
    'a-b',
    'team@work',
    'x = y',
    'a, -b',
    "O'Neill",
    '2026-03-01T00:00:00+01:00',
    'Ä; ö',
  ])
    t.equal(csv([[text]]), `"${text}"\r\n`)
})

t.test('the file starts with one byte order mark', async (t) => {
  const bytes = Buffer.from(toCsv([['name'], ['Grüße 模型'], ['\ufeffx']]))
  t.same([...bytes.subarray(0, 3)], [0xef, 0xbb, 0xbf])
  t.equal(bytes.subarray(3).toString('utf8'), '"name"\r\n"Grüße 模型"\r\n"\ufeffx"\r\n')
  t.equal(toCsv([]), '\ufeff', 'a file without rows is UTF-8 as well')
  t.equal(toCsv([['name']], { bom: false }), '"name"\r\n')
})

t.test('separator=semicolon: text with commas and semicolons is unchanged', async (t) => {
  const rows = [['a;b', 'c,d', 'e"f', 'g\nh\u2028i', 7]]
  t.equal(toCsv(rows, { separator: 'semicolon', bom: false }), '"a;b";"c,d";"e""f";"g\nh\u2028i";"7"\r\n')
  t.equal(toCsv(rows, { separator: 'comma', bom: false }), '"a;b","c,d","e""f","g\nh\u2028i","7"\r\n')
  t.equal(toCsv([['=1', ' +1']], { separator: 'semicolon', bom: false }), `"'=1";"' +1"\r\n`)
})

t.test('a name with many digits, which a spreadsheet would round, is text', async (t) => {
  for (const text of ['1234567890123456', ' 12345678901234567890 ', '1234567890123456e10', '1.234.567.890.123.456,5'])
    t.equal(cells(csv([[text]]))[0], `'${text}`)
  for (const text of ['123456789012345', '20260301-20260401', '1234567890123456x', '2001:db8:1234:5678:9012'])
    t.equal(cells(csv([[text]]))[0], text)
  t.equal(csv([[2 ** 40]]), '"1099511627776"\r\n')
})

t.test('escaping takes time linear in the length of the text', async (t) => {
  const long = ['1 ', '9', ';', ' ', '\u2028', '"', '; ', ',\t'].map((piece) => piece.repeat(50_000))
  const { blockedMs } = await strainHere(() => csv([long]))
  t.ok(blockedMs < LONGEST_BLOCK_MS, `${blockedMs} ms`)
})
