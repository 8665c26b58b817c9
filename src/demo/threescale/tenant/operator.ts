import type { FastifyInstance } from 'fastify'

export type Form = Record<string, string | number | boolean | string[]>

/** Sends the calls of an operator, with the token of an admin. Throws if one is refused. */
export function createOperator(app: FastifyInstance) {
  return async function call<T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, form: Form = {}): Promise<T> {
    const payload = new URLSearchParams()
    for (const [name, value] of Object.entries(form)) {
      if (Array.isArray(value)) for (const each of value) payload.append(`${name}[]`, each)
      else payload.append(name, String(value))
    }
    const answer = await app.inject({
      method,
      url: `/admin/api${path}.json`,
      headers: {
        authorization: `Basic ${Buffer.from('demo-token:').toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
        'user-agent': 'demo-operator',
      },
      ...(method === 'GET' ? {} : { payload: payload.toString() }),
    })
    if (answer.statusCode >= 300) throw new Error(`${method} ${path} answered ${answer.statusCode} ${answer.body}`)
    return (answer.body === '' ? {} : answer.json()) as T
  }
}

export type Operator = ReturnType<typeof createOperator>
