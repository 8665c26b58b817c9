import type { RedisConnection } from '../clients/redis.js'

export interface RevocationsOptions {
  redis?: RedisConnection | undefined
  prefix: string
  /** how long a session can live, in seconds: an entry is kept as long */
  keepSeconds: number
  now?: () => number
}

interface Session {
  issuer: string
  subject: string
  sid: string | undefined
  /** ms */
  issuedAt: number
}

export type Revocations = ReturnType<typeof createRevocations>

/**
 * Sign-outs that sessions are checked against. Every replica holds the whole list in memory and hears of new entries
 * through Redis; an empty Redis gets back what is known, so a flush revives nobody. No request waits for Redis.
 */
export function createRevocations({ redis, prefix, keepSeconds, now = Date.now }: RevocationsOptions) {
  /** entry -> when it may be forgotten (ms) */
  const entries = new Map<string, number>()
  const place = `${prefix}:revoked`
  redis?.subscribe(place, (message) => {
    const [entry, until] = message.split(' ')
    if (entry) entries.set(entry, Number(until))
  })
  redis?.onReady(() => void exchange())
  const timer = setInterval(() => void exchange(), 30_000)
  timer.unref()

  return {
    /** By session of the provider, or every session of a person that began until now. Takes effect here at once. */
    async revoke(session: { issuer: string; sid?: string | undefined; subject?: string | undefined }): Promise<void> {
      const entry = session.sid
        ? sidEntry(session.issuer, session.sid)
        : subjectEntry(session.issuer, session.subject ?? '', now())
      const until = now() + keepSeconds * 1000
      entries.set(entry, until)
      await redis?.try((client) => client.zadd(place, until, entry))
      await redis?.try((client) => client.publish(place, `${entry} ${until}`))
    },

    isRevoked({ issuer, subject, sid, issuedAt }: Session): boolean {
      if (sid && entries.has(sidEntry(issuer, sid))) return true
      const prefixOfPerson = subjectEntry(issuer, subject, 0).replace(/0$/, '')
      for (const entry of entries.keys()) {
        if (entry.startsWith(prefixOfPerson) && Number(entry.slice(prefixOfPerson.length)) >= issuedAt) return true
      }
      return false
    },

    /** Reads the shared list and adds what only this process knows. */
    exchange,
    close: () => clearInterval(timer),
  }

  async function exchange(): Promise<void> {
    for (const [entry, until] of entries) if (until < now()) entries.delete(entry)
    const mine = [...entries]
    const shared = await redis?.try(async (client) => {
      await client.zremrangebyscore(place, '-inf', now())
      return client.zrangebyscore(place, '-inf', '+inf', 'WITHSCORES')
    })
    if (!shared) return
    const known = new Set<string>()
    for (let index = 0; index < shared.length; index += 2) {
      const entry = shared[index] ?? ''
      known.add(entry)
      entries.set(entry, Number(shared[index + 1]))
    }
    for (const [entry, until] of mine) {
      if (!known.has(entry)) await redis?.try((client) => client.zadd(place, until, entry))
    }
  }
}

function sidEntry(issuer: string, sid: string): string {
  return `sid|${encodeURIComponent(issuer)}|${encodeURIComponent(sid)}`
}

function subjectEntry(issuer: string, subject: string, at: number): string {
  return `sub|${encodeURIComponent(issuer)}|${encodeURIComponent(subject)}|${at}`
}
