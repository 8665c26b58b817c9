import type { FastifyInstance } from 'fastify'
import type { IdentityProvider } from '../../clients/identity.js'
import { isProblem, problem } from '../../errors.js'
import type { Caller } from '../../web/caller.js'
import { safeHtml } from '../../web/markdown.js'
import type { Revocations } from '../../web/revocations.js'
import type { Sessions } from '../../web/session.js'
import type { Waiting } from '../../web/waiting.js'
import type { Accounts } from './accounts.js'
import { createArrivals } from './arrivals.js'
import { createCarried } from './carried.js'
import type { Kept } from './id-tokens.js'
import type { IdentityRules } from './identity.js'
import { type SignInPagesDeps, signInPages } from './sign-in-pages.js'
import { signOutPages } from './sign-out-pages.js'
import { type Contact, stopView, termsView } from './view.js'

/** Characters of the terms, which are the operator's own and made into HTML once. */
const LONGEST_TERMS = 50_000

export interface AccountPagesDeps {
  accounts: Accounts
  identity: IdentityProvider
  sessions: Sessions
  revocations: Revocations
  idTokens: Kept
  identityRules: IdentityRules
  /** seal what the browser carries before there is a session */
  secrets: string[]
  secure: boolean
  contact: Contact | undefined
  terms: { version: string; title?: string; text?: string } | undefined
  /** told how each sign-in ended */
  signIn?: (outcome: string) => void
  limit: SignInPagesDeps['limit']
  observe: SignInPagesDeps['observe']
  waiting: Waiting
}

export async function accountPages(app: FastifyInstance, deps: AccountPagesDeps) {
  const {
    accounts,
    identity,
    sessions,
    revocations,
    idTokens,
    identityRules,
    secrets,
    secure,
    contact,
    terms,
    waiting,
  } = deps
  const carried = createCarried({ secrets, secure })
  const arrivals = createArrivals({ accounts, sessions, carried, waiting, contact, counted: deps.signIn })
  await signInPages(app, {
    identity,
    identityRules,
    arrivals,
    carried,
    idTokens,
    observe: deps.observe,
    limit: deps.limit,
  })
  await signOutPages(app, { identity, issuer: identityRules.issuer, sessions, revocations, carried, idTokens })

  app.get('/terms', { config: { open: true } }, async (_request, reply) => {
    if (!terms?.text) throw problem('not_found')
    const view = termsView({
      title: terms.title ?? 'Terms',
      version: terms.version,
      textHtml: safeHtml(terms.text, { longest: LONGEST_TERMS }),
    })
    return reply.page('account/terms', view)
  })
}

const STOPPED = ['account_pending', 'account_rejected', 'account_suspended'] as const

export interface DoormanDeps {
  accounts: Accounts
  sessions: Sessions
  contact: Contact | undefined
}

/**
 * Before every page: who was suspended, or is gone from 3scale, goes no further where an account is needed and is a visitor where
 * none is; a changed role counts. Goes before the pages.
 */
export function doorman(app: FastifyInstance, { accounts, sessions, contact }: DoormanDeps): void {
  app.addHook('preHandler', async (request, reply) => {
    if (!request.caller) return
    if (request.routeOptions.config.open) {
      request.caller = await unlessStopped(request.caller)
      return
    }
    try {
      const caller = await accounts.renewed(request.caller)
      if (!caller) {
        await sessions.end(request, reply)
        throw problem('sign_in_required')
      }
      request.caller = caller
    } catch (error) {
      if (!isProblem(error, ...STOPPED)) throw error
      const who = request.caller?.email ?? request.caller?.name
      const retryHref = request.method === 'GET' ? request.url : '/account'
      const view = stopView({ failure: error, contact, reference: request.id, who, retryHref })
      return reply.header('cache-control', 'no-store').page('account/stop', view, { status: error.status })
    }
  })
  /** Undefined: as a visitor. An open page does without 3scale, whatever it answers. */
  async function unlessStopped(caller: Caller): Promise<Caller | undefined> {
    try {
      return await accounts.renewed(caller)
    } catch (error) {
      return isProblem(error, ...STOPPED) ? undefined : caller
    }
  }
}
