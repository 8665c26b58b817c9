// A bare Fastify server that answers every request with one body and the same headers: what the ratios of the benchmark are
// against. Arguments: port, a JSON file with status and headers, the file of the body.
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'

const [port = '0', answer = '', file = ''] = process.argv.slice(2)
const { status, headers } = JSON.parse(readFileSync(answer, 'utf8')) as {
  status: number
  headers: Record<string, string>
}
const body = status === 304 ? undefined : readFileSync(file)
const app = Fastify()
app.get('/*', async (_request, reply) => reply.code(status).headers(headers).send(body))
await app.listen({ host: '127.0.0.1', port: Number(port) })
