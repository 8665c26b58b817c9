import { decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose'
import { demoKey } from './key.js'

export interface Signing {
  typ: string
  /** a key that nobody published */
  stranger?: boolean
}

/** Which key signs and which are published. The provider itself always signs with the demo's; what leaves is signed again. */
export function createKeys() {
  let current: JWK = demoKey
  let published: JWK[] = [demoKey]
  let made = 1

  return {
    rotated: () => current !== demoKey,

    /** Another key signs from now on; the old one stays published unless it is withdrawn. */
    async rotate(withdraw: boolean): Promise<object> {
      current = await make(`demo-${++made}`)
      published = withdraw ? [current] : [...published, current]
      return { kids: published.map(({ kid }) => kid) }
    },

    reset(): void {
      current = demoKey
      published = [demoKey]
    },

    publishes(token: string): boolean {
      try {
        return published.some(({ kid }) => kid === decodeProtectedHeader(token).kid)
      } catch {
        return false
      }
    },

    set: () => ({ keys: published.map(({ kty, n, e, kid, use, alg }) => ({ kty, n, e, kid, use, alg })) }),

    async sign(claims: JWTPayload, { typ, stranger = false }: Signing): Promise<string> {
      const key = stranger ? { ...(await make('stranger')), kid: current.kid ?? '' } : current
      return new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', kid: key.kid ?? '', typ })
        .sign(await importJWK(key, 'RS256'))
    },
  }
}

export type Keys = ReturnType<typeof createKeys>

async function make(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, use: 'sig', alg: 'RS256' }
}
