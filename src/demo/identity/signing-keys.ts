import { decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose'
import { demoKey } from './demo-key.js'

export interface Signing {
  typ: string
  /** a key that was never published */
  stranger?: boolean
}

/** The signing key and the published keys. The provider signs with the demo's key; responses are then signed again. */
export function createKeys() {
  let current: JWK = demoKey
  let published: JWK[] = [demoKey]
  let count = 1
  let strangerKey: Promise<JWK> | undefined
  const stranger = () => (strangerKey ??= createKey('stranger'))

  return {
    /** Creates the key that is never published, which takes up to seconds on a busy machine. */
    prepareStranger: async (): Promise<void> => void (await stranger()),

    rotated: () => current !== demoKey,

    /** Replaces the signing key. The previous one remains published unless it is withdrawn. */
    async rotate(withdraw: boolean): Promise<object> {
      current = await createKey(`demo-${++count}`)
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

    async sign(claims: JWTPayload, { typ, stranger: isStranger = false }: Signing): Promise<string> {
      const key = isStranger ? { ...(await stranger()), kid: current.kid ?? '' } : current
      return new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', kid: key.kid ?? '', typ })
        .sign(await importJWK(key, 'RS256'))
    },
  }
}

export type Keys = ReturnType<typeof createKeys>

async function createKey(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, use: 'sig', alg: 'RS256' }
}
