import { createHash, randomBytes } from 'node:crypto'
import type { RedisConnection } from './redis.js'

export interface SharingOptions {
  redis?: RedisConnection | undefined
  /** every key and channel in Redis starts with it */
  prefix: string
  /** seals what is marked secret; without it such values stay in this process */
  seal?: { seal(text: string): string; open(text: string): string | undefined } | undefined
}

export interface Entry<T> {
  value: T
  at: number
}

export interface SharedBy {
  secret: boolean
  /** seconds until Redis forgets a copy */
  keep: number
  /** another process stored a copy under the key with this hash, or took it away */
  heard(keyHash: string, gone: boolean): void
}

/** Renewed while it is held, so a replica that dies with it holds up the others no longer than this. */
const LOCK_MS = 3000

/**
 * What replicas share through Redis: copies, word of new ones, and a lock for who makes the next. Without Redis, or while it
 * does not answer, everybody is alone: nothing is there, and each may have the lock.
 */
export function createSharing({ redis, prefix, seal }: SharingOptions) {
  const self = randomBytes(6).toString('hex')
  const channel = `${prefix}:changed`
  const listeners = new Map<string, SharedBy['heard']>()
  redis?.subscribe(channel, (message) => {
    const [from, name = '', hash = '', what] = message.split(' ')
    if (from !== self) listeners.get(name)?.(hash, what === 'gone')
  })

  return { of }

  function of<T>(name: string, { secret, keep, heard }: SharedBy) {
    const shared = secret && !seal ? undefined : redis
    const sealing = secret ? seal : undefined
    listeners.set(name, heard)

    return {
      async read(key: string): Promise<Entry<T> | undefined> {
        const text = await shared?.try((client) => client.get(place(key)))
        return text ? parse(text) : undefined
      },
      async write(key: string, entry: Entry<T>): Promise<void> {
        const text = JSON.stringify(entry)
        const sealed = sealing ? sealing.seal(text) : text
        const stored = await shared?.try((client) => client.set(place(key), sealed, 'EX', Math.ceil(keep)))
        if (stored) await tell(key, 'new')
      },
      async forget(key: string): Promise<void> {
        await shared?.try((client) => client.del(place(key)))
        await tell(key, 'gone')
      },
      /** Held until its release; undefined while another process holds it. */
      async lock(key: string): Promise<{ release(): Promise<void> } | undefined> {
        const lock = `${place(key)}:lock`
        const answer = await shared?.try(async (client) => [await client.set(lock, self, 'PX', LOCK_MS, 'NX')])
        if (answer && answer[0] !== 'OK') return undefined
        const beat = setInterval(() => void shared?.try((client) => client.pexpire(lock, LOCK_MS)), LOCK_MS / 3).unref()
        return {
          async release() {
            clearInterval(beat)
            await shared?.try((client) => client.del(lock))
          },
        }
      },
      async isLocked(key: string): Promise<boolean> {
        const answer = await shared?.try(async (client) => [await client.exists(`${place(key)}:lock`)])
        return answer?.[0] === 1
      },
    }

    async function tell(key: string, what: 'new' | 'gone'): Promise<void> {
      await shared?.try((client) => client.publish(channel, `${self} ${name} ${hashOf(key)} ${what}`))
    }

    function place(key: string): string {
      return `${prefix}:${name}:${hashOf(key)}`
    }

    function parse(text: string): Entry<T> | undefined {
      try {
        const open = sealing ? sealing.open(text) : text
        return open === undefined ? undefined : (JSON.parse(open) as Entry<T>)
      } catch {
        return undefined
      }
    }
  }
}

/** Keys may hold names and addresses of people; Redis sees only their hash. */
export function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 24)
}
