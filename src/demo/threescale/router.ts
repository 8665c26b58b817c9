import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Answer, answers } from './answers.js'
import { refuse, tokenOf } from './auth.js'
import type { Control } from './control.js'
import { splitFormat } from './format.js'
import type { Params } from './params.js'
import type { Account, State } from './store.js'

/** One call as a route sees it: extension read off, parameters merged (the query wins over the body). */
export interface Call {
  state: State
  params: Params
  query: Params
  body: Params
  /** address of links */
  host: string
  /** the access token that it came with */
  token: string
  /** a piece of the path, as text and as a number */
  piece(name: string): string
  id(name: string): number
  /** the account that the path names */
  account(): Account | undefined
}

type Handler = (call: Call) => Answer | Promise<Answer>
export type Api = Record<'get' | 'put' | 'post' | 'delete' | 'update', (path: string, handler: Handler) => void>

/** Routes below /admin/api and /stats: credentials and scope first, then the work, then the format. */
export function createApi(app: FastifyInstance, { state, replace, changed }: Control): Api {
  const add = (methods: ('GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE')[]) => (path: string, handler: Handler) => {
    app.route({
      method: methods,
      url: path,
      async handler(request, reply) {
        const call = callOf(request, state())
        const access = refuse(request, call.params, call.state)
        if ('refusal' in access) return render(request, reply, access.refusal)
        if (!access.readOnly || request.method === 'GET') {
          const answer = await handler(call)
          // kept before it is told: who kills this part after the answer finds it again
          if (request.method !== 'GET') changed()
          return render(request, reply, answer)
        }
        // a token that may only read runs the action in a read-only transaction: refused is what really writes
        const before = JSON.stringify(call.state)
        const answer = await handler(call)
        if (JSON.stringify(state()) === before) return render(request, reply, answer)
        replace(JSON.parse(before) as State)
        return render(request, reply, access.readOnly)
      },
    })
  }
  app.setNotFoundHandler((request, reply) => {
    const call = callOf(request, state())
    const inside = /^\/(admin|stats)\//.test(request.url)
    const access = inside ? refuse(request, call.params, call.state) : { readOnly: undefined }
    return render(request, reply, 'refusal' in access ? access.refusal : answers.notFound)
  })
  return {
    get: add(['GET']),
    put: add(['PUT']),
    post: add(['POST']),
    delete: add(['DELETE']),
    update: add(['PUT', 'PATCH']),
  }
}

function callOf(request: FastifyRequest, state: State): Call {
  const query = (request.query ?? {}) as Params
  const body = (request.body ?? {}) as Params
  const pieces = (request.params ?? {}) as Record<string, string>
  const id = (name: string) => (/^\d+$/.test(pieces[name] ?? '') ? Number(pieces[name]) : 0)
  return {
    state,
    query,
    body,
    params: { ...body, ...query },
    host: request.headers.host ?? '',
    token: tokenOf(request, { ...body, ...query }),
    piece: (name) => pieces[name] ?? '',
    id,
    account: () => state.accounts.find((account) => account.id === id('account')),
  }
}

function render(request: FastifyRequest, reply: FastifyReply, answer: Answer) {
  const { format } = splitFormat(request.originalUrl)
  const { status, json, xml, text, type = 'text/plain; charset=utf-8' } = answer
  if (text !== undefined) return reply.code(status).type(type).send(text)
  if (format !== 'json' && format !== 'xml') return reply.code(406).type('text/plain; charset=utf-8').send('')
  if (format === 'xml' && xml === undefined) {
    return reply.code(406).send({ error: 'The server does not understand "xml" request.' })
  }
  if (answer.id !== undefined) reply.header('location', locationOf(request, answer.id))
  if (format === 'xml') return reply.code(status).type('application/xml; charset=utf-8').send(xml)
  return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(json))
}

/** The query comes back with the new id in it, and with any token that was sent there. */
function locationOf(request: FastifyRequest, id: number): string {
  const [path = '', query = ''] = request.originalUrl.split('?')
  const parameters = new URLSearchParams(query)
  parameters.set('id', String(id))
  return `https://${request.headers.host}${path}?${parameters}`
}
