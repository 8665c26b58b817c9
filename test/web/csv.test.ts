import t from 'tap'
import { csv } from '../../src/web/csv.js'

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
  ]
  for (const start of ['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
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
  for (const text of ["x;=cmd|' /C calc'!A0", 'x\t=1', 'x\n+1', 'x";"=1', 'x; \ufeff＝1']) {
    const [cell = ''] = cells(csv([['id', text]])).slice(1)
    for (const part of cell.split(/[;\t\r\n]/)) t.notMatch(part, /^[\s"\ufeff]*[=+\-@＝＋－＠]/, JSON.stringify(text))
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
