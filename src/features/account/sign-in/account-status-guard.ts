import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, problem } from '../../../errors.js'
import type { Caller } from '../../../web/auth/caller.js'
import type { Sessions } from '../../../web/auth/session.js'
import type { Accounts } from '../enrolment/accounts.js'
import { type Contact, signInErrorView } from './view.js'

export interface AccountStatusGuardDeps {
  accounts: Pick<Accounts, 'refreshCaller'>
  sessions: Sessions
  contact: Contact | undefined
}

const INACTIVE = ['account_pending', 'account_rejected', 'account_suspended'] as const

/**
 * Checks the account before every page, so it is registered before the pages. A suspended or removed user sees an error page
 * where an account is required, and is a visitor elsewhere. A changed role takes effect.
 */
export function accountStatusGuard(
  app: FastifyInstance,
  { accounts, sessions, contact }: AccountStatusGuardDeps,
): void {
  app.addHook('preHandler', (request, reply, done) => {
    if (!request.caller) return done()
    const caller = accounts.refreshCaller(request.caller)
    if (caller instanceof Promise) return void wait(caller, request, reply).then(() => reply.sent || done(), done)
    request.caller = caller
    done()
  })

  async function wait(reading: Promise<Caller | undefined>, request: FastifyRequest, reply: FastifyReply) {
    const signedIn = request.caller
    if (!signedIn) return
    if (request.routeOptions.config.open) {
      request.caller = await callerOfOpenPage(reading, signedIn)
      return
    }
    try {
      const caller = await reading
      if (!caller) {
        await sessions.end(request, reply)
        throw problem('sign_in_required')
      }
      request.caller = caller
    } catch (error) {
      if (!isProblem(error, ...INACTIVE)) throw error
      const signedInAs = request.caller?.email ?? request.caller?.name
      const retryHref = request.method === 'GET' ? request.url : '/account'
      const view = signInErrorView({ failure: error, contact, reference: request.id, signedInAs, retryHref })
      await reply.header('cache-control', 'no-store').page('account/sign-in-error', view, { status: error.status })
    }
  }

  /** Undefined: a visitor. An open page is served whether 3scale responds or not. */
  async function callerOfOpenPage(reading: Promise<Caller | undefined>, caller: Caller): Promise<Caller | undefined> {
    try {
      return await reading
    } catch (error) {
      return isProblem(error, ...INACTIVE) ? undefined : caller
    }
  }
}
