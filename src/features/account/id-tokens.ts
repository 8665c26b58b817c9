import type { Cache } from '../../clients/cache.js'

interface Session {
  issuer: string
  subject: string
  sid: string | undefined
}

export type Kept = ReturnType<typeof createIdTokens>

/** ID tokens for the hint of a sign-out: kept sealed, and only as a convenience. Lost, the provider asks before it signs out. */
export function createIdTokens({ cache, maxSeconds }: { cache: Cache; maxSeconds: number }) {
  const kept = cache.cached<string>('id-tokens', { fresh: maxSeconds, keep: maxSeconds }, async () => '')
  const keyOf = ({ issuer, subject, sid = '' }: Session) => JSON.stringify([issuer, subject, sid])

  return {
    put: (session: Session, idToken: string) => kept.put(keyOf(session), idToken),

    /** Once: after it the session is over. */
    async take(session: Session): Promise<string | undefined> {
      const { value } = await kept.get(keyOf(session))
      await kept.forget(keyOf(session))
      return value || undefined
    },
  }
}
