import { connect } from 'node:net'
import t from 'tap'
import { listen } from '../../src/demo/gateway/nginx/server.js'
import { escapeUri, normaliseUri, rawArgument } from '../../src/demo/gateway/nginx/uri.js'
import { freePort } from '../helper/stack.js'

/** How the demo's gateway reads requests: compared with nginx 1.22.1, request by request, with the bytes received and sent. */
const port = await freePort()
const front = await listen(port, '127.0.0.1', async ({ method, uri, host, body }, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' }).end(`${method} ${uri} [${host}] ${body.toString('latin1')}`)
})
t.teardown(() => front.close())

/** Everything that is received for these bytes, and whether the connection was closed. */
async function sent(...pieces: string[]): Promise<{ text: string; status: number; closed: boolean }> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  let closed = false
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  const end = new Promise<void>((resolve) => {
    socket.once('end', () => {
      closed = true
      resolve()
    })
  })
  for (const piece of pieces) await new Promise((resolve) => socket.write(piece, 'latin1', resolve))
  const complete = (async () => {
    while (!/\r\n0\r\n\r\n$/.test(text)) await new Promise((resolve) => socket.once('data', resolve))
  })()
  await (/Connection: close|HTTP\/1\.0/.test(pieces.join('')) ? end : Promise.race([end, complete]))
  socket.destroy()
  return { text, status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), closed }
}

const HOST = 'Host: models.example\r\n'
const get = (target: string, lines = '') => `GET ${target} HTTP/1.1\r\n${HOST}${lines}\r\n`

t.test('a request that nginx rejects has the same status, page and closed connection', async (t) => {
  const cases: [name: string, status: number, title: string, bytes: string][] = [
    ['TRACE', 405, 'Not Allowed', `TRACE / HTTP/1.1\r\n${HOST}\r\n`],
    ['CONNECT', 400, 'Bad Request', `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`],
    ['a method in lower case', 400, 'Bad Request', `get / HTTP/1.1\r\n${HOST}\r\n`],
    ['a method with a digit', 400, 'Bad Request', `F1 / HTTP/1.1\r\n${HOST}\r\n`],
    ['HTTP/2 in words', 505, 'HTTP Version Not Supported', `GET / HTTP/2.0\r\n${HOST}\r\n`],
    ['no protocol', 400, 'Bad Request', `GET / HTPP/1.1\r\n${HOST}\r\n`],
    ['an address that is no path', 400, 'Bad Request', get('foo')],
    ['OPTIONS *', 400, 'Bad Request', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`],
    ['a space in the address', 400, 'Bad Request', get('/a b')],
    ['a long address', 414, 'Request-URI Too Large', get(`/${'a'.repeat(8200)}`)],
    ['a long header', 400, 'Request Header Or Cookie Too Large', get('/', `x: ${'a'.repeat(8200)}\r\n`)],
    ['many headers', 400, 'Request Header Or Cookie Too Large', get('/', `x: ${'a'.repeat(8000)}\r\n`.repeat(5))],
    ['no Host', 400, 'Bad Request', 'GET / HTTP/1.1\r\n\r\n'],
    ['two Hosts', 400, 'Bad Request', get('/', HOST)],
    ['an empty Host', 400, 'Bad Request', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
    ['a Host with two dots', 400, 'Bad Request', 'GET / HTTP/1.1\r\nHost: a..b\r\n\r\n'],
    ['a Host with a slash', 400, 'Bad Request', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
    ['a header name with a space', 400, 'Bad Request', get('/', 'a b: c\r\n')],
    ['a space before the colon', 400, 'Bad Request', get('/', 'a : c\r\n')],
    ['a header without a name', 400, 'Bad Request', get('/', ': c\r\n')],
    ['a folded header', 400, 'Bad Request', get('/', 'a: b\r\n c\r\n')],
    ['NUL in a header', 400, 'Bad Request', get('/', 'a: b\0c\r\n')],
    ...['Authorization', 'Expect', 'If-None-Match', 'If-Modified-Since', 'Content-Range'].map(
      (name): [string, number, string, string] => [
        `${name} twice`,
        400,
        'Bad Request',
        get('/', `${name}: 1\r\n${name.toLowerCase()}: 1\r\n`),
      ],
    ),
    ['Content-Length twice', 400, 'Bad Request', get('/', 'Content-Length: 1\r\nContent-Length: 1\r\n')],
    ['Content-Length that is no number', 400, 'Bad Request', get('/', 'Content-Length: x\r\n')],
    ['both lengths', 400, 'Bad Request', get('/', 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n')],
    ['another coding', 501, 'Not Implemented', get('/', 'Transfer-Encoding: gzip\r\n')],
    ['chunked with HTTP/1.0', 400, 'Bad Request', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['a chunk without a size', 400, 'Bad Request', get('/', 'Transfer-Encoding: chunked\r\n').concat('zz\r\n')],
    ['a chunk that is too long', 400, 'Bad Request', get('/', 'Transfer-Encoding: chunked\r\n').concat('1\r\nabc\r\n')],
  ]
  for (const [name, status, title, bytes] of cases) {
    const answer = await sent(bytes)
    t.same([answer.status, answer.closed], [status, true], name)
    t.match(answer.text, `<title>${status} ${title}</title>`, `${name}: the page`)
    t.match(answer.text, `content-length: ${answer.text.split('\r\n\r\n')[1]?.length}\r\n`, `${name}: its length`)
  }
})

t.test('a request that nginx accepts and other servers reject or normalize is forwarded as by nginx', async (t) => {
  const cases: Record<string, [bytes: string, text: string]> = {
    'a method nobody knows': [`FOO-BAR_BAZ /a HTTP/1.1\r\n${HOST}\r\n`, 'FOO-BAR_BAZ /a [models.example] '],
    'an absolute address: its host counts': [get('http://Other.example/p?q'), 'GET /p [other.example] '],
    'an absolute address without a path': [get('http://other.example'), 'GET / [other.example] '],
    'a fragment': [get('/a#b?c'), 'GET /a [models.example] '],
    'Host with case, dot and port': ['GET / HTTP/1.1\r\nHost: A.b.:80\r\n\r\n', 'GET / [a.b] '],
    'Host as an IPv6 address': ['GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n', 'GET / [[::1]] '],
    'line feeds alone': [`GET /a HTTP/1.1\nHost: x\n\n`, 'GET /a [x] '],
    'empty lines before': [`\r\n\r\n${get('/a')}`, 'GET /a [models.example] '],
    'a header without a colon': [get('/a', 'abc\r\n'), 'GET /a [models.example] '],
    'Range twice': [get('/a', 'Range: 1\r\nRange: 1\r\n'), 'GET /a [models.example] '],
    'a header line of exactly 8 kB': [get('/a', `x: ${'a'.repeat(8187)}\r\n`), 'GET /a [models.example] '],
    'trailers of a chunked body': [
      get('/a', 'Transfer-Encoding: Chunked\r\n').concat('3\r\nabc\r\n0\r\nx-trailer: 1\r\n\r\n'),
      'GET /a [models.example] abc',
    ],
  }
  for (const [name, [bytes, text]] of Object.entries(cases)) {
    const answer = await sent(bytes)
    t.same([answer.status, answer.closed], [200, false], name)
    t.match(answer.text, text, `${name}: as nginx reads it`)
  }
})

t.test('a connection accepts pipelined and split requests, and closes as requested', async (t) => {
  const both = await sent(get('/one') + get('/two', 'Connection: close\r\n'))
  t.match(both.text, /\/one .*HTTP\/1\.1 200 OK.*\/two /s, 'two pipelined requests are answered in order')
  t.equal(both.closed, true, 'Connection: close is respected')
  const pieces = await sent(...`POST /a HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`)
  t.match(pieces.text, 'POST /a [models.example] abc', 'byte by byte')
  const old = await sent('GET /a HTTP/1.0\r\nHost: x\r\n\r\n')
  t.same([old.status, old.closed], [200, true], 'HTTP/1.0')
  t.notMatch(old.text, /chunked/i)
  const waiting = await sent(`POST /a HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`, 'abc')
  t.match(waiting.text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/, 'Expect: 100-continue')
})

t.test('a client that disconnects during a response does not affect others', async (t) => {
  for (const bytes of ['GET / HT', get('/').slice(0, -2), get('/', 'Content-Length: 3\r\n').concat('a')])
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes, () => socket.destroy()))
      socket.once('close', () => resolve())
    })
  t.equal((await sent(get('/'))).status, 200)
})

t.test('paths are decoded and normalized as $uri, and escaped again as by nginx', async (t) => {
  const normalised = {
    '/a/./b/../c/.': '/a/c/',
    '/a/b/..': '/a/',
    '/a/..': '/',
    '//a%2F%2fb//c/': '/a/b/c/',
    '/a%2F..%2Fb': '/b',
    '/a/...%2f/b': '/a/.../b',
    '/a%3Fb': '/a?b',
    '/a+b': '/a+b',
    '/%ff': '/\xff',
  }
  for (const [path, uri] of Object.entries(normalised)) t.equal(normaliseUri(path), uri, path)
  for (const path of ['', 'a', '/%', '/%4', '/%zz', '/%00', '/..', '/a/../..', '/%2e%2e/a'])
    t.equal(normaliseUri(path), undefined, `${path}: 400`)
  t.equal(
    escapeUri('/ "<>\\^`{|}%#?\xe2\x82+;&~\'()*!$,=:@[]'),
    "/%20%22%3C%3E%5C%5E%60%7B%7C%7D%25%23%3F%E2%82+;&~'()*!$,=:@[]",
  )
  t.equal(rawArgument('?a&A=%31&a=2', 'a'), '%31')
  t.equal(rawArgument('?ab=1&a', 'a'), undefined)
})

t.test('a port in use is reported', async (t) => {
  await t.rejects(
    listen(port, '127.0.0.1', async () => {}),
    { code: 'EADDRINUSE' },
  )
})
