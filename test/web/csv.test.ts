import t from 'tap'
import { csv as csvOf } from '../../src/web/csv.js'
import { LONGEST_BLOCK_MS, strainHere } from '../helper/event-loop.js'

/** Without the byte order mark, which a test of its own is about. */
const csv = (rows: (string | number)[][]) => csvOf(rows, { bom: false })

/** The cells of a line as RFC 4180 has it. */
function cells(line: string): string[] {
  return [...line.matchAll(/"((?:[^"]|"")*)"(?:,|\r\n)/g)].map(([, cell = '']) => cell.replaceAll('""', '"'))
}

t.test('every field is quoted, and numbers stay numbers', async (t) => {
  t.equal(
    csv([
      ['name', 'calls'],
      ['Analytical "Engines", a;b', -5],
      ['', 1.5],
    ]),
    ['"name","calls"\r\n', '"Analytical ""Engines"", a;b","-5"\r\n', '"","1.5"\r\n'].join(''),
  )
})

t.test('text that begins a formula does so no more, whatever stands before it', async (t) => {
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
      t.equal(cell.replaceAll("'", ''), text.replaceAll("'", ''), 'nothing else changes')
    }
  }
  for (const text of ['\tcalls', '\rcalls', '\ncalls']) t.match(cells(csv([[text]]))[0], /^'/)
})

t.test('nor where a program splits a field that is quoted', async (t) => {
  for (const text of ["x;=cmd|' /C calc'!A0", 'x\t=1', 'x\n+1', 'x";"=1', 'x; \ufeff＝1', 'x\u2028=1', 'x\u0085=1']) {
    const [cell = ''] = cells(csv([['id', text]])).slice(1)
    for (const part of cell.split(/[;\t\r\n\u0085\u2028]/))
      t.notMatch(part, /^[\s"\ufeff]*[=+\-@＝＋－＠]/, encodeURI(text))
  }
})

t.test('ordinary names are as they were', async (t) => {
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

t.test('a spreadsheet reads UTF-8: the first bytes are the byte order mark, and one is enough', async (t) => {
  const bytes = Buffer.from(csvOf([['name'], ['Grüße 模型'], ['\ufeffx']]))
  t.same([...bytes.subarray(0, 3)], [0xef, 0xbb, 0xbf])
  t.equal(bytes.subarray(3).toString('utf8'), '"name"\r\n"Grüße 模型"\r\n"\ufeffx"\r\n')
  t.equal(csvOf([]), '\ufeff', 'a file without rows is UTF-8 as well')
  t.equal(csvOf([['name']], { bom: false }), '"name"\r\n')
})

t.test('semicolons separate where the decimal sign is a comma, and texts with either stay whole', async (t) => {
  const rows = [['a;b', 'c,d', 'e"f', 'g\nh\u2028i', 7]]
  t.equal(csvOf(rows, { separator: 'semicolon', bom: false }), '"a;b";"c,d";"e""f";"g\nh\u2028i";"7"\r\n')
  t.equal(csvOf(rows, { separator: 'comma', bom: false }), '"a;b","c,d","e""f","g\nh\u2028i","7"\r\n')
  t.equal(csvOf([['=1', ' +1']], { separator: 'semicolon', bom: false }), `"'=1";"' +1"\r\n`)
})

t.test('a name of so many digits that a spreadsheet would round it is text', async (t) => {
  for (const text of ['1234567890123456', ' 12345678901234567890 ', '1234567890123456e10', '1.234.567.890.123.456,5'])
    t.equal(cells(csv([[text]]))[0], `'${text}`)
  for (const text of ['123456789012345', '20260301-20260401', '1234567890123456x', '2001:db8:1234:5678:9012'])
    t.equal(cells(csv([[text]]))[0], text)
  t.equal(csv([[2 ** 40]]), '"1099511627776"\r\n')
})

t.test('a long text costs what it is long', async (t) => {
  const long = ['1 ', '9', ';', ' ', '\u2028', '"', '; ', ',\t'].map((piece) => piece.repeat(50_000))
  const { blockedMs } = await strainHere(() => csv([long]))
  t.ok(blockedMs < LONGEST_BLOCK_MS, `${blockedMs} ms`)
})
