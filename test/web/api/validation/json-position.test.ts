import fc from 'fast-check'
import t from 'tap'
import { jsonErrorPosition } from '../../../../src/web/api/validation/json-position.js'
import { character } from '../../../helper/character.js'
import { LONGEST_BLOCK_MS, strainHere } from '../../../helper/event-loop.js'

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

t.test('invalid JSON: the position is that of the first invalid character', async (t) => {
  const cases: [text: string, line: number, column: number][] = [
    ['', 1, 1],
    ['   ', 1, 4],
    ['{', 1, 2],
    ['{"a":1', 1, 7],
    ['{"a":}', 1, 6],
    ['{"a":1,}', 1, 8],
    ['[1,]', 1, 4],
    ['{"a" 1}', 1, 6],
    ['{a:1}', 1, 2],
    ["{'a':1}", 1, 2],
    ['{"a":1} x', 1, 9],
    ['{"a":1}}', 1, 8],
    ['[1}', 1, 3],
    ['{"a":tru}', 1, 6],
    ['{"a":truex}', 1, 10],
    ['{"a":NaN}', 1, 6],
    ['{"a":01}', 1, 7],
    ['{"a":-}', 1, 6],
    ['{"a":1e}', 1, 7],
    ['{"a":1.}', 1, 7],
    ['{"a":"x', 1, 8],
    ['{"a":"\\q"}', 1, 8],
    ['{"a":"\\u12"}', 1, 11],
    ['{"a":"x\ny"}', 1, 8],
    ['{"a":"\u0001"}', 1, 7],
    ['// note\n{}', 1, 1],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3],
    ['{\r\n"a":\r\n}', 3, 1],
    ['\ufeff{"a"}', 1, 6],
    ['{"\u{1f600}é":x}', 1, 7],
  ]
  for (const [text, line, column] of cases) t.same(jsonErrorPosition(text), { line, column }, JSON.stringify(text))
})

t.test('text has an error position if and only if JSON.parse rejects it', async (t) => {
  const changed = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom('', '"', '\\', '{', '}', ']', ',', ':', '0', '-', 'e', '\n', '\u0007', 'null'),
    )
    .map(([text, at, sign]) => {
      const place = at % (text.length + 1)
      return text.slice(0, place) + sign + text.slice(place + (at % 2))
    })
  const texts = fc.oneof(
    changed,
    fc.json(),
    fc.string({ unit: character }),
    fc.jsonValue().map((value) => JSON.stringify(value, null, 2)),
  )
  const encountered = { json: 0, other: 0 }
  fc.assert(
    fc.property(texts, (text) => {
      const valid = isJson(text)
      encountered[valid ? 'json' : 'other']++
      return (jsonErrorPosition(text) === undefined) === valid
    }),
    { numRuns: 5000 },
  )
  t.ok(encountered.json > 500 && encountered.other > 500, JSON.stringify(encountered))
})

t.test('a body of the maximum size is read in one pass, with an error at any position', async (t) => {
  for (const text of [
    `[${'1,'.repeat(120_000)}]`,
    `{"a":"${'x'.repeat(250_000)}`,
    `${'['.repeat(60)}"${'\\n'.repeat(120_000)}`,
    `${'\n'.repeat(250_000)}x`,
    '1'.repeat(250_000),
    '['.repeat(250_000),
  ]) {
    const { blockedMs } = await strainHere(() => jsonErrorPosition(text))
    t.ok(blockedMs < LONGEST_BLOCK_MS, `${blockedMs} ms for ${JSON.stringify(text.slice(0, 10))}`)
  }
})
