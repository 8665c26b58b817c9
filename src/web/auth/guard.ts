import type { FastifyInstance, FastifyRequest } from 'fastify'
import { problem } from '../../errors.js'
import type { Caller } from './caller.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** the sender; undefined for visitors */
    caller: Caller | undefined
  }
  interface FastifyContextConfig {
    /** true: open to visitors. Every other route requires a signed-in caller. */
    open?: boolean
    /** parameter that names a model, which may be hidden: the 404 page links to the possible reasons */
    missing?: string
  }
}

/**
 * Closed by default: a route without `config: { open: true }` rejects visitors with sign_in_required. An unknown path is 404 for every
 * caller, because a sign-in would not change that.
 */
export function requireSignIn(app: FastifyInstance): void {
  app.addHook('preHandler', (request, _reply, done) => {
    const isAllowed = request.routeOptions.config.open || request.caller || request.is404
    done(isAllowed ? undefined : problem('sign_in_required'))
  })
}

/** The caller of a closed route. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw problem('sign_in_required')
  return request.caller
}
