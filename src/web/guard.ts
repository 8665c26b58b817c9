import type { FastifyInstance, FastifyRequest } from 'fastify'
import { problem } from '../errors.js'
import type { Caller } from './caller.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** who sends this; undefined for visitors */
    caller: Caller | undefined
  }
  interface FastifyContextConfig {
    /** true: visitors may see this route too. Every other route needs a signed-in caller. */
    open?: boolean
    /** parameter that names what may be hidden or missing: its 404 page leads to the reasons */
    missing?: string
  }
}

/**
 * Closed by default: a route without `config: { open: true }` answers sign_in_required to a visitor. What is nowhere is
 * 404 for everybody: signing in would not make it appear.
 */
export function guard(app: FastifyInstance): void {
  app.addHook('preHandler', (request, _reply, done) => {
    const passes = request.routeOptions.config.open || request.caller || request.is404
    done(passes ? undefined : problem('sign_in_required'))
  })
}

/** The caller of a closed route. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw problem('sign_in_required')
  return request.caller
}
