import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Fault, Faults } from './faults.js'
import type { Settings } from './settings.js'

interface Controlled {
  settings: Settings
  faults: Faults
  /** Clears the caches of the gateway. */
  forget(): void
}

/** `/_demo/gateway` and `/_demo/faults`: PUT changes and GET reads. An invalid change returns 400 with the remedy. */
export function controlServer({ settings, faults, forget }: Controlled): Server {
  return createServer(async (request, response) => {
    const send = (status: number, body: object) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const change = request.method === 'PUT' ? await bodyOf(request) : undefined
    const path = request.url ?? ''
    if (path === '/_demo/gateway') {
      const error = change && (change.isJson ? settings.change(change.value) : 'The body is not JSON.')
      if (error) return send(400, { error })
      if (change) forget()
      return send(200, settings.current())
    }
    if (path !== '/_demo/faults') return void response.writeHead(404).end()
    if (!change) return send(200, faults.list())
    if (!change.isJson || !Array.isArray(change.value)) return send(400, { error: 'Send a JSON list of faults.' })
    send(200, faults.replace(change.value as Omit<Fault, 'hits'>[]))
  })
}

async function bodyOf(request: IncomingMessage): Promise<{ isJson: boolean; value?: unknown }> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  try {
    return { isJson: true, value: JSON.parse(Buffer.concat(chunks).toString('utf8')) }
  } catch {
    return { isJson: false }
  }
}
