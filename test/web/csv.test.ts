import t from 'tap'
import { csv } from '../../src/web/csv.js'
import { LONGEST_BLOCK_MS, strainHere } from '../helper/event-loop.js'

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

t.test('a long text costs what it is long', async (t) => {
  const long = [';', ' ', '\u2028', '"', '; ', ',\t'].map((piece) => piece.repeat(50_000))
  const { blockedMs } = await strainHere(() => csv([long]))
  t.ok(blockedMs < LONGEST_BLOCK_MS, `${blockedMs} ms`)
})
