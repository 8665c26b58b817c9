import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AuthCache } from './cache.js'
import type { Fault, Faults } from './faults.js'

/** `PUT /_demo/gateway` {"auth_cache", "pods"} and `PUT /_demo/faults` [...]; GET tells them. */
export function controlServer(cache: AuthCache, faults: Faults): Server {
  const routes: Record<string, (wanted: unknown) => object> = { '/_demo/gateway': settings, '/_demo/faults': failures }
  return createServer(async (request, response) => {
    const put = request.method === 'PUT' ? await bodyOf(request) : undefined
    const answer = routes[request.url ?? '']?.(put)
    if (answer === undefined) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })

  function settings(wanted: unknown): object {
    if (wanted) cache.configure(wanted as { auth_cache?: boolean; pods?: number })
    return cache.settings()
  }

  function failures(wanted: unknown): object {
    return wanted ? faults.replace(wanted as Omit<Fault, 'hits'>[]) : faults.list()
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return JSON.parse(text)
}
