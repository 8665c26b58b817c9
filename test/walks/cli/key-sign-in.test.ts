import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { runKey } from '../../helper/key-command.js'

/** `maas-portal key` with an identity provider that issues no token, and with addresses that do not respond. */
const required = ['--model', 'granite-chat', '--name', 'x', '--timeout', '1s']
const credentials = { MAAS_CLIENT_ID: 'robot', MAAS_CLIENT_SECRET: 'robot-secret' }

/** Serves the metadata of a portal and its identity provider; each request of `path` gets `answer`. */
async function startBoth(t: Test, path: string, answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    const issuer = `http://localhost:${(server.address() as AddressInfo).port}`
    if (request.url === path) return answer(response)
    const metadata =
      request.url === '/.well-known/oauth-protected-resource'
        ? { resource: issuer, authorization_servers: [issuer] }
        : { issuer, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks` }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(metadata))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://localhost:${(server.address() as AddressInfo).port}`
}

const json =
  (status: number, body: object, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

t.test('a rejection by the identity provider exits with code 1, and a temporary error with code 2', async (t) => {
  const cases: [string, (response: ServerResponse) => void, number, RegExp][] = [
    ['/token', json(400, { error: 'invalid_scope' }), 1, /no access token \(invalid_scope\)/],
    [
      '/token',
      json(401, { error: 'invalid_client' }, { 'www-authenticate': 'Basic realm="sso"' }),
      1,
      /no access token/,
    ],
    ['/token', json(429, { error: 'slow_down' }), 2, /responded with status 429\. Run the command again later/],
    ['/.well-known/openid-configuration', json(502, {}), 2, /responded with status 502\. Run the command/],
    ['/token', json(503, { error: 'temporarily_unavailable' }), 2, /responded with status 503\. Run the command/],
    ['/.well-known/oauth-protected-resource', json(429, {}), 2, /responded with status 429/],
    ['/.well-known/oauth-protected-resource', json(404, {}), 1, /names no identity provider/],
  ]
  for (const [path, answer, status, words] of cases) {
    const portal = await startBoth(t, path, answer)
    const run = await runKey([...required, '--portal', portal], credentials)
    t.match([run.status, run.stderr], [status, words], `${path}: ${run.stderr}`)
    t.equal(run.stdout, '')
    t.notMatch(run.stderr, 'robot-secret')
  }
})

t.test('an address that does not respond is reported with the reason', async (t) => {
  const plain = new URL(await startBoth(t, '/none', json(200, {}))).host
  const reset = await startBoth(t, '/.well-known/oauth-protected-resource', (response) => void response.destroy())
  const closed = await startBoth(t, '/.well-known/openid-configuration', (response) => void response.destroy())
  const cases: [string, string | RegExp][] = [
    [`https://${plain}`, `${plain} could not be reached (it does not speak TLS there; check https and the port).`],
    ['http://localhost:65535', 'localhost:65535 could not be reached'],
    ['https://portal.invalid', 'portal.invalid could not be reached (its name'],
    [reset, `${new URL(reset).host} could not be reached (`],
    [closed, 'The identity provider could not be reached ('],
    // A port that fetch refuses to call.
    ['http://localhost:1', 'fetch failed (bad port).'],
  ]
  for (const [portal, words] of cases) {
    const run = await runKey([...required, '--portal', portal], credentials)
    t.equal(run.status, 2)
    t.match(run.stderr, words)
  }
})
