import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'

/** A server on this machine for both of its host names; `at` is its port, by default any free port. */
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

/** Creating an RSA key takes long, so the providers of a process share one, under different key ids. */
let rsa: KeyPairKeyObjectResult | undefined

/** A signing key of a provider. `published` contains additional fields of the public key; undefined removes a field. */
export async function createSigner(alg: string, kid: string, published: Record<string, unknown> = {}) {
  const { privateKey, publicKey } = await keyPairFor(alg)
  const key: JWK = { ...(await exportJWK(publicKey)), kid, use: 'sig', ...published }
  return {
    keys: { keys: [key] },
    sign: (claims: JWTPayload, header: Partial<JWTHeaderParameters> = {}): Promise<string> =>
      new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  }
}

async function keyPairFor(alg: string) {
  if (!/^[RP]S/.test(alg)) return generateKeyPair(alg, { extractable: true })
  rsa ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
  return rsa
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
