// A bare Fastify server that answers every request with one body: what the ratios of the benchmark are against.
// Arguments: port, file of the body, content type, content encoding or "identity", status.
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'

const [port = '0', file = '', type = 'text/html', encoding = 'identity', status = '200'] = process.argv.slice(2)
const body = status === '304' ? undefined : readFileSync(file)
const app = Fastify()
app.get('/*', async (_request, reply) => {
  if (encoding !== 'identity') reply.header('content-encoding', encoding)
  return reply.code(Number(status)).type(type).send(body)
})
await app.listen({ host: '127.0.0.1', port: Number(port) })
