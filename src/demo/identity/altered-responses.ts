import { createHmac } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose'
import type { Keys } from './signing-keys.js'

/** Alterations of responses, with which tests imitate an attacker or a defective provider. */
export interface Forgery {
  id_token?: {
    set?: Record<string, unknown>
    drop?: string[]
    /** added to iat and exp */
    shift_seconds?: number
    sign?: 'stranger' | 'none' | 'hs256'
  }
  /** changes to the query that leads the browser back; null removes a parameter */
  callback?: Record<string, string | null>
}

/** Alters responses of the token endpoint, redirects to the portal, and the published keys. */
export function createForgery(keys: Keys) {
  let forgery: Forgery = {}
  /** ID token that was signed again -> as the provider issued it, which accepts no other as a hint */
  const originals = new Map<string, string>()

  return {
    /** As Keycloak: a sign-out whose hint has a key that is no longer published is refused. */
    takesHint(request: IncomingMessage): boolean {
      const url = new URL(request.url ?? '/', 'http://localhost')
      const hint = url.searchParams.get('id_token_hint')
      if (!hint) return true
      const original = originals.get(hint)
      if (original) url.searchParams.set('id_token_hint', original)
      request.url = url.pathname + url.search
      return keys.publishes(hint)
    },

    async set(change: Forgery): Promise<Forgery> {
      if (change.id_token?.sign === 'stranger') await keys.prepareStranger()
      forgery = change
      return forgery
    },

    /** The library writes each response in one piece, so `end` can alter it. */
    watch(request: IncomingMessage, response: ServerResponse): void {
      const path = request.url?.split('?')[0]
      const end = response.end.bind(response)
      const changed = async (body: string): Promise<string> => {
        if (path === '/jwks') return JSON.stringify(keys.set())
        if (path === '/token' && response.statusCode === 200) return tokens(body)
        const location = response.getHeader('location')
        if (typeof location === 'string') response.setHeader('location', back(location))
        return body
      }
      response.end = ((body?: unknown) => {
        const text = typeof body === 'string' || Buffer.isBuffer(body) ? body.toString() : ''
        changed(text)
          .then((next) => {
            if (next !== text) response.setHeader('content-length', Buffer.byteLength(next))
            end(next)
          })
          .catch(() => request.socket.destroy())
        return response
      }) as ServerResponse['end']
    },
  }

  async function tokens(body: string): Promise<string> {
    const answer = JSON.parse(body) as Record<string, unknown>
    if (typeof answer.id_token === 'string' && (forgery.id_token || keys.rotated())) {
      const signed = await idToken(answer.id_token, forgery.id_token ?? {})
      originals.set(signed, answer.id_token)
      answer.id_token = signed
    }
    if (typeof answer.access_token === 'string' && keys.rotated() && answer.access_token.includes('.')) {
      const { typ = 'at+jwt' } = decodeProtectedHeader(answer.access_token)
      answer.access_token = await keys.sign(decodeJwt(answer.access_token), { typ })
    }
    return JSON.stringify(answer)
  }

  async function idToken(token: string, change: NonNullable<Forgery['id_token']>): Promise<string> {
    const { set, drop = [], shift_seconds: shift = 0, sign } = change
    const real = decodeJwt(token)
    const claims: JWTPayload = { ...real, iat: (real.iat ?? 0) + shift, exp: (real.exp ?? 0) + shift, ...set }
    for (const name of drop) delete claims[name]
    if (sign === 'none') return `${part({ alg: 'none' })}.${part(claims)}.`
    if (sign === 'hs256') return symmetric(claims)
    return keys.sign(claims, { typ: 'JWT', stranger: sign === 'stranger' })
  }

  /** A known attack: the public key is used as a shared secret. */
  function symmetric(claims: JWTPayload): string {
    const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
    return `${signed}.${createHmac('sha256', JSON.stringify(keys.set().keys[0])).update(signed).digest('base64url')}`
  }

  function back(location: string): string {
    const { callback } = forgery
    if (!callback || !URL.canParse(location) || !new URL(location).pathname.endsWith('/login/callback')) return location
    const url = new URL(location)
    for (const [name, value] of Object.entries(callback)) {
      if (value === null) url.searchParams.delete(name)
      else url.searchParams.set(name, value)
    }
    return url.href
  }
}

export type Bender = ReturnType<typeof createForgery>

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
