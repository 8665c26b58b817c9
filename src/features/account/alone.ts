import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisConnection } from '../../clients/redis.js'

const LOCK_MS = 15_000
const WAIT_MS = 10_000
/** Only the owner of a lock renews or releases it: work that took too long must not free the next request's lock. */
const RENEW =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0"
const RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

export type Alone = ReturnType<typeof createAlone>

/** A request's turn at work of one name. */
export interface Turn {
  /** True where its lock in Redis has passed to another request: what was read before must be read again before a write. */
  isLost(): Promise<boolean>
}

/**
 * Runs the work of one name one at a time: in this process always, among replicas with a lock in Redis where there is one.
 * 3scale has no lock of its own: it checks a name or a key before it writes, so two requests at once may both be accepted (on
 * MySQL, two sign-ups always are). The lock makes that rare, not impossible; Redis may be missing, or stop in between.
 * Therefore the work reads again after its write and removes what was created twice. Names hold addresses of people, so Redis sees
 * their keyed hash.
 */
export function createAlone(redis: RedisConnection | undefined, { waitMs = WAIT_MS } = {}) {
  const queue = new Map<string, Promise<unknown>>()

  return async function alone<T>(name: string, work: (turn: Turn) => Promise<T>): Promise<T> {
    const before = queue.get(name) ?? Promise.resolve()
    const turn = before.catch(() => {}).then(() => locked(`maas:lock:${redis?.hash('lock', name) ?? ''}`, work))
    queue.set(name, turn)
    try {
      return await turn
    } finally {
      if (queue.get(name) === turn) queue.delete(name)
    }
  }

  async function locked<T>(lock: string, work: (turn: Turn) => Promise<T>): Promise<T> {
    const mine = randomBytes(8).toString('hex')
    const isMine = await acquire(lock, mine)
    const renewal = isMine
      ? setInterval(() => void redis?.try((client) => client.eval(RENEW, 1, lock, mine, LOCK_MS)), LOCK_MS / 3).unref()
      : undefined
    try {
      return await work({ isLost: async () => isMine && (await ownerOf(lock)) !== mine })
    } finally {
      clearInterval(renewal)
      if (isMine) await redis?.try((client) => client.eval(RELEASE, 1, lock, mine))
    }
  }

  /** False where there is no Redis, where it does not answer, and where another request has held the lock for too long. */
  async function acquire(lock: string, mine: string): Promise<boolean> {
    for (let waited = 0; redis && waited < waitMs; waited += 50) {
      const answer = await redis.try(async (client) => [await client.set(lock, mine, 'PX', LOCK_MS, 'NX')])
      if (answer === undefined) return false
      if (answer[0] === 'OK') return true
      if (waited === 0) await endForged(lock)
      await sleep(50)
    }
    return false
  }

  /** A lock of a portal ends by itself; one that does not would hold up every write. */
  async function endForged(lock: string): Promise<void> {
    const left = await redis?.try((client) => client.pttl(lock))
    if (left === -1 || (left ?? 0) > LOCK_MS) await redis?.try((client) => client.del(lock))
  }

  /** Undefined where nobody holds it; of a Redis that does not answer nothing is known, so it counts as nobody. */
  async function ownerOf(lock: string): Promise<string | undefined> {
    return (await redis?.try((client) => client.get(lock))) ?? undefined
  }
}
