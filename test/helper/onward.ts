import { type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http'

/** Forwards a request to a port of this machine, and returns the response; 502 if the port does not respond. */
export function sendOnward(
  incoming: IncomingMessage,
  response: ServerResponse,
  { port, headers = incoming.headers }: { port: number; headers?: IncomingHttpHeaders },
): void {
  const { method, url: path } = incoming
  const onward = request({ host: '127.0.0.1', port, method, headers, path }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
    answer.pipe(response)
  })
  onward.once('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()))
  incoming.pipe(onward)
}
