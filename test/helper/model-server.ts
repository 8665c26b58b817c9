import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import type { Stack } from './stack.js'

export type ModelAnswer = (response: ServerResponse, request: IncomingMessage, body: string) => void | Promise<void>

/** A model server behind the demo's gateway that responds as the test defines. */
export async function startModelServer() {
  let answer: ModelAnswer = (response) => void response.end()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    await answer(response, request, Buffer.concat(chunks).toString())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Applies from now on. */
    answers(next: ModelAnswer) {
      answer = next
    },
    /** A product whose calls this server receives; `more` has other differences (`src/demo/threescale/tenant/product-definition.ts`). */
    async product(stack: Stack, type: string, system_name = `odd-${type}`, more: object = {}) {
      const proxy = { api_backend: this.url }
      const product = {
        system_name,
        name: system_name,
        description: '',
        version: '1',
        location: 'authorization',
        type,
        proxy,
        ...more,
      }
      const created = await fetch(`${stack.threescale}/_demo/products?count=1`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(product),
      })
      if (!created.ok) throw new Error(await created.text())
      return system_name
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

export function sendsText(text: string, type = 'application/json', status = 200): ModelAnswer {
  return (response) => void response.writeHead(status, { 'content-type': type }).end(text)
}

export const sendsJson = (value: unknown): ModelAnswer => sendsText(JSON.stringify(value))

/** An event stream in chunks of this size, as fast as the reader accepts them. */
export function streams(text: string, size = 64 * 1024): ModelAnswer {
  return async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.socket?.setNoDelay()
    const bytes = Buffer.from(text)
    async function* pieces() {
      for (let at = 0; at < bytes.length; at += size) {
        yield bytes.subarray(at, at + size)
        await turn()
      }
    }
    // The portal disconnects when it has read enough.
    await pipeline(pieces, response).catch(() => {})
  }
}
