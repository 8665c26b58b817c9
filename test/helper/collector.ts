import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ReceivedSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  /** 2: server, 3: client */
  kind: number
  attributes: Record<string, string | number>
}

interface Wire {
  resourceSpans: {
    resource: { attributes: Attribute[] }
    scopeSpans: { spans: (Omit<ReceivedSpan, 'attributes'> & { attributes: Attribute[] })[] }[]
  }[]
}

interface Attribute {
  key: string
  value: { stringValue?: string; intValue?: number | string; doubleValue?: number }
}

/** A collector that receives OTLP over HTTP and stores all bodies, and the spans of JSON bodies. */
export async function startCollector() {
  const bodies: { path: string; type: string; headers: Record<string, unknown>; body: Buffer }[] = []
  const spans: ReceivedSpan[] = []
  const resources: Record<string, string | number>[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const type = request.headers['content-type'] ?? ''
    bodies.push({ path: request.url ?? '', type, headers: request.headers, body })
    if (type.includes('json')) take(JSON.parse(body.toString('utf8')) as Wire)
    response.writeHead(200, { 'content-type': type }).end(type.includes('json') ? '{}' : '')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    spans,
    resources,
    close: () => server.close(),
  }

  function take({ resourceSpans }: Wire): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      resources.push(flat(resource.attributes))
      for (const span of scopeSpans.flatMap((scope) => scope.spans))
        spans.push({ ...span, attributes: flat(span.attributes) })
    }
  }
}

function flat(attributes: Attribute[]): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? Number(value.intValue ?? value.doubleValue ?? Number.NaN),
    ]),
  )
}
