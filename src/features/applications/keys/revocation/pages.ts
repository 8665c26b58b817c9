import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, problem } from '../../../../errors.js'
import type { Seal } from '../../../../infra/crypto/seal.js'
import { idOf } from '../../../../web/api/validation/ids.js'
import { defineCookie } from '../../../../web/auth/cookies.js'
import { callerOf } from '../../../../web/auth/guard.js'
import type { RevocationChecks } from './revocation-checks.js'
import { type RevocationCheckState, reloadSeconds, revocationCheckView } from './view.js'

export interface RevocationCheckPagesDeps {
  revocationChecks: Pick<RevocationChecks, 'read'>
  /** seals the state at the revocation in a cookie, for a process without a record; the state contains no key */
  seal: Seal
  secure: boolean
  now?: () => number
}

type CookieState = RevocationCheckState & { account: number }

const COOKIE_SECONDS = 3600
/** If the check is overdue by more than this, the result is shown as not available. */
const OVERDUE_MS = 30_000

/** The page of a revocation check. `show` redirects to it after the revocation. Its path contains the key ID. */
export function revocationCheckPages(
  app: FastifyInstance,
  { revocationChecks, seal, secure, now = Date.now }: RevocationCheckPagesDeps,
): { show(request: FastifyRequest, reply: FastifyReply, state: RevocationCheckState): FastifyReply } {
  const { name, options: cookie } = defineCookie({ name: 'revocation_check', secure, allPaths: false })

  app.get<{ Params: { key_id: string } }>('/applications/:id/keys/:key_id/revocation-check', async (request, reply) => {
    const state = await read(request, request.params.key_id)
    const { check, isMissing } = state
    // reloads without scripts too, until the check is completed
    if (check.status === 'pending' && !isMissing) reply.header('refresh', String(reloadSeconds(check, now())))
    return reply.header('cache-control', 'no-store').page('applications/revocation-check', revocationCheckView(state))
  })

  return {
    show(request, reply, state) {
      const { application_id, key_id } = state.check
      const path = `/applications/${application_id}/keys/${key_id}/revocation-check`
      const cookieState: CookieState = { ...state, account: callerOf(request).accountId }
      const sealed = seal.seal(deflateRawSync(JSON.stringify(cookieState)).toString('base64url'))
      reply.setCookie(name, sealed, { ...cookie, path, maxAge: COOKIE_SECONDS })
      return reply.redirect(path, 303)
    },
  }

  async function read(request: FastifyRequest, keyId: string): Promise<RevocationCheckState> {
    const [caller, id] = [callerOf(request), idOf(request)]
    try {
      return await revocationChecks.read(caller, id, keyId)
    } catch (error) {
      if (!isProblem(error, 'not_found')) throw error
    }
    const state = stateInCookie(request)
    const { check } = state ?? {}
    if (!state || check?.application_id !== id || check.key_id !== keyId || state.account !== caller.accountId)
      throw problem('not_found')
    const isOverdue = now() - Date.parse(check.check_at) > OVERDUE_MS
    return { ...state, isMissing: check.status === 'pending' && isOverdue }
  }

  function stateInCookie(request: FastifyRequest): CookieState | undefined {
    const packed = seal.open(request.cookies[name] ?? '')
    if (packed === undefined) return undefined
    return JSON.parse(inflateRawSync(Buffer.from(packed, 'base64url')).toString('utf8')) as CookieState
  }
}
