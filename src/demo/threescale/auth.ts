import type { FastifyRequest } from 'fastify'
import { type Answer, answers } from './answers.js'
import type { State } from './store.js'

interface Token {
  scopes: string[]
  permission: 'ro' | 'rw'
  /** role of the token's owner */
  owner?: 'member'
  expires_at?: string
}

/** Each belongs to a user of its own, who has no other. */
export const tokens: Record<string, Token> = {
  'demo-token': { scopes: ['account_management', 'stats'], permission: 'rw' },
  'demo-gateway-token': { scopes: ['account_management'], permission: 'ro' },
  'demo-readonly-token': { scopes: ['account_management', 'stats'], permission: 'ro' },
  'demo-accounts-token': { scopes: ['account_management'], permission: 'rw' },
  'demo-stats-token': { scopes: ['stats'], permission: 'rw' },
  'demo-member-token': { scopes: ['account_management', 'stats'], permission: 'rw', owner: 'member' },
  'demo-expiring-token': {
    scopes: ['account_management', 'stats'],
    permission: 'rw',
    expires_at: new Date(Date.now() + 7 * 86_400_000).toISOString(),
  },
  'demo-wide-token': { scopes: ['account_management', 'stats', 'cms', 'finance'], permission: 'rw' },
}

/** What a member with the permission "partners" may not do, though the token has the scope (config/abilities). */
const FOR_ADMINS = [
  /^POST \/admin\/api\/accounts\/\d+\/users$/,
  /^PUT \/admin\/api\/accounts\/\d+\/(approve|reject|make_pending)$/,
  /^DELETE \/admin\/api\/accounts\/\d+$/,
  /^\w+ \/admin\/api\/(service_plans|active_docs|webhooks)/,
  /^\w+ \/admin\/api\/accounts\/\d+\/service_subscriptions/,
]

const DENIED = answers.error(403, 'Access denied')
const WRONG_PERMISSION = answers.error(403, 'Your access token does not have the correct permissions')

/**
 * porta, app/lib/api_authentication: the parameter `access_token` if it is there at all, else Basic's user name, else its
 * password. Anything else, Bearer too, is as good as nothing. There is no 401.
 */
export function refuse(
  request: FastifyRequest,
  params: Record<string, unknown>,
  state: State,
): { refusal: Answer } | { readOnly: Answer | undefined } {
  const path = request.url.split('?')[0] ?? ''
  if (/\/proxy\/configs\/|\/proxy_configs\//.test(path) && 'token' in params)
    return { refusal: answers.error(403, 'Your token is invalid') }
  const token = tokens[tokenOf(request, params)]
  if (!token) return { refusal: DENIED }
  if (state.provider.state !== 'approved') return { refusal: { status: 403, text: '' } }
  const scope = path.startsWith('/stats') ? 'stats' : 'account_management'
  if (!token.scopes.includes(scope)) return { refusal: WRONG_PERMISSION }
  if (token.owner === 'member' && FOR_ADMINS.some((rule) => rule.test(`${request.method} ${path}`)))
    return { refusal: answers.forbidden }
  return { readOnly: token.permission === 'ro' ? WRONG_PERMISSION : undefined }
}

/** The token that a call came with, as it was sent. */
export function tokenOf(request: FastifyRequest, params: Record<string, unknown>): string {
  return 'access_token' in params ? String(params.access_token) : basicOf(request)
}

export function basicOf(request: FastifyRequest): string {
  const encoded = request.headers.authorization?.split(' ')[1] ?? ''
  const [user = '', ...password] = Buffer.from(encoded, 'base64').toString('utf8').split(':')
  return user.trim() || password.join(':')
}
