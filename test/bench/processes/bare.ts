// A bare Fastify server: it sends prepared answers by address, after the calls to 3scale that the portal sends for the same
// request. The ratios of the benchmark refer to it. Argument: port.
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import { Agent } from 'undici'
import type { BareAnswer, Call } from './measured-process.js'

interface Prepared extends Omit<BareAnswer, 'body'> {
  body: Buffer | undefined
}

const [port = '0'] = process.argv.slice(2)
const upstream = new Agent()
let answers = new Map<string, Prepared>()
let callsPerRequest = 0
let due = 0

const app = Fastify()

app.put<{ Body: { file?: string; callsPerRequest?: number } }>('/bench', async ({ body }) => {
  if (body.file) answers = read(body.file)
  callsPerRequest = body.callsPerRequest ?? 0
  due = 0
  return {}
})

app.get('/*', async (request, reply) => {
  const answer = answers.get(request.url)
  if (!answer) return reply.code(404).send()
  if (callsPerRequest > 0) await call(answer.calls)
  return reply.code(answer.status).headers(answer.headers).send(answer.body)
})

process.once('disconnect', () => process.exit())
await app.listen({ host: '127.0.0.1', port: Number(port) })

/** Of a share of a call for each request, a whole one is sent when it is due. */
async function call(calls: Call[]): Promise<void> {
  due += callsPerRequest
  const count = Math.floor(due)
  due -= count
  const chosen = Array.from({ length: count }, (_, index) => calls[index % calls.length]).filter((each) => !!each)
  await Promise.all(chosen.map(send))
}

async function send({ origin, method, path, headers }: Call): Promise<void> {
  const response = await upstream.request({ origin, method: method as 'GET', path, headers })
  await response.body.text()
}

/** undici adds these itself. */
function withoutConnection(headers: string[]): string[] {
  return headers.filter((_, index) => !/^(host|connection)$/i.test(headers[index - (index % 2)] ?? ''))
}

function read(file: string): Map<string, Prepared> {
  const input = JSON.parse(readFileSync(file, 'utf8')) as Record<string, BareAnswer>
  return new Map(
    Object.entries(input).map(([address, { body, calls, ...rest }]) => [
      address,
      {
        ...rest,
        calls: calls.map((each) => ({ ...each, headers: withoutConnection(each.headers) })),
        body: rest.status === 304 ? undefined : Buffer.from(body, 'base64'),
      },
    ]),
  )
}
