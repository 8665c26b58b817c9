import type { FastifyInstance, FastifyRequest } from 'fastify'
import { toWebhookEvent, type WebhookEvent, type WebhookType } from '../../clients/threescale/mapping/webhook-event.js'
import { isProblem, problem } from '../../errors.js'
import { createSecretCheck, type Secrets } from '../../infra/crypto/secrets.js'
import type { RateLimit } from '../../web/limits/rate-limits.js'
import { problemDetails, toPortalError } from '../../web/server/errors/error-handlers.js'
import { webhookErrors } from './messages.js'
import type { Webhooks } from './webhooks.js'

/** `ignored`: a type that the portal does not know. */
export type WebhookOutcome = 'accepted' | 'ignored' | 'invalid' | 'unauthorized' | 'limited'

export interface WebhookRoutesDeps {
  secrets: Secrets
  webhooks: Pick<Webhooks, 'receive' | 'catalogueChanged'>
  limits: { webhooks: RateLimit; rejectedWebhooks: RateLimit }
  countEvent(type: WebhookType | 'catalogue' | 'other' | 'none', outcome: WebhookOutcome): void
}

interface ReceivedBody {
  start: string
  isComplete: boolean
  isForm: boolean
}

const PATH = '/3scale'
/** For pipelines. */
const CATALOGUE_PATH = '/catalogue'
const START_BYTES = 32 * 1024
const MAX_MEGABYTES = 16
const FORM = 'application/x-www-form-urlencoded'
const EVENT_TYPES = ['application/xml', 'text/xml', FORM]
const catalogueAudit = { none: 'the catalogue is read again; nothing is written' }
const audit = { none: '3scale reports a change; nothing is written' }

/**
 * Where 3scale sends its webhooks. porta (app/workers/web_hook_worker.rb) posts with rest-client 2.0, which sends the user name and password
 * of the address as Basic authorization with the first request, so the secret is in no URL, and no log of a router has it. Any response
 * from 200 to 207 is a success. After any other, and without a response within 60 s, it repeats the event five times, a minute apart.
 */
export async function webhookRoutes(scope: FastifyInstance, deps: WebhookRoutesDeps): Promise<void> {
  const { secrets, webhooks, limits, countEvent } = deps
  const isSecret = createSecretCheck(secrets)
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(EVENT_TYPES, readStart)
  scope.setErrorHandler((error, request, reply) => {
    const failure = toWebhookProblem(error)
    if (failure.status === 429) countEvent('none', 'limited')
    else if (failure.status < 500) countEvent('none', 'invalid')
    else request.log.error({ err: failure.cause ?? failure }, 'a webhook could not be processed')
    if (failure.retryAfter !== undefined) reply.header('retry-after', failure.retryAfter)
    return reply.code(failure.status).type('application/problem+json').send(problemDetails(failure, request.id))
  })
  // Before the body is read. Requests without the secret have a limit of their own, so they cannot use up that of 3scale.
  scope.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const { authorization } = request.headers
    const isAuthorized = authorization !== undefined && isSecret(passwordOf(authorization))
    await (isAuthorized ? limits.webhooks : limits.rejectedWebhooks)(request, reply)
    if (reply.sent) return reply
    // *Ping!* in 3scale is a GET without the password of the address (porta, app/models/web_hook.rb).
    if (isAuthorized || (request.method !== 'POST' && authorization === undefined)) return undefined
    countEvent('none', 'unauthorized')
    return reply.code(401).header('www-authenticate', 'Basic realm="3scale webhooks"').send()
  })

  const config = { crossSite: true, limit: 'webhooks' as const }
  scope.get(PATH, { config }, async (_request, reply) => reply.code(204).send())
  scope.post(PATH, { config: { ...config, audit } }, async (request, reply) => {
    const event = eventOf(request)
    if (event) await webhooks.receive(event)
    countEvent(event?.type ?? 'other', event ? 'accepted' : 'ignored')
    return reply.code(204).send()
  })
  scope.post(CATALOGUE_PATH, { config: { ...config, audit: catalogueAudit } }, async (request, reply) => {
    webhooks.catalogueChanged(productIdOf(request))
    countEvent('catalogue', 'accepted')
    return reply.code(204).send()
  })
}

function passwordOf(authorization: string): string {
  const [, credentials = ''] = /^basic +(\S+)$/i.exec(authorization) ?? []
  return /^[^:]*:(.*)$/s.exec(Buffer.from(credentials, 'base64').toString('utf8'))?.[1] ?? ''
}

/** Undefined: an event of a type that the portal does not know. */
function eventOf({ body }: FastifyRequest): WebhookEvent | undefined {
  const { start, isComplete, isForm } = (body ?? { start: '', isComplete: true, isForm: false }) as ReceivedBody
  try {
    // A form if push_application_content_type of the tenant is false (porta, app/models/web_hook/event.rb, content_type).
    const xml = isForm ? new URLSearchParams(start).get('params[xml]') : start
    return toWebhookEvent(xml ?? '', { isComplete })
  } catch (cause) {
    throw problem('invalid_fields', { detail: webhookErrors.notAnEvent, cause })
  }
}

/** Undefined: no product is named. */
function productIdOf({ body }: FastifyRequest): number | undefined {
  const { start = '', isForm = false } = (body ?? {}) as Partial<ReceivedBody>
  const productId = isForm ? (new URLSearchParams(start).get('product_id') ?? undefined) : undefined
  const isEmpty = start === '' || productId !== undefined
  if (!isEmpty || (productId !== undefined && !/^[1-9]\d{0,15}$/.test(productId)))
    throw problem('invalid_fields', { detail: webhookErrors.notAProduct })
  return productId === undefined ? undefined : Number(productId)
}

/** Reads the whole body, so that 3scale gets its response, and returns only its start. */
async function readStart({ headers }: FastifyRequest, payload: AsyncIterable<Buffer>): Promise<ReceivedBody> {
  const maxBytes = MAX_MEGABYTES * 1024 * 1024
  if (Number(headers['content-length']) > maxBytes) throw problem('too_large')
  const chunks: Buffer[] = []
  let bytes = 0
  let startBytes = 0
  for await (const chunk of payload) {
    bytes += chunk.length
    if (bytes > maxBytes) throw problem('too_large')
    if (startBytes >= START_BYTES) continue
    chunks.push(chunk)
    startBytes += chunk.length
  }
  const start = Buffer.concat(chunks).subarray(0, START_BYTES).toString('utf8')
  return { start, isComplete: bytes <= START_BYTES, isForm: String(headers['content-type']).startsWith(FORM) }
}

function toWebhookProblem(error: unknown) {
  const failure = toPortalError(error)
  if (isProblem(failure, 'too_large')) return problem('too_large', { detail: webhookErrors.tooLarge(MAX_MEGABYTES) })
  if (isProblem(failure, 'unsupported_type'))
    return problem('unsupported_type', { detail: webhookErrors.unsupportedType })
  return failure
}
