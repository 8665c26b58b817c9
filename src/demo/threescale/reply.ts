import type { FastifyReply } from 'fastify'

/** porta's odd answers, app/lib/three_scale/api/responder.rb. */
export const answers = {
  notFound: (reply: FastifyReply) => reply.code(404).send({ status: 'Not found' }),
  forbidden: (reply: FastifyReply) => reply.code(403).send({ status: 'Forbidden' }),
  invalid: (reply: FastifyReply, errors: Record<string, string[]>) => reply.code(422).send({ errors }),
  missing: (reply: FastifyReply, name: string) =>
    reply.code(400).type('text/plain').send(`Required parameter missing: ${name}`),
  notAcceptable: (reply: FastifyReply, format: string) =>
    reply.code(406).send({ error: `The server does not understand "${format}" request.` }),
  empty: (reply: FastifyReply) => reply.code(200).send(''),
  created: (reply: FastifyReply, body: object) =>
    reply.code(201).header('location', `https://${reply.request.headers.host}${reply.request.url}`).send(body),
}

/** per_page outside 1..500 is 500; metadata only when there is more than one page (app/lib/three_scale/api/collection.rb). */
export function page<T>(list: T[], query: Record<string, unknown>): { rows: T[]; metadata?: object } {
  const wanted = Number(query.per_page ?? 500)
  const perPage = Number.isInteger(wanted) && wanted >= 1 && wanted <= 500 ? wanted : 500
  const current = Math.max(1, Math.trunc(Number(query.page)) || 1)
  const rows = list.slice((current - 1) * perPage, current * perPage)
  if (perPage >= list.length) return { rows }
  return {
    rows,
    metadata: {
      per_page: perPage,
      total_entries: list.length,
      total_pages: Math.ceil(list.length / perPage),
      current_page: current,
    },
  }
}
