import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { bearer, echoOf, startGateway } from '../helper/gateway.js'
import { raw } from '../helper/raw.js'

/** Behaviour measured on APIcast 2.16 for streaming, gzip and large bodies, row by row. */
const zipped = gzipSync('{"data":[]}')
const streams: ServerResponse[] = []
const gateway = await startGateway({
  respond({ url }, response) {
    if (url === '/v1/stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
      response.write('data: {"piece":0}\n\n')
      streams.push(response)
    } else if (url === '/v1/gzip') {
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip', server: 'vllm' })
        .end(zipped)
    } else return false
    return true
  },
})
t.teardown(() => gateway.close())

const KEY = '0123456789abcdef0123456789abcdef'
const product = await gateway.product({
  location: 'authorization',
  rules: [
    ['GET', '/v1', 'hits'],
    ['POST', '/v1', 'hits'],
  ],
  policies: [{ name: 'apicast', version: 'builtin', configuration: {} }],
  proxy: { api_backend: gateway.upstream },
})
await gateway.application(product, { user_key: KEY })

t.test('server-sent events are forwarded one by one, before the model server sends the next', async (t) => {
  for (const pieces of [5, 50]) {
    const answer = await fetch(`http://127.0.0.1:${product.port}/v1/stream`, {
      headers: { authorization: `Bearer ${KEY}`, 'accept-encoding': 'gzip' },
    })
    t.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8', 'content type unchanged')
    t.equal(answer.headers.get('cache-control'), 'no-cache', 'cache-control unchanged')
    t.equal(answer.headers.get('content-encoding'), null, 'Accept-Encoding: gzip changes nothing')
    const stream = streams.at(-1)
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
    const read: string[] = []
    for (let piece = 1; piece < pieces; piece++) {
      read.push((await reader?.read())?.value ?? '')
      stream?.write(`data: {"piece":${piece}}\n\n`)
    }
    read.push((await reader?.read())?.value ?? '')
    stream?.end('data: {"usage":{"total_tokens":7}}\n\ndata: [DONE]\n\n')
    for (let end = false; !end; ) {
      const { done, value = '' } = (await reader?.read()) ?? { done: true }
      end = done
      read.push(value)
    }
    const sent = Array.from({ length: pieces }, (_, piece) => `data: {"piece":${piece}}\n\n`)
    t.same(read.slice(0, pieces), sent, `${pieces} chunks, one at a time`)
    t.match(read.join(''), /"usage":.*\n\ndata: \[DONE\]\n\n$/s, 'usage event and [DONE] present')
  }
})

t.test('gzip from the model server is unchanged; the gateway never compresses', async (t) => {
  const answer = await raw(product.port, 'GET /v1/gzip', [bearer(KEY), 'Accept-Encoding: gzip'])
  t.same([answer.header('content-encoding'), answer.bytes.equals(zipped)], ['gzip', true])
  t.equal(answer.header('server'), undefined, "the model server's Server header is removed")
  const plain = await raw(product.port, 'GET /v1/models', [bearer(KEY), 'Accept-Encoding: gzip'])
  t.equal(plain.header('content-encoding'), undefined)
  t.equal(echoOf(plain).headers['accept-encoding'], 'gzip', 'the model server receives what the client sent')
})

t.test('request bodies have no size limit and are buffered completely', async (t) => {
  for (const megabytes of [0.5, 1, 2, 10, 50]) {
    const answer = await raw(product.port, 'POST /v1/x', [bearer(KEY)], 'a'.repeat(megabytes * 1024 * 1024))
    t.same([answer.status, echoOf(answer).length], [200, megabytes * 1024 * 1024], `${megabytes} MB`)
  }
  const lines = [bearer(KEY), 'Transfer-Encoding: chunked']
  const { headers, text } = echoOf(
    await raw(product.port, 'POST /v1/x', lines, '3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n'),
  )
  t.same([headers['content-length'], headers['transfer-encoding'], text], ['7', undefined, 'abcdefg'], 'chunked')
})
