import { createServer, type Server } from 'node:http'
import type { AuthCache } from './cache.js'

/** `PUT /_demo/gateway` {"auth_cache", "pods"}; GET tells them. */
export function controlServer(cache: AuthCache): Server {
  return createServer(async (request, response) => {
    if (request.url !== '/_demo/gateway') {
      response.writeHead(404).end()
      return
    }
    if (request.method === 'PUT') {
      let text = ''
      for await (const chunk of request) text += String(chunk)
      cache.configure(JSON.parse(text) as { auth_cache?: boolean; pods?: number })
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(cache.settings()))
  })
}
