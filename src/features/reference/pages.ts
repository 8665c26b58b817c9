import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, type PortalError } from '../../errors.js'
import { auditedApplication } from '../../web/audit.js'
import { formValues } from '../../web/forms.js'
import { callerOf } from '../../web/guard.js'
import type { RateLimit } from '../../web/rate-limits.js'
import type { References } from './reference.js'
import { type Person, referenceView, type Tried } from './view.js'

export interface ReferencePagesDeps {
  references: References
  limit: RateLimit
  /** true: visitors see the catalogue too */
  open: boolean
}

interface Named {
  Params: { system_name: string }
}

const address = '/models/:system_name/reference'

export async function referencePages(app: FastifyInstance, { references, open, limit }: ReferencePagesDeps) {
  app.get<Named & { Querystring: { application?: string } }>(
    address,
    { config: { open, missing: 'system_name', weight: 5 } },
    async (request, reply) => show(request, reply, String(request.query.application ?? ''), undefined),
  )

  app.post<Named>(address, { config: { audit: 'reference.call', patient: false } }, async (request, reply) => {
    const values = formValues(request.body)
    auditedApplication(request, values.application)
    const { operation = '', application = '' } = values
    const leaving = new AbortController()
    reply.raw.once('close', () => leaving.abort())
    try {
      await limit(request, reply)
      const answer = await references.send(callerOf(request), request.params.system_name, values, leaving.signal)
      return await show(request, reply, application, { operation, values, answer })
    } catch (error) {
      if (
        !isProblem(
          error,
          'invalid_fields',
          'gateway_unavailable',
          'too_many_requests',
          'threescale_unavailable',
          'threescale_busy',
        )
      )
        throw error
      return show(request, reply, application, { operation, values, ...failureOf(error) }, error)
    }
  })

  async function show(
    request: FastifyRequest<Named>,
    reply: FastifyReply,
    chosen: string,
    tried: Tried | undefined,
    failure?: PortalError,
  ) {
    const shown = await references.read(request.params.system_name, request.caller)
    const person = await personOf(request, shown.model, chosen, tried !== undefined)
    const signInHref = `/login?return_to=${encodeURIComponent(request.url)}`
    if (failure?.retryAfter ?? failure?.status === 503) reply.header('retry-after', String(failure?.retryAfter ?? 5))
    if (tried) reply.header('cache-control', 'no-store')
    const view = referenceView({ ...shown, person, tried, signInHref })
    return reply.page('reference/show', view, { status: failure?.status ?? 200 })
  }

  /** The page is there without 3scale too; then nothing can be tried. */
  async function personOf(
    { caller }: FastifyRequest,
    model: Parameters<References['applicationsOf']>[1],
    chosen: string,
    tried: boolean,
  ): Promise<Person | undefined> {
    if (!caller) return undefined
    try {
      return { applications: await references.applicationsOf(caller, model), unknown: false, chosen }
    } catch (error) {
      if (!isProblem(error, 'threescale_unavailable', 'threescale_busy', 'threescale_denied', 'threescale_scope'))
        throw error
      // what was typed is kept, and can be sent again
      const kept = tried ? [{ id: Number(chosen), name: `Application ${chosen}`, state: 'live' as const }] : []
      return { applications: kept, unknown: true, chosen }
    }
  }
}

function failureOf({ fields, message }: PortalError): Pick<Tried, 'errors' | 'failure'> {
  return fields ? { errors: fields } : { failure: message }
}
