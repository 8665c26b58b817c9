import fc from 'fast-check'
import t from 'tap'
import { parseModelJson } from '../../src/clients/gateway/model-json.js'
import { indentJson, readJson } from '../../src/infra/bounded-json.js'
import { retryAfterIn } from '../../src/infra/http/retry-after.js'
import { LONGEST_BLOCK_MS, strainHere } from '../helper/event-loop.js'

const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth)

t.test('JSON within the limits is parsed', async (t) => {
  for (const text of ['null', '0', '"a\\"]}"', '[]', ' {"a": [1, {"b": "\\u005b"}]} ', nested('[', ']', 64)])
    t.same(readJson(text), { value: JSON.parse(text) }, text)
  for (const text of ['', '{', '"', '"\\', '[1,]', 'x', ']]]]', '{"a"}'])
    t.same(readJson(text), { rejected: 'invalid' }, text)
  const brackets = JSON.stringify({ text: '['.repeat(500_000) })
  t.match(readJson(brackets), { value: { text: /^\[+$/ } }, 'brackets in a string do not count as depth')
})

t.test('JSON that is too deep or has too many values is rejected before it is parsed', async (t) => {
  const large = {
    'deep lists': nested('[', ']', 400_000),
    'deep lists without an end': '['.repeat(1_000_000),
    'deep objects': nested('{"a":', '}', 150_000).replace(':}', ':1}'),
    'deeper by one': nested('[', ']', 65),
    'many numbers': `[${'1,'.repeat(100_000)}1]`,
    'many objects': `[${'{},'.repeat(300_000)}{}]`,
    'many names': JSON.stringify(Object.fromEntries(Array.from({ length: 20_001 }, (_, index) => [`k${index}`, 1]))),
    'a shape for each': JSON.stringify(Array.from({ length: 50_000 }, (_, index) => ({ [`k${index}`]: 1 }))),
  }
  for (const [name, text] of Object.entries(large)) {
    const { value, blockedMs } = await strainHere(() => readJson(text))
    t.same(value, { rejected: 'too_large' }, name)
    t.ok(blockedMs < LONGEST_BLOCK_MS, `${name}: ${Math.round(blockedMs)} ms`)
  }
  t.throws(() => parseModelJson(nested('[', ']', 400_000)), {
    code: 'gateway_unavailable',
    status: 502,
    message: /nested too deeply or has too many values/,
  })
  t.throws(() => parseModelJson('<html>'), { code: 'gateway_unavailable', message: /not JSON/ })
})

t.test('twenty embeddings of 4,096 dimensions are parsed', async (t) => {
  const data = Array.from({ length: 20 }, () => ({ embedding: Array(4096).fill(0.5) }))
  t.match(readJson(JSON.stringify({ data })), { value: { data: { length: 20 } } })
})

t.test('JSON is indented as by JSON.stringify, with numbers and strings as received', async (t) => {
  const same = fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (value, space) => {
    const text = JSON.stringify(value, null, space)
    return indentJson(text, 1_000_000).text === JSON.stringify(value, null, 2)
  })
  fc.assert(same, { numRuns: 500 })
  t.equal(
    indentJson('[1e400,"\\ud800",12345678901234567890]', 100).text,
    '[\n  1e400,\n  "\\ud800",\n  12345678901234567890\n]',
  )
  t.same(indentJson('{"a":[ ],"b":{ }}', 100), { text: '{\n  "a": [],\n  "b": {}\n}', cut: false })
})

t.test('indenting stops at its limit, for any input', async (t) => {
  for (const text of [
    nested('[', ']', 400_000),
    nested('[', ']', 2000).replace('][', `]${',1'.repeat(30_000)}[`),
    `[${'1,'.repeat(400_000)}1]`,
    JSON.stringify('x'.repeat(1_000_000)),
    `[${' '.repeat(1_000_000)}]`,
  ]) {
    const { value, blockedMs } = await strainHere(() => indentJson(text, 1000))
    t.ok(value.text.length <= 1000)
    t.equal(value.cut, text.trim().length > 3 && !/^\[ +\]$/.test(text))
    t.ok(blockedMs < LONGEST_BLOCK_MS)
  }
  t.same(indentJson('[1]', 7), { text: '[\n  1\n]', cut: false })
  t.same(indentJson('[1]', 6), { text: '[\n  1\n', cut: true })
})

t.test('a retry time is in whole seconds and at most one day', async (t) => {
  const seconds = { '7': 7, '0.2': 1, '999999999': 86_400, '1e400': undefined, '-1': undefined, '0': undefined }
  for (const [header, wait] of Object.entries(seconds)) t.equal(retryAfterIn({ 'retry-after': header }), wait, header)
  t.equal(retryAfterIn({ 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' }), undefined)
  t.equal(retryAfterIn({}), undefined)
})
