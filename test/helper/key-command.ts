import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { parse } from 'yaml'
import { sendOnward } from './onward.js'
import { privateCa } from './private-ca.js'
import { cli } from './stack.js'

export interface Run {
  status: number | null
  stdout: string
  stderr: string
}

/** Runs `maas-portal key` with only these settings. */
export async function runKey(args: string[], env: Record<string, string>): Promise<Run> {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [cli, 'key', ...args], { env: { PATH, HOME, ...env } })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, stdout, stderr }
}

/** The decoded entries of a Secret that was written to standard output. */
export function entriesOf(manifest: string): Record<string, string> {
  const { data } = parse(manifest) as { data: Record<string, string> }
  return decoded(data)
}

export function decoded(data: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, Buffer.from(value, 'base64').toString('utf8')]),
  )
}

interface Scripted {
  /** Method and path without the query. */
  match: string
  status: number
  headers?: Record<string, string>
  body?: string
}

/** TLS with a private CA in front of a portal; `next` are responses that are sent once each instead of those of the portal. */
export async function startFront(portalPort: () => number) {
  const ca = privateCa('localhost', '127.0.0.1')
  const next: Scripted[] = []
  const seen: string[] = []
  const server = createServer({ key: ca.key, cert: ca.cert }, (incoming, response) => {
    const { method, url: path = '/' } = incoming
    const call = `${method} ${path.split('?')[0]}`
    seen.push(call)
    const index = next.findIndex(({ match }) => match === call)
    const [scripted] = index === -1 ? [] : next.splice(index, 1)
    if (scripted) {
      incoming.resume()
      return void response.writeHead(scripted.status, scripted.headers).end(scripted.body)
    }
    sendOnward(incoming, response, { port: portalPort() })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    caFile: ca.caFile,
    next,
    seen,
    close() {
      server.closeAllConnections()
      server.close()
      ca.close()
    },
  }
}
