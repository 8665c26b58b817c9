import type { FastifyInstance } from 'fastify'
import { within } from '../clients/deadline.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** true: several calls to 3scale one after the other, each with its own time, as a sign-up has */
    patient?: boolean
  }
  interface FastifyRequest {
    /** milliseconds that went by until it was known who asks */
    spent: number
  }
}

/** What a person waits for altogether while 3scale hangs; the answer is then a 503 within 3 s. */
const WAIT_MS = 2700

/**
 * Bounds the time of all calls to 3scale of one request, however many they are. Finding out who asks counts, the time that a
 * slow client takes to send its body does not.
 */
export function patience(app: FastifyInstance): void {
  app.decorateRequest('spent', 0)
  app.addHook('preParsing', (request, reply, payload, done) => {
    request.spent = reply.elapsedTime
    done(null, payload)
  })
  app.addHook('preValidation', (request, { raw }, done) => {
    if (request.routeOptions.config.patient || raw.closed) return done()
    within(Math.max(0, WAIT_MS - request.spent), (over) => {
      raw.once('close', over)
      done()
    })
  })
}
