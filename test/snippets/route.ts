import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:https'
import { join } from 'node:path'

/**
 * The router in front of APIcast on OpenShift: TLS for a public name, then plain HTTP with the same Host. `home` is a CURL_HOME
 * that resolves the name, port 443, to this machine and trusts the certificate, so that the text itself is unchanged.
 */
export async function startRoute(host: string, gatewayPort: number, folder: string) {
  const home = join(folder, 'route')
  mkdirSync(home, { recursive: true })
  const [key, cert] = [join(home, 'key.pem'), join(home, 'cert.pem')]
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert]
  const created = spawnSync('openssl', [...args, '-subj', '/CN=route', '-addext', `subjectAltName=DNS:${host}`])
  if (created.status !== 0) throw new Error(`openssl: ${created.stderr}`)
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (incoming, response) => {
    const { method, headers, url: path } = incoming
    const onward = request({ host: '127.0.0.1', port: gatewayPort, method, headers, path }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  writeFileSync(join(home, '.curlrc'), `connect-to = "${host}:443:127.0.0.1:${port}"\ncacert = "${cert}"\n`)
  return { home, close: () => server.close() }
}
