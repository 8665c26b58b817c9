import type { FastifyRequest } from 'fastify'

interface Token {
  scopes: string[]
  permission: 'ro' | 'rw'
}

const tokens: Record<string, Token> = {
  'demo-token': { scopes: ['account_management', 'stats'], permission: 'rw' },
  'demo-gateway-token': { scopes: ['account_management'], permission: 'ro' },
  'demo-readonly-token': { scopes: ['account_management', 'stats'], permission: 'ro' },
  'demo-accounts-token': { scopes: ['account_management'], permission: 'rw' },
  'demo-stats-token': { scopes: ['stats'], permission: 'rw' },
}

export const DENIED = { error: 'Access denied' }
export const WRONG_PERMISSION = { error: 'Your access token does not have the correct permissions' }

/**
 * porta, app/lib/api_authentication: the parameter `access_token` if it is there at all, else Basic's user name, else its
 * password. Anything else, Bearer too, is as good as nothing. There is no 401.
 */
export function refuse(request: FastifyRequest, params: Record<string, unknown>): object | undefined {
  const name = 'access_token' in params ? String(params.access_token) : basicOf(request)
  const token = tokens[name]
  if (!token) return DENIED
  const scope = request.url.startsWith('/stats') ? 'stats' : 'account_management'
  if (!token.scopes.includes(scope)) return WRONG_PERMISSION
  if (token.permission === 'ro' && request.method !== 'GET') return WRONG_PERMISSION
  return undefined
}

export function basicOf(request: FastifyRequest): string {
  const encoded = request.headers.authorization?.split(' ')[1] ?? ''
  const [user = '', ...password] = Buffer.from(encoded, 'base64').toString('utf8').split(':')
  return user.trim() || password.join(':')
}
