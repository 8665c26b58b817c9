import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'

/** A server on this machine, which both of its names lead to; `at` is its port, by default any. */
export async function listenLocally(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  at = 0,
): Promise<{ port: number; close(): Promise<void> }> {
  const server: Server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A key that a provider signs with. `published` has members of the public key besides the usual ones, or undefined for one that it lacks. */
export async function createSigner(alg: string, kid: string, published: Record<string, unknown> = {}) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const key: JWK = { ...(await exportJWK(publicKey)), kid, use: 'sig', ...published }
  return {
    keys: { keys: [key] },
    sign: (claims: JWTPayload, header: Partial<JWTHeaderParameters> = {}): Promise<string> =>
      new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  }
}

/** The body of a form post. */
export async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  let text = ''
  for await (const part of request) text += String(part)
  return new URLSearchParams(text)
}

export function json(response: ServerResponse, body: unknown, status = 200): ServerResponse {
  return response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(body))
}
