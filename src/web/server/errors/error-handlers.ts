import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { PortalError, problem } from '../../../errors.js'
import { isApiPath } from '../../api/api-paths.js'
import type { Cors } from '../../api/cors.js'
import { fieldErrors } from '../../api/validation/field-errors.js'
import { annotateAudit } from '../../audit/audit.js'
import { requiredScopes } from '../../auth/scopes.js'
import { signInLink } from '../../auth/sign-in-link.js'
import { formValues } from '../../pages/forms.js'
import type { RenderBarePage } from '../../pages/render.js'
import { codeTitles, SESSION_ENDED, statusTitles, UNKNOWN_ERROR_TITLE } from './messages.js'

/** The longest duration of a sign-in. */
const SIGN_IN_SECONDS = 600

/** Errors of Fastify (size, content type, JSON, validation) are mapped by status, all others are `internal`. */
export function toPortalError(error: unknown): PortalError {
  if (error instanceof PortalError) return error
  const { statusCode, validation, validationContext } = error as Partial<FastifyError>
  // a malformed id identifies nothing
  if (validation && validationContext === 'params') return problem('not_found', { cause: error })
  if (validation) return problem('invalid_fields', { fields: fieldErrors(validation), cause: error })
  if (statusCode === 413) return problem('too_large', { cause: error })
  if (statusCode === 415) return problem('unsupported_type', { cause: error })
  if (statusCode === 429) return problem('too_many_requests', { cause: error, retryAfter: 60 })
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return problem('bad_request', { cause: error })
  return problem('internal', { cause: error })
}

/** Error handler of the pages: visitors are redirected to sign-in and back, every other error is a page. */
export async function handlePageError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const failure = toPortalError(error)
  logFailure(request, failure)
  if (failure.code === 'sign_in_required') {
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const back = isRead ? request.url : referringPath(request)
    // the form is not stored: it may hold a key, and another person may sign in
    if (!isRead) reply.flash('warning', SESSION_ENDED, SIGN_IN_SECONDS)
    return reply.redirect(signInLink(back), 303)
  }
  if (failure.retryAfter ?? failure.status === 503) reply.header('retry-after', String(failure.retryAfter ?? 5))
  reply.header('cache-control', 'no-store')
  return reply.page(
    'errors/error',
    {
      ...errorView(failure, request.id),
      help: failure.code === 'not_found' ? visibilityPath(request) : undefined,
      again: resubmission(failure, request),
      retryHref: retryUrl(failure, request),
    },
    { status: failure.status },
  )
}

/** The URL to try again. A path that starts with two slashes would lead to another host. */
function retryUrl({ status }: PortalError, { method, url }: FastifyRequest): string {
  return method === 'GET' && (status === 429 || status === 503) && /^\/(?![/\\])/.test(url) ? url : ''
}

/** Error handler of the API: problem details (RFC 9457). `metadata` is the URL of the resource metadata (RFC 9728). */
export function handleApiError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  metadata: string,
): FastifyReply {
  const failure = toPortalError(error)
  logFailure(request, failure)
  if (failure.status === 401 || failure.code === 'insufficient_scope')
    reply.header('www-authenticate', challenge(failure, metadata, requiredScopes(request).join(' ')))
  if (failure.retryAfter ?? failure.status === 503) reply.header('retry-after', String(failure.retryAfter ?? 5))
  return reply
    .code(failure.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problemDetails(failure, request.id))
}

/** Problem details (RFC 9457). */
export function problemDetails(failure: PortalError, requestId: string) {
  return {
    type: `urn:maas-portal:problem:${failure.code}`,
    title: titleOf(failure),
    status: failure.status,
    detail: failure.message,
    ...(failure.fields ? { errors: failure.fields } : {}),
    ...(failure.policy ? { policy: failure.policy } : {}),
    ...(failure.application ? { application: failure.application } : {}),
    ...(failure.joiningAccount ? { joining_account: failure.joiningAccount } : {}),
    request_id: requestId,
  }
}

/**
 * Errors before routing: a path that cannot be decoded, or a parameter that is too long. No hook runs for them, so all headers are
 * set here. The request is not repeated in the response. The pages set `renderBare` before the first request.
 */
export function createPreRoutingErrors(headers: Record<string, string>, cors: Cors) {
  let renderBare: RenderBarePage | undefined

  return {
    showWith(render: RenderBarePage): void {
      renderBare = render
    },
    async answer(error: FastifyError, request: FastifyRequest, reply: FastifyReply): Promise<void> {
      const failure = problem(error.code === 'FST_ERR_BAD_URL' ? 'bad_request' : 'not_found')
      const { text, ...rest } = await page(failure, request.id, isApiPath(request.url))
      reply.code(failure.status).headers(rest.headers).headers(cors.headersOf(request)).serializer(String).send(text)
    },
    page,
  }

  /** Headers and body of an error whose request is unknown except for the choice of API or page. */
  async function page(failure: PortalError, id: string, isApi: boolean) {
    const html = renderBare && !isApi ? await renderBare('errors/error', errorView(failure, id)) : undefined
    const type = html === undefined ? 'application/problem+json' : 'text/html; charset=utf-8'
    return {
      headers: { ...headers, 'cache-control': 'no-store', 'content-type': type, 'x-request-id': id },
      text: html ?? JSON.stringify(problemDetails(failure, id)),
    }
  }
}

function errorView(failure: PortalError, requestId: string) {
  return {
    title: titleOf(failure),
    detail: failure.message,
    status: failure.status,
    reference: requestId,
    policy: failure.policy,
  }
}

export function titleOf({ code, status }: Pick<PortalError, 'code' | 'status'>): string {
  return codeTitles[code] ?? statusTitles[status] ?? UNKNOWN_ERROR_TITLE
}

/** RFC 6750 section 3: no error code if no credential was sent. RFC 9728 section 5.1: the URL of the metadata. */
function challenge(failure: PortalError, metadata: string, scopes: string): string {
  const start = `Bearer realm="maas-portal", resource_metadata="${metadata}"`
  if (failure.code === 'sign_in_required') return start
  const description = failure.message.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, ' ')
  const required = failure.code === 'insufficient_scope' && scopes ? `, scope="${scopes}"` : ''
  return `${start}, error="${failure.code}", error_description="${description}"${required}`
}

function logFailure(request: FastifyRequest, failure: PortalError): void {
  annotateAudit(request, { failure })
  if (failure.code === 'internal') request.log.error({ err: failure.cause }, 'unexpected failure')
  else if (failure.status >= 500 || failure.candidates !== undefined)
    request.log.warn({ code: failure.code, cause: causeOf(failure) }, failure.message)
  else if (failure.code !== 'sign_in_required') request.log.debug({ code: failure.code }, failure.message)
}

function causeOf(failure: PortalError): string | undefined {
  return failure.cause instanceof Error ? failure.cause.message : undefined
}

/** A page of possible reasons, the same for a model that does not exist and one that is hidden. */
function visibilityPath(request: FastifyRequest): string | undefined {
  const { missing } = request.routeOptions.config
  const name = missing && (request.params as Record<string, string>)[missing]
  return name ? `/missing-model?model=${encodeURIComponent(name)}` : undefined
}

/** A rate-limited form can be submitted again with the same values. */
function resubmission({ status }: PortalError, { method, url, body }: FastifyRequest) {
  if (status !== 429 || method !== 'POST' || body === undefined) return undefined
  return { action: url, fields: Object.entries(formValues(body)).map(([name, value]) => ({ name, value })) }
}

/** The page of a form that was posted without a session, if it is a page of the portal. */
function referringPath(request: FastifyRequest): string {
  const { referer } = request.headers
  if (referer && URL.canParse(referer)) {
    const url = new URL(referer)
    if (url.host === request.headers.host) return url.pathname + url.search
  }
  return '/'
}
