import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { PortalError, problem } from '../errors.js'
import { audited } from './audit.js'
import type { Cors } from './cors.js'
import { fieldErrors, formValues } from './forms.js'
import type { BarePage } from './pages.js'
import { requiredScopes } from './scopes.js'

const NOT_SENT =
  'Your session had ended when you sent the form, so nothing was changed. Fill in the form and send it again.'
/** as long as a sign-in may take */
const SIGN_IN_SECONDS = 600

/**
 * Any error as one of ours: those raised on purpose as they are, Fastify's own (body too large, unknown content type,
 * broken JSON, validation) by their status, the rest as `internal` with the cause kept for the log.
 */
export function asProblem(error: unknown): PortalError {
  if (error instanceof PortalError) return error
  const { statusCode, validation, validationContext } = error as Partial<FastifyError>
  // an id of another form names nothing
  if (validation && validationContext === 'params') return problem('not_found', { cause: error })
  if (validation) return problem('invalid_fields', { fields: fieldErrors(validation), cause: error })
  if (statusCode === 413) return problem('too_large', { cause: error })
  if (statusCode === 415) return problem('unsupported_type', { cause: error })
  if (statusCode === 429) return problem('too_many_requests', { cause: error, retryAfter: 60 })
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return problem('bad_request', { cause: error })
  return problem('internal', { cause: error })
}

/** Pages: a visitor is led through sign-in and back; everything else is a page with a sentence and the reference. */
export async function pageFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const failure = asProblem(error)
  logFailure(request, failure)
  if (failure.code === 'sign_in_required') {
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const back = isRead ? request.url : referringPath(request)
    // not kept: it may hold a key, and somebody else may sign in
    if (!isRead) reply.flash('warning', NOT_SENT, SIGN_IN_SECONDS)
    return reply.redirect(`/login?return_to=${encodeURIComponent(back)}`, 303)
  }
  if (failure.retryAfter ?? failure.status === 503) reply.header('retry-after', String(failure.retryAfter ?? 5))
  reply.header('cache-control', 'no-store')
  return reply.page(
    'errors/error',
    {
      ...errorView(failure, request.id),
      help: failure.code === 'not_found' ? reasonsPath(request) : undefined,
      again: againOf(failure, request),
      retryHref: retryHrefOf(failure, request),
    },
    // who asks too often has a page to go on from
    { status: failure.status, layout: failure.status === 429 ? 'main' : 'bare' },
  )
}

/** A page that was only asked for too often or at a bad moment; two slashes would lead elsewhere. */
function retryHrefOf({ status }: PortalError, { method, url }: FastifyRequest): string {
  return method === 'GET' && (status === 429 || status === 503) && /^\/(?![/\\])/.test(url) ? url : ''
}

/** API: RFC 9457 problem details. `metadata` is where RFC 9728 tells how to get a token. */
export function apiFailure(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  metadata: string,
): FastifyReply {
  const failure = asProblem(error)
  logFailure(request, failure)
  if (failure.status === 401 || failure.code === 'insufficient_scope')
    reply.header('www-authenticate', challenge(failure, metadata, requiredScopes(request).join(' ')))
  if (failure.retryAfter ?? failure.status === 503) reply.header('retry-after', String(failure.retryAfter ?? 5))
  return reply
    .code(failure.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(bodyOf(failure, request.id))
}

/** A problem as RFC 9457 has it. */
export function bodyOf(failure: PortalError, requestId: string) {
  return {
    type: `urn:maas-portal:problem:${failure.code}`,
    title: titles[failure.status] ?? 'This did not work',
    status: failure.status,
    detail: failure.message,
    ...(failure.fields ? { errors: failure.fields } : {}),
    ...(failure.rule ? { rule: failure.rule } : {}),
    ...(failure.application ? { application: failure.application } : {}),
    ...(failure.joins ? { joins: failure.joins } : {}),
    request_id: requestId,
  }
}

/**
 * Where Fastify gives up before any scope is known: a path whose encoding cannot be read, or with a longer id than there is.
 * No hook runs, so headers of every answer are set here, and what was asked is not repeated. The page is known once the
 * pages are built, which is before anybody can ask.
 */
export function createBeforeRouting(headers: Record<string, string>, cors: Cors) {
  let bare: BarePage | undefined

  return {
    showWith(page: BarePage): void {
      bare = page
    },
    async answer(error: FastifyError, request: FastifyRequest, reply: FastifyReply): Promise<void> {
      const failure = problem(error.code === 'FST_ERR_BAD_URL' ? 'bad_request' : 'not_found')
      const { text, ...rest } = await page(failure, request.id, request.url.startsWith('/api/'))
      reply.code(failure.status).headers(rest.headers).headers(cors.headersOf(request)).serializer(String).send(text)
    },
    page,
  }

  /** A problem for somebody of whose request nothing is known but whether it was for the API. */
  async function page(failure: PortalError, id: string, isApi: boolean) {
    const html = bare && !isApi ? await bare('errors/error', errorView(failure, id)) : undefined
    const type = html === undefined ? 'application/problem+json' : 'text/html; charset=utf-8'
    return {
      headers: { ...headers, 'cache-control': 'no-store', 'content-type': type },
      text: html ?? JSON.stringify(bodyOf(failure, id)),
    }
  }
}

function errorView(failure: PortalError, requestId: string) {
  return {
    title: titles[failure.status] ?? 'This did not work',
    detail: failure.message,
    status: failure.status,
    reference: requestId,
    rule: failure.rule,
  }
}

/** Of problems and error pages, by status. */
export const titles: Record<number, string> = {
  400: 'The request cannot be read',
  401: 'Sign in needed',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Not possible here',
  406: 'Not available in that form',
  409: 'Not possible as it is now',
  413: 'Too large',
  415: 'Unknown kind of content',
  422: 'Some fields need another value',
  429: 'Too many requests',
  431: 'Headers too large',
  500: 'Something went wrong',
  502: 'The endpoint does not answer',
  503: 'Not available at the moment',
}

/** RFC 6750 section 3: no code when no credential was sent; RFC 9728 section 5.1: where to learn about tokens. */
function challenge(failure: PortalError, metadata: string, scopes: string): string {
  const start = `Bearer realm="maas-portal", resource_metadata="${metadata}"`
  if (failure.code === 'sign_in_required') return start
  const description = failure.message.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, ' ')
  const wanted = failure.code === 'insufficient_scope' && scopes ? `, scope="${scopes}"` : ''
  return `${start}, error="${failure.code}", error_description="${description}"${wanted}`
}

function logFailure(request: FastifyRequest, failure: PortalError): void {
  audited(request, { failure })
  if (failure.code === 'internal') request.log.error({ err: failure.cause }, 'unexpected failure')
  else if (failure.status >= 500 || failure.candidates !== undefined)
    request.log.warn({ code: failure.code, cause: causeOf(failure) }, failure.message)
  else if (failure.code !== 'sign_in_required') request.log.debug({ code: failure.code }, failure.message)
}

function causeOf(failure: PortalError): string | undefined {
  return failure.cause instanceof Error ? failure.cause.message : undefined
}

/** The same for what does not exist and for what one may not see. */
function reasonsPath(request: FastifyRequest): string | undefined {
  const { missing } = request.routeOptions.config
  const name = missing && (request.params as Record<string, string>)[missing]
  return name ? `/missing-model?model=${encodeURIComponent(name)}` : undefined
}

/** A form that came too often can be sent again as it was typed. */
function againOf({ status }: PortalError, { method, url, body }: FastifyRequest) {
  if (status !== 429 || method !== 'POST' || body === undefined) return undefined
  return { action: url, fields: Object.entries(formValues(body)).map(([name, value]) => ({ name, value })) }
}

/** A form posted after the session ended: back to the page that held it, if it was ours. */
function referringPath(request: FastifyRequest): string {
  const { referer } = request.headers
  if (referer && URL.canParse(referer)) {
    const url = new URL(referer)
    if (url.host === request.headers.host) return url.pathname + url.search
  }
  return '/'
}
