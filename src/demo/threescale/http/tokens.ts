import type { FastifyRequest } from 'fastify'
import type { State } from '../store.js'
import { type Answer, answers } from './responses.js'

interface Token {
  scopes: string[]
  permission: 'ro' | 'rw'
  /** The permissions of an owner that is not an admin. */
  member?: ('partners' | 'plans')[]
  expires_at?: string
}

const days = (count: number) => new Date(Date.now() + count * 86_400_000).toISOString()

/** Each token belongs to a different user. A token of another tenant is refused like any unknown text. */
export const tokens: Record<string, Token> = {
  'demo-token': { scopes: ['account_management', 'stats'], permission: 'rw' },
  'demo-gateway-token': { scopes: ['account_management'], permission: 'ro' },
  'demo-readonly-token': { scopes: ['account_management', 'stats'], permission: 'ro' },
  'demo-accounts-token': { scopes: ['account_management'], permission: 'rw' },
  'demo-stats-token': { scopes: ['stats'], permission: 'rw' },
  'demo-cms-token': { scopes: ['cms'], permission: 'rw' },
  'demo-member-token': { scopes: ['account_management', 'stats'], permission: 'rw', member: ['partners'] },
  'demo-plans-member-token': {
    scopes: ['account_management', 'stats'],
    permission: 'rw',
    member: ['partners', 'plans'],
  },
  'demo-expiring-token': { scopes: ['account_management', 'stats'], permission: 'rw', expires_at: days(7) },
  'demo-expired-token': { scopes: ['account_management', 'stats'], permission: 'rw', expires_at: days(-1) },
  'demo-wide-token': { scopes: ['account_management', 'stats', 'cms', 'finance'], permission: 'rw' },
}

/** What the owner of a token has to be or may have to be allowed, though the token has the scope (config/abilities). */
const NEEDS_ADMIN = [
  /^\w+ \/admin\/api\/webhooks/,
  /^POST \/admin\/api\/accounts\/\d+\/users$/,
  /^PUT \/admin\/api\/accounts\/\d+\/(approve|reject|make_pending)$/,
  /^DELETE \/admin\/api\/accounts\/\d+$/,
]
const NEEDS_PLANS = [
  /^\w+ \/admin\/api\/(service_plans|active_docs)/,
  /^\w+ \/admin\/api\/accounts\/\d+\/service_subscriptions/,
]

const DENIED = answers.error(403, 'Access denied')
export const WRONG_PERMISSION = answers.error(403, 'Your access token does not have the correct permissions')

/**
 * porta, app/lib/api_authentication: the parameter `access_token` if it is there at all, else Basic's user name, else its
 * password. Anything else, Bearer too, is as good as nothing. There is no 401. Without a refusal: whether the token reads only.
 */
export function refuse(
  request: FastifyRequest,
  params: Record<string, unknown>,
  state: State,
): { refusal: Answer } | { readOnly: boolean } {
  const path = request.url.split('?')[0] ?? ''
  if (/\/proxy\/configs\/|\/proxy_configs\//.test(path) && 'token' in params)
    return { refusal: answers.error(403, 'Your token is invalid') }
  const statistics = path.startsWith('/stats')
  const token = tokens[tokenOf(request, params)]
  if (!token || (token.expires_at !== undefined && Date.parse(token.expires_at) < Date.now()))
    return { refusal: statistics ? answers.forbidden : DENIED }
  if (state.provider.state !== 'approved') return { refusal: { status: 403, text: '' } }
  if (!token.scopes.includes(statistics ? 'stats' : 'account_management')) return { refusal: WRONG_PERMISSION }
  // Statistics require the permission "monitoring".
  if (token.member && statistics) return { refusal: WRONG_PERMISSION }
  const action = `${request.method} ${path}`
  const forbidden = token.member?.includes('plans') ? NEEDS_ADMIN : [...NEEDS_ADMIN, ...NEEDS_PLANS]
  if (token.member && forbidden.some((rule) => rule.test(action))) return { refusal: answers.forbidden }
  return { readOnly: token.permission === 'ro' }
}

/** The token of a call, as received. */
export function tokenOf(request: FastifyRequest, params: Record<string, unknown>): string {
  return 'access_token' in params ? String(params.access_token) : basicOf(request)
}

export function basicOf(request: FastifyRequest): string {
  const [user = '', ...password] = credentialsOf(request).toString('utf8').split(':')
  return user.trim() || password.join(':')
}

/** Decodes the credentials after any scheme as base64, so a Bearer token becomes arbitrary bytes. */
export function credentialsOf(request: FastifyRequest): Buffer {
  return Buffer.from(request.headers.authorization?.split(' ')[1] ?? '', 'base64')
}
