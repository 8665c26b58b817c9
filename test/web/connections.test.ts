import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createConnections } from '../../src/web/connections.js'

const IDLE_MS = 300
const ASK = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

t.test('a connection is closed when it is idle', async (t) => {
  const { socket, heard } = await open(t, (_request, response) => response.end('here'))
  for (let count = 1; count <= 3; count++) {
    socket.write(ASK)
    while (heard().split('here').length <= count) await sleep(5)
    await sleep(IDLE_MS / 2)
    t.equal(socket.readyState, 'open', 'used again in time')
  }
  await once(socket, 'close')
  t.equal(heard().split('HTTP/1.1 200').length, 4)
})

t.test('an answer may take longer than that, before it begins and within', async (t) => {
  const { socket, heard } = await open(t, async (_request, response) => {
    await sleep(2 * IDLE_MS)
    response.write('first, ')
    await sleep(2 * IDLE_MS)
    response.end('last')
  })
  socket.write(ASK)
  while (!heard().includes('last')) await sleep(5)
  t.match(heard(), 'first, ')
  await once(socket, 'close')
})

async function open(t: Test, handler: RequestListener) {
  const server = createConnections(handler, { idleMs: IDLE_MS })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8').on('data', (more: string) => {
    text += more
  })
  t.teardown(() => {
    socket.destroy()
    server.close()
  })
  await once(socket, 'connect')
  return { socket, heard: () => text }
}
