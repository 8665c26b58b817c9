import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { type Received, raw } from './raw.js'
import { startStack } from './stack.js'

export const ACCOUNT = 503
export const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
export const bearer = (token: string) => `Authorization: Bearer ${token}`
export const json = 'Content-Type: application/json'
export const form = 'Content-Type: application/x-www-form-urlencoded'

/** A product that a test added: its id, its port on this machine, and the secrets of its deployed configuration. */
export interface GatewayProduct {
  id: number
  port: number
  serviceToken: string
  secretToken: string
}

export interface Expected {
  status: number
  text?: string | RegExp
  headers?: Record<string, string | RegExp | string[] | undefined>
}

const refusal = (status: number, text: string, type = 'text/plain; charset=us-ascii'): Expected => ({
  status,
  text,
  headers: {
    'content-type': type,
    'transfer-encoding': 'chunked',
    'content-length': undefined,
    'www-authenticate': undefined,
    'x-3scale-matched-rules': undefined,
    'x-3scale-usage': undefined,
  },
})

/** Responses of the gateway, as measured: texts, types and framing. */
export const expected = {
  ok: { status: 200, headers: { 'x-echo': 'yes' } },
  missing: refusal(403, 'Authentication parameters missing'),
  failed: refusal(403, 'Authentication failed'),
  noRule: refusal(404, 'No Mapping Rule matched'),
  limited: refusal(429, 'Usage limit exceeded'),
  notFound: { status: 404, text: '', headers: { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' } },
  refusal,
  /** The error page of nginx, with its length. */
  page: (status: number, title: string): Expected => ({
    status,
    text: new RegExp(`<title>${status} ${title}</title>[^]*<hr><center>nginx</center>`),
    headers: { 'content-type': 'text/html', 'content-length': /^\d+$/, 'transfer-encoding': undefined },
  }),
} satisfies Record<string, Expected | ((...args: never[]) => Expected)>

export const withHeaders = (one: Expected, headers: NonNullable<Expected['headers']>): Expected => ({
  ...one,
  headers: { ...one.headers, ...headers },
})

/** The gateway as a separate process, the 3scale part, and a model server that returns what it received. */
export async function startGateway({ respond, state }: { respond?: Respond; state?: string } = {}) {
  const stack = await startStack([])
  await stack.part('threescale', state ? ['--state', state] : [])
  await stack.part('gateway')
  const model = await startModel(respond)

  return {
    stack,
    model,
    upstream: `http://127.0.0.1:${model.port}`,
    control: `http://127.0.0.1:${stack.port + 4}/_demo/gateway`,
    product,
    application,
    api,
    used,
    counted,
    settings,
    async close() {
      await stack.close()
      model.close()
    },
  }

  /** `sketch` contains the differences to the standard product. Resolves when the gateway listens for it. */
  async function product(sketch: object): Promise<GatewayProduct> {
    const answer = await fetch(`${stack.threescale}/_demo/products`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(sketch),
    })
    const { products } = (await answer.json()) as { products: { system_name: string; endpoint: string }[] }
    const { services } = await stack.state()
    const id = services.find(({ system_name }) => system_name === products[0]?.system_name)?.id ?? 0
    const { proxy_config } = (await api('GET', `/admin/api/services/${id}/proxy/configs/production/latest.json`)) as {
      proxy_config?: { content?: { backend_authentication_value: string; proxy: { secret_token: string } } }
    }
    return {
      id,
      port: Number(new URL(products[0]?.endpoint ?? '').port),
      serviceToken: proxy_config?.content?.backend_authentication_value ?? '',
      secretToken: proxy_config?.content?.proxy.secret_token ?? '',
    }
  }

  /** Creates a plan of its own with these limits. */
  async function application(
    { id: service }: { id: number },
    fields: Record<string, string | string[]>,
    plan: Record<string, string> = {},
    limits: [metric: string, period: string, value: number][] = [],
  ): Promise<number> {
    const name = `Plan ${Math.random().toString(36).slice(2)}`
    const base = `/admin/api/services/${service}`
    const { application_plan } = await api('POST', `${base}/application_plans.json`, { name, ...plan })
    const { metrics } = (await api('GET', `${base}/metrics.json`)) as unknown as {
      metrics: { metric: { id: number; system_name: string } }[]
    }
    for (const [metric, period, value] of limits) {
      const found = metrics.find((row) => row.metric.system_name === metric)?.metric.id
      await api('POST', `/admin/api/application_plans/${application_plan?.id}/metrics/${found}/limits.json`, {
        period,
        value: String(value),
      })
    }
    const created = await api('POST', `/admin/api/accounts/${ACCOUNT}/applications.json`, {
      plan_id: String(application_plan?.id),
      ...fields,
    })
    return created.application?.id ?? 0
  }

  async function api(
    method: string,
    path: string,
    fields: Record<string, string | string[]> = {},
  ): Promise<Record<string, { id: number } | undefined>> {
    const body = new URLSearchParams()
    for (const [name, value] of Object.entries(fields)) {
      if (Array.isArray(value)) for (const each of value) body.append(`${name}[]`, each)
      else body.append(name, value)
    }
    const answer = await fetch(stack.threescale + path, {
      method,
      headers: { authorization: basic('demo-token:') },
      ...(method === 'GET' ? {} : { body }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    if (method !== 'GET') await stack.settled()
    return text === '' ? {} : (JSON.parse(text) as Record<string, { id: number }>)
  }

  async function used(metric: string, application: number): Promise<number> {
    const answer = (await api(
      'GET',
      `/stats/applications/${application}/usage.json?metric_name=${metric}&period=day`,
    )) as unknown as { total: number }
    return answer.total
  }

  /** Usage is reported after the response, and 3scale counts it later still. */
  async function counted(metric: string, application: number, total: number): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      if ((await used(metric, application)) === total) return
      await sleep(50)
    }
    throw new Error(`${metric} of ${application} is ${await used(metric, application)}, not ${total}`)
  }

  /** Changes how the gateway runs, which clears its caches. */
  async function settings(change: object): Promise<unknown> {
    const answer = await fetch(`http://127.0.0.1:${stack.port + 4}/_demo/gateway`, {
      method: 'PUT',
      body: JSON.stringify(change),
    })
    return answer.json()
  }
}

/** True if it has responded. */
type Respond = (request: IncomingMessage, response: ServerResponse) => boolean

/** What the model server of `startGateway` received, unmodified. */
export interface Echo {
  method: string
  url: string
  rawHeaders: string[]
  headers: Record<string, string>
  length: number
  text: string
}

export function echoOf({ text }: Received): Echo {
  return JSON.parse(text) as Echo
}

/** Values of a header that the model server received, by its exact name. */
export function sentAs({ rawHeaders }: Echo, name: string): string[] {
  return rawHeaders.filter((_value, index) => index % 2 === 1 && rawHeaders[index - 1] === name)
}

async function startModel(respond: Respond = () => false) {
  const server = createServer(async (request, response) => {
    if (respond(request, response)) return
    const url = request.url ?? ''
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const text = body.length > 10_000 ? '' : body.toString('utf8')
    const status = /\/answer\/(\d+)$/.exec(url)?.[1]
    if (status) {
      response.writeHead(Number(status), { 'x-model': 'own', 'content-type': 'text/x-model' })
      return response.end(`the model says ${status}`)
    }
    const tokens = /"answer_usage":(\d+)/.exec(text)?.[1]
    const usage = tokens ? { usage: { total_tokens: Number(tokens) } } : {}
    const { method, rawHeaders, headers } = request
    response.writeHead(200, { 'content-type': 'application/json', 'x-echo': 'yes', 'x-url': url })
    return response.end(JSON.stringify({ method, url, rawHeaders, headers, length: body.length, text, ...usage }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** One request as written, and the expected response. */
export type Row = [name: string, port: number, first: string, lines: string[], expected: Expected, body?: string]

/** Runs one assertion for each row. */
export async function checkRows(t: Test, rows: Row[]): Promise<void> {
  for (const [name, port, first, lines, one, body] of rows) check(t, name, await raw(port, first, lines, body), one)
}

export function check(t: Test, title: string, answer: Received, { status, text, headers = {} }: Expected): void {
  const requested = Object.entries(headers)
  const input = requested.map(([name, value]) => [name, Array.isArray(value) ? answer.all(name) : answer.header(name)])
  const textOk =
    text === undefined ? undefined : typeof text === 'string' ? answer.text === text : text.test(answer.text)
  const failed = requested.filter(([name, value]) => {
    const got = Array.isArray(value) ? answer.all(name) : answer.header(name)
    return value instanceof RegExp ? !value.test(String(got)) : JSON.stringify(got) !== JSON.stringify(value)
  })
  t.same(
    {
      status: answer.status,
      text: textOk === false ? answer.text : 'as expected',
      headers: failed.length ? input : [],
    },
    { status, text: 'as expected', headers: [] },
    title,
  )
}
