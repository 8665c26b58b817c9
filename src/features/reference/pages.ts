import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, type PortalError } from '../../errors.js'
import { annotateAuditApplication } from '../../web/audit/audit.js'
import { callerOf } from '../../web/auth/guard.js'
import { signInLink } from '../../web/auth/sign-in-link.js'
import type { RateLimit } from '../../web/limits/rate-limits.js'
import { formValues } from '../../web/pages/forms.js'
import { unnamedApplication } from './messages.js'
import type { References } from './reference.js'
import { referenceView, type TryItCaller, type TryItSubmission } from './view.js'

export interface ReferencePagesDeps {
  references: References
  limit: RateLimit
  /** true: visitors see the catalogue too */
  open: boolean
}

interface ReferenceParams {
  Params: { system_name: string }
}

const address = '/models/:system_name/reference'

export async function referencePages(app: FastifyInstance, { references, open, limit }: ReferencePagesDeps) {
  app.get<ReferenceParams & { Querystring: { application?: string } }>(
    address,
    { config: { open, missing: 'system_name', weight: 5 } },
    async (request, reply) => show(request, reply, String(request.query.application ?? ''), undefined),
  )

  app.post<ReferenceParams>(
    address,
    { config: { audit: 'reference.call', deadline: true } },
    async (request, reply) => {
      const values = formValues(request.body)
      annotateAuditApplication(request, values.application)
      const { operation = '', application = '' } = values
      const closed = new AbortController()
      reply.raw.once('close', () => closed.abort())
      try {
        limit(request, reply)
        const outcome = await references.send(callerOf(request), request.params.system_name, values, closed.signal)
        return await show(request, reply, application, { operation, values, outcome })
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
    },
  )

  async function show(
    request: FastifyRequest<ReferenceParams>,
    reply: FastifyReply,
    selected: string,
    submission: TryItSubmission | undefined,
    failure?: PortalError,
  ) {
    const result = await references.read(request.params.system_name, request.caller)
    const tryItCaller = await readTryItCaller(request, result.model, selected, submission !== undefined)
    if (failure?.retryAfter ?? failure?.status === 503) reply.header('retry-after', String(failure?.retryAfter ?? 5))
    if (submission) reply.header('cache-control', 'no-store')
    const view = referenceView({ ...result, tryItCaller, submission, signInHref: signInLink(request.url) })
    return reply.page('reference/show', view, { status: failure?.status ?? 200 })
  }

  /** The page is there without 3scale too; then nothing can be submission. */
  async function readTryItCaller(
    { caller }: FastifyRequest,
    model: Parameters<References['applicationsOf']>[1],
    selected: string,
    isSubmitted: boolean,
  ): Promise<TryItCaller | undefined> {
    if (!caller) return undefined
    try {
      return { applications: await references.applicationsOf(caller, model), unavailable: false, selected }
    } catch (error) {
      if (!isProblem(error, 'threescale_unavailable', 'threescale_busy', 'threescale_denied', 'threescale_scope'))
        throw error
      // The application remains selectable, so the entered values can be sent again.
      const applications = isSubmitted
        ? [{ id: Number(selected), name: unnamedApplication(selected), state: 'live' as const }]
        : []
      return { applications, unavailable: true, selected }
    }
  }
}

function failureOf({ fields, message }: PortalError): Pick<TryItSubmission, 'errors' | 'failure'> {
  return fields ? { errors: fields } : { failure: message }
}
