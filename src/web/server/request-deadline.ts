import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  type CallContext,
  cancelContext,
  createContext,
  removeDeadline,
  runInContext,
} from '../../infra/call-context.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Whether the calls to 3scale of this route end together after 2.7 s. Default: true for methods that only read. A sign-in by GET
     * writes, so it has no deadline; a POST that only reads has one.
     */
    deadline?: boolean
  }
  interface FastifyRequest {
    /** deadline and owner of the calls to 3scale */
    callContext: CallContext
  }
}

/** While 3scale hangs, the response is a 503 within 3 s. */
const DEADLINE_MS = 2700

/**
 * Sets one deadline for all calls to 3scale of a request. Authentication counts towards it; the time in which a slow client sends its
 * body does not. If the client disconnects, queued calls are dropped.
 */
export function requestDeadline(app: FastifyInstance): void {
  app.decorateRequest('callContext')
  app.addHook('onRequest', (request, { raw }, done) => {
    const context = createContext('', !hasDeadline(request))
    request.callContext = context
    raw.once('close', () => {
      removeDeadline(context)
      if (!raw.writableFinished) cancelContext(context)
    })
    if (!context.unbounded) context.deadlineAt = performance.now() + DEADLINE_MS
    runInContext(context, done)
  })
  const elapsedBeforeBody = new WeakMap<CallContext, number>()
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (mayHaveBody(request)) elapsedBeforeBody.set(request.callContext, reply.elapsedTime)
    done(null, payload)
  })
  app.addHook('preValidation', (request, { raw }, done) => {
    const { callContext, caller, identity } = request
    callContext.owner = caller
      ? `account ${caller.accountId}`
      : identity
        ? `${identity.issuer} ${identity.subject}`
        : ''
    if (!mayHaveBody(request)) return done()
    // reading a body leaves the asynchronous context of the first hook
    if (!callContext.unbounded && !raw.closed) {
      const remaining = DEADLINE_MS - (elapsedBeforeBody.get(callContext) ?? 0)
      callContext.deadlineAt = performance.now() + Math.max(0, remaining)
    }
    runInContext(callContext, done)
  })
}

function mayHaveBody({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

function hasDeadline({ method, routeOptions }: FastifyRequest): boolean {
  return routeOptions.config.deadline ?? /^(GET|HEAD|OPTIONS)$/.test(method)
}
