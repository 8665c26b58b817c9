import fc from 'fast-check'
import { character } from './character.js'

/** Text that must never be returned as active HTML, as a header, or at another position than its own. */
export const LIVE = '<x-live onload=1>'

// biome-ignore lint/suspicious/noTemplateCurlyInString: text that some engines would evaluate
const unusual = '${7*7}'
const classics = [
  ...['', ' ', '0', '-1', '1e309', 'NaN', 'null', 'undefined', 'true', '[object Object]', '__proto__', 'constructor'],
  ...['9007199254740993', '99999999999999999999', '0x10', '１２', '1;2', "' OR 1=1 --", '") || true || ("', unusual],
  ...['<%= 7*7 %>', '{{7*7}}', '#{7*7}', '%00', '%', '%zz', '%c0%ae%c0%ae/', '../../../../etc/passwd', '..%2f..%2f'],
  ...[
    '\u0000',
    'a\r\nx-injected: 1',
    'a%0d%0ax-injected:%201',
    '\u2028',
    '\ud800',
    '\ufeff',
    '\u202e',
    'İ',
    'ß',
    '👩‍👩‍👧',
  ],
  ...[
    'javascript:alert(1)',
    'data:text/html,x',
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/%5cevil',
  ],
  ...['http://169.254.169.254/', 'file:///etc/passwd', '2026-02-30', '2026-01-01T00:00:00+99:99', 'P1D', '*', '?', '#'],
  ...['maas_2601010000000000000000000000000000000000000000', 'demo-token', 'eyJhbGciOiJub25lIn0.e30.', 'a'.repeat(300)],
  ...[LIVE, `"'>${LIVE}`, `</code>${LIVE}`, `</script>${LIVE}`, '`', '\\', '\\u0000', '(a+)+$', 'a'.repeat(5000)],
]

/** A piece of malicious text. */
export const hostile = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...classics) },
  { weight: 2, arbitrary: fc.string({ unit: character, maxLength: 30 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
)

const names = [
  ...['q', 'type', 'capability', 'sort', 'page', 'limit', 'cursor', 'reveal', 'client', 'application_id', 'model'],
  ...[
    'since',
    'until',
    'granularity',
    'metric',
    'zone',
    'range',
    'return_to',
    'code',
    'state',
    'error',
    'name',
    'plan',
  ],
  ...[
    'description',
    'attempt',
    'key',
    'key_id',
    'confirm',
    'fields',
    'accept_terms',
    'account.department',
    'application',
  ],
  ...[
    'user.job_title',
    'prompt',
    'message',
    'history',
    'parameters',
    'logout_token',
    'models',
    'with',
    'mine',
    'status',
  ],
  ...['__proto__', 'constructor.prototype', 'a[b][c]', 'fields[department]', 'toString', 'hasOwnProperty', ''],
]
const values = fc.oneof(
  { weight: 3, arbitrary: hostile },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['granite-chat', 'mistral-chat', 'basic', 'chat', 'curl', 'python-openai', 'true', '1', '50', 'day', 'hits'],
      ...['2026-01-01T00:00:00Z', 'a'.repeat(22), 'Europe/Berlin', 'application.first'],
    ),
  },
)
const pairs = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...names), hostile), values), { maxLength: 5 })
const json = fc.oneof(
  pairs.map((entries) => JSON.stringify(Object.fromEntries(entries))),
  pairs.map((entries) => `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)}}`),
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify({ model: value, name: value, fields: value })),
  fc.constantFrom(
    ...[
      '',
      '{',
      '[]',
      'null',
      '"x"',
      '1e999',
      '{"a":1,"a":2}',
      '{"__proto__":{"x":1}}',
      '{"name":"\\ud800"}',
      '\ufeff{}',
    ],
    ...[
      `${'['.repeat(3000)}${']'.repeat(3000)}`,
      `{"name":"${'x'.repeat(300_000)}"}`,
      '{"constructor":{"prototype":{}}}',
    ],
  ),
)
const form = pairs.map((entries) =>
  new URLSearchParams(entries.map(([name, value]) => [wellFormed(name), wellFormed(value)])).toString(),
)
const body = fc.oneof(
  { weight: 4, arbitrary: form.map((text) => ({ type: 'application/x-www-form-urlencoded', text })) },
  { weight: 4, arbitrary: json.map((text) => ({ type: 'application/json', text })) },
  { weight: 1, arbitrary: hostile.map((text) => ({ type: 'application/x-www-form-urlencoded', text })) },
  {
    weight: 1,
    arbitrary: fc.tuple(hostile, fc.oneof(form, json)).map(([type, text]) => ({ type: asHeader(type), text })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('multipart/form-data; boundary=x', 'text/xml', 'application/json; charset=utf-16', 'text/plain')
      .map((type) => ({ type, text: '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n' })),
  },
)

const headers: [string, string[]][] = [
  ['host', ['evil.example', '', 'localhost:1', '127.0.0.1', 'a b', '[::1]:99999', 'localhost@evil.example']],
  ['origin', ['https://evil.example', 'null', 'http://localhost']],
  ['sec-fetch-site', ['cross-site', 'same-site', 'same-origin', 'none', 'odd']],
  ['referer', ['https://evil.example/x', 'http://localhost/', 'javascript:1', '::']],
  ['accept', ['*/*', 'text/csv', 'application/json', 'a/b;q=2', ',,,', 'text/html']],
  ['accept-encoding', ['br', 'gzip', 'identity;q=0', '*', 'br;q=x']],
  ['accept-language', ['xx', '*', 'de;q=9']],
  ['x-forwarded-for', ['1.2.3.4', 'not an address', '::1, ::2', '1'.repeat(500)]],
  ['x-forwarded-host', ['evil.example']],
  ['x-forwarded-proto', ['https', 'gopher']],
  ['forwarded', ['for="[::1]";host=evil.example;proto=https']],
  ['idempotency-key', ['a', '', 'x'.repeat(256), 'y'.repeat(255), 'é']],
  ['if-none-match', ['*', '"x"', 'W/"y"', ',', '"']],
  ['range', ['bytes=0-', 'bytes=9-1', 'x']],
  ['expect', ['100-continue', 'something']],
  ['upgrade', ['websocket', 'h2c']],
  ['traceparent', ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'ff-', '00-0-0-0']],
  ['x-http-method-override', ['DELETE']],
  ['content-encoding', ['gzip', 'x']],
  ['user-agent', ['() { :;}; x', 'a'.repeat(2000)]],
  ['connection', ['keep-alive', 'close', 'content-length', 'upgrade']],
]
const header = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .constantFrom(...headers)
      .chain(([name, list]) => fc.tuple(fc.constant(name), fc.constantFrom(...list))),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...headers).chain(([name]) => fc.tuple(fc.constant(name), hostile.map(asHeader))),
  },
  { weight: 1, arbitrary: fc.tuple(hostile.map(asToken), hostile.map(asHeader)) },
)

/** Modifications that turn a valid cookie or token into an invalid one. */
const spoil = fc.constantFrom<(good: string, other: string) => string>(
  (good) => good,
  (good) => good.slice(0, -1),
  (good) => good.slice(0, 20),
  (good) => `${good.slice(0, 30)}${good[30] === 'A' ? 'B' : 'A'}${good.slice(31)}`,
  (good) => good.toLowerCase(),
  (good) => `${good}.${good}`,
  (good) => `${good}=; ${good}`,
  (good) => good.split('').reverse().join(''),
  (good) => good.split('.').slice(0, 2).join('.'),
  (_good, other) => other,
  () => '',
  () => 'A'.repeat(3000),
)

/** Generates a value in one of this many cases. */
function seldom<T>(often: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: often - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary })
}

/** A request with valid HTTP syntax and arbitrary content. */
export const submission = fc.record({
  route: fc.nat(),
  method: seldom(8, fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND')),
  ids: fc.array(fc.oneof(hostile, fc.constantFrom('granite-chat', '1', '3001', '0123456789abcdef')), {
    minLength: 2,
    maxLength: 2,
  }),
  rawPath: seldom(30, hostile),
  query: pairs,
  headers: fc.array(header, { maxLength: 4 }),
  credential: fc.option(fc.tuple(fc.constantFrom('session', 'sign-in', 'sign-up', 'flash', 'bearer', 'basic'), spoil), {
    freq: 2,
  }),
  body: fc.option(body, { freq: 3 }),
})

export type Wish = typeof submission extends fc.Arbitrary<infer T> ? T : never

/** Invalid HTTP, which needs a connection of its own. */
export const broken = fc
  .tuple(
    fc.constantFrom<(text: string) => string>(
      (text) => `GET / HTTP/9.9\r\nHost: x\r\n${text}\r\n\r\n`,
      () => 'GET / HTTP/1.1\r\n\r\n',
      () => 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
      (text) => `GET /${text} HTTP/1.1\r\nHost: x\r\n\r\n`,
      (text) => `${text}\r\n\r\n`,
      () => 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
      () => 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
      () => 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n',
      () => 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
      () => 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
      () => 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n',
      () => 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
      () => 'GET / HTTP/1.1\r\nHost: x\r\n folded: yes\r\n\r\n',
      () => 'GET / HTTP/1.1\nHost: x\nX: y\n\n',
      (text) => `GET / HTTP/1.1\r\nHost: x\r\nX: ${text}\u0000\r\n\r\n`,
      () => `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`,
      () => `GET /${'y'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      () => `GET / HTTP/1.1\r\nHost: x\r\n${'a: b\r\n'.repeat(3000)}\r\n`,
      () => 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n',
      () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      () => '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001',
    ),
    hostile,
  )
  .map(([write, text]) => Buffer.from(write(text), 'latin1'))

/** Characters that are valid in a header value, so that the request remains one request. */
export function asHeader(text: string): string {
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/[^\t\x20-\x7e\x80-\xff]/g, '')
}

function asToken(text: string): string {
  return `x-${text.replace(/[^\w-]/g, '').slice(0, 40)}`
}

function wellFormed(text: string): string {
  return text.toWellFormed()
}
