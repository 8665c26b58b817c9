import type { FastifyInstance } from 'fastify'
import { within } from '../clients/deadline.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** true: several calls to 3scale one after the other, each with its own time, as a sign-up has */
    patient?: boolean
  }
}

/** What a person waits for altogether while 3scale hangs; the answer is then a 503 within 3 s. */
const WAIT_MS = 2700

/** Bounds the time of all calls to 3scale of one request, however many they are. */
export function patience(app: FastifyInstance): void {
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.routeOptions.config.patient) done()
    else within(WAIT_MS, done)
  })
}
