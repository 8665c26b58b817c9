import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, type Socket } from 'node:net'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { lingeringClose } from '../../../src/web/server/lingering-close.js'
import { printedByPython } from '../../helper/python.js'

async function server(t: Pick<Test, 'teardown'>, options?: { bytes?: number; ms?: number }): Promise<number> {
  const app = Fastify({ bodyLimit: 1000 })
  lingeringClose(app, options)
  app.post('/', async () => 'done')
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  return (app.server.address() as AddressInfo).port
}

const head = (lines: string[]) =>
  ['POST / HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', ...lines, '', ''].join('\r\n')

/** Opens a connection and collects the received data; `answered` resolves with the complete response. */
async function client(port: number) {
  const socket: Socket = connect(port, '127.0.0.1')
  let text = ''
  let errors = 0
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => errors++)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await once(socket, 'connect')
  return {
    socket,
    closed,
    text: () => text,
    errors: () => errors,
    async answered(): Promise<string> {
      while (!/\r\n\r\n\{.*\}$/s.test(text)) await once(socket, 'data')
      return text
    },
  }
}

t.test('a client that is still sending its body gets the whole response and can send the rest', async (t) => {
  const port = await server(t)
  for (const lines of [['Content-Length: 500000'], ['Transfer-Encoding: chunked']]) {
    const { socket, answered, text, errors, closed } = await client(port)
    const chunked = lines[0]?.startsWith('Transfer')
    const piece = 'x'.repeat(10_000)
    const write = () => socket.write(chunked ? `${piece.length.toString(16)}\r\n${piece}\r\n` : piece)
    socket.write(head(lines))
    write()
    t.match(await answered(), /^HTTP\/1\.1 413 /, `${lines[0]}: before the body is sent`)
    t.match(text(), /connection: close/i)
    for (let sent = 1; sent < 50; sent++) write()
    if (chunked) socket.write('0\r\n\r\n')
    await closed
    t.equal(errors(), 0, 'no reset')
    t.equal(text().match(/HTTP\/1\.1/g)?.length, 1, 'one response')
  }
})

t.test('an endless body is read up to a byte limit, a slow one up to a time limit', async (t) => {
  const many = await client(await server(t, { bytes: 200_000 }))
  many.socket.write(head(['Transfer-Encoding: chunked']))
  const piece = `2710\r\n${'x'.repeat(10_000)}\r\n`
  let sent = 0
  const more = () => {
    while (!many.socket.destroyed && sent < 100_000_000 && many.socket.write(piece)) sent += piece.length
  }
  many.socket.on('drain', more)
  more()
  await many.closed
  t.ok(sent < 100_000_000, `closed after ${sent} bytes`)

  const slow = await client(await server(t, { ms: 50 }))
  slow.socket.write(`${head(['Content-Length: 5000'])}x`)
  t.match(await slow.answered(), /^HTTP\/1\.1 413 /)
  await slow.closed
  t.pass('the connection is closed although the body never ends')
})

t.test(
  'a client that disconnects meanwhile is forgotten, and the connection stays open after a complete body',
  async (t) => {
    const port = await server(t)
    const removed = await client(port)
    removed.socket.write(`${head(['Content-Length: 500000'])}x`)
    await removed.answered()
    removed.socket.resetAndDestroy()
    const good = await client(port)
    for (const length of [2, 3]) {
      good.socket.write(`${head([`Content-Length: ${length}`])}${length === 2 ? '{}' : '{ }'}`)
      while ((good.text().match(/done/g)?.length ?? 0) < length - 1) await once(good.socket, 'data')
    }
    t.notMatch(good.text(), /connection: close/i)
    good.socket.destroy()
  },
)

t.test("Python's http.client, which sends the whole body first, gets the response", async (t) => {
  const port = await server(t)
  const code = `
import http.client
for size in (2_000, 300_000, 2_000_000, 20_000_000):
  for type in ("application/json", "application/octet-stream"):
    connection = http.client.HTTPConnection("127.0.0.1", ${port}, timeout=60)
    connection.request("POST", "/", body=b"x" * size, headers={"Content-Type": type})
    response = connection.getresponse()
    print(size, response.status, len(response.read()) > 0)
`
  t.same(
    (await printedByPython(code)).split('\n'),
    [2_000, 300_000, 2_000_000, 20_000_000].flatMap((size) => [`${size} 413 True`, `${size} 415 True`]),
  )
})
