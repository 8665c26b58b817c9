import type { Cache } from '../../../infra/cache.js'

interface IdTokenSession {
  issuer: string
  subject: string
  sid: string | undefined
}

export type IdTokenStore = ReturnType<typeof createIdTokenStore>

/** ID tokens for `id_token_hint` of a sign-out. Without one, the provider requests a confirmation before it signs out. */
export function createIdTokenStore({ cache, maxSeconds }: { cache: Cache; maxSeconds: number }) {
  const tokens = cache.cached<string>(
    'id-tokens',
    { freshSeconds: maxSeconds, maxAgeSeconds: maxSeconds },
    async () => '',
  )
  const keyOf = ({ issuer, subject, sid = '' }: IdTokenSession) => JSON.stringify([issuer, subject, sid])

  return {
    put: (session: IdTokenSession, idToken: string) => tokens.put(keyOf(session), idToken),

    /** Can be taken once, as the session ends with it. */
    async take(session: IdTokenSession): Promise<string | undefined> {
      const { value } = await tokens.get(keyOf(session))
      await tokens.remove(keyOf(session))
      return value || undefined
    },
  }
}
