import type { FastifyInstance, FastifyRequest } from 'fastify'
import { createWork, endOf, inside, leave, type Work } from '../clients/deadline.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Whether calls to 3scale wait for their turn however long that takes, each with its own time; default: where the method is
     * one that writes. A sign-in writes too, a POST that only reads does not.
     */
    patient?: boolean
  }
  interface FastifyRequest {
    /** what its calls to 3scale are made for */
    work: Work
  }
}

/** What a person waits for altogether while 3scale hangs; the answer is then a 503 within 3 s. */
const WAIT_MS = 2700

/**
 * Bounds the time of all calls to 3scale of a request that only reads, however many they are. Finding out who asks counts, the
 * time that a slow client takes to send its body does not. When the caller leaves before the answer, calls that still wait
 * for their turn are not sent.
 */
export function patience(app: FastifyInstance): void {
  app.decorateRequest('work')
  app.addHook('onRequest', (request, { raw }, done) => {
    const work = createWork('', isPatient(request))
    request.work = work
    raw.once('close', () => {
      endOf(work)
      if (!raw.writableFinished) leave(work)
    })
    if (!work.patient) work.at = performance.now() + WAIT_MS
    inside(work, done)
  })
  const spent = new WeakMap<Work, number>()
  app.addHook('preParsing', ({ work }, reply, payload, done) => {
    spent.set(work, reply.elapsedTime)
    done(null, payload)
  })
  // reading a body leaves the context that the first hook made
  app.addHook('preValidation', (request, { raw }, done) => {
    const { work, caller, identity } = request
    work.owner = caller ? `account ${caller.accountId}` : identity ? `${identity.issuer} ${identity.subject}` : ''
    if (!work.patient && !raw.closed) work.at = performance.now() + Math.max(0, WAIT_MS - (spent.get(work) ?? 0))
    inside(work, done)
  })
}

function isPatient({ method, routeOptions }: FastifyRequest): boolean {
  return routeOptions.config.patient ?? !/^(GET|HEAD|OPTIONS)$/.test(method)
}
