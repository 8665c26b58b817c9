import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { trusting } from './trust.js'

type Client = Redis | Cluster

export interface Log {
  warn(details: object, message: string): void
  info(details: object, message: string): void
}

export type RedisConnection = ReturnType<typeof createRedis>

/**
 * Whoever can reach Redis can read and write it, so nothing is stored there in the clear, and nothing that comes from there is
 * used before it is authenticated.
 */
export interface RedisTrust {
  /** authenticated encryption, bound to the place where the text is stored */
  seal(place: string, text: string): string
  /** undefined: not sealed by a portal with one of these secrets, or not for this place */
  open(place: string, sealed: string): string | undefined
  /** keyed hashes, for names and for signatures: with the secret that writes first, then with those that still read */
  hashes(...parts: string[]): string[]
}

export interface RedisSettings {
  trust: RedisTrust
  /** PEM of the only authority that may vouch for Redis */
  ca?: string | undefined
  /** PEM of an authority that is trusted beside those of Node.js */
  extraCa?: string | undefined
}

/** A command is waited for so long at most; after one that was, Redis is left alone for a second, and then it is given up. */
const COMMAND_MS = 50
const REST_MS = 1000

/**
 * Redis as something that may be missing at any moment: commands fail at once instead of waiting, and one that hangs
 * costs 50 ms once. `redis://`, `rediss://`, `redis+sentinel://host:port,host:port/name`, `redis+cluster://host:port,…`.
 */
export function createRedis(url: string, log: Log, { trust, ca, extraCa }: RedisSettings) {
  const tls = url.startsWith('rediss') ? { tls: ca ? { ca } : trusting(extraCa) } : {}
  const command = connect(url, {
    ...tls,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: REST_MS,
    connectTimeout: 500,
    retryStrategy: (times) => Math.min(100 * times, 1000),
  })
  const subscriber = connect(url, {
    ...tls,
    maxRetriesPerRequest: null,
    connectTimeout: 500,
    retryStrategy: (times) => Math.min(100 * times, 1000),
  })
  let restUntil = 0
  let up = false
  const readyHandlers: (() => void)[] = []
  const messageHandlers = new Map<string, (message: string) => void>()

  command.on('error', () => {
    if (up) log.warn({}, 'Redis does not answer; going on without it')
    up = false
  })
  command.on('ready', () => {
    up = true
    restUntil = 0
    for (const handler of readyHandlers) handler()
  })
  subscriber.on('error', () => {})
  subscriber.on('message', (channel: string, message: string) => messageHandlers.get(channel)?.(message))

  return {
    trust,

    /** The keyed hash of a name, for keys that no other secret has to find. */
    hash: (...parts: string[]): string => trust.hashes(...parts)[0] ?? '',

    ready: () => command.status === 'ready' && Date.now() >= restUntil,

    /** `open` while it is left alone. */
    breaker: (): 'closed' | 'open' => (Date.now() >= restUntil ? 'closed' : 'open'),

    /** Runs one command, or gives undefined where Redis is not there; never rejects. */
    async try<T>(run: (client: Client) => Promise<T>): Promise<T | undefined> {
      if (command.status !== 'ready' || Date.now() < restUntil) return undefined
      try {
        return await inTime(run(command))
      } catch (error) {
        if (error instanceof Late) restUntil = Date.now() + REST_MS
        return undefined
      }
    },

    /** Waits for the first connection, bounded; true when it came. */
    async connected(timeoutMs: number): Promise<boolean> {
      if (command.status === 'ready') return true
      return new Promise((resolve) => {
        const timer = setTimeout(() => resolve(false), timeoutMs)
        command.once('ready', () => {
          clearTimeout(timer)
          resolve(true)
        })
      })
    },

    onReady: (handler: () => void) => readyHandlers.push(handler),

    /** Messages of a channel, also after a reconnect; what was sent in between is lost, so look again `onReady`. */
    subscribe(channel: string, handler: (message: string) => void): void {
      messageHandlers.set(channel, handler)
      void Promise.resolve(subscriber.subscribe(channel)).catch(() => {})
    },

    async ping(): Promise<void> {
      await inTime(command.ping())
    },

    close(): void {
      command.disconnect()
      subscriber.disconnect()
    },
  }
}

class Late extends Error {
  override message = 'Redis does not answer in time'
}

/** Not late before what has come is read: it may be this process that was busy. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => setImmediate(() => reject(new Late())), COMMAND_MS)
  })
  return Promise.race([answer, late]).finally(() => clearTimeout(timer))
}

function connect(url: string, options: RedisOptions): Client {
  const kind = /^rediss?\+(sentinel|cluster):/.exec(url)?.[1]
  if (!kind) return new Redis(url, options)
  const [, credentials = '', hosts = '', name = ''] = /^[^:]+:\/\/(?:([^@]*)@)?([^/]+)(?:\/(.*))?$/.exec(url) ?? []
  const [password = '', username = ''] = credentials.split(':').map(decodeURIComponent).reverse()
  const nodes = hosts.split(',').map((entry) => {
    const [host = 'localhost', port] = entry.split(':')
    return { host, port: Number(port ?? (kind === 'sentinel' ? 26379 : 6379)) }
  })
  const shared = { ...options, ...(password ? { password } : {}), ...(username ? { username } : {}) }
  if (kind === 'sentinel') {
    // without these two ioredis asks sentinels, and what they name, in the clear
    const tls = options.tls ? { sentinelTLS: options.tls, enableTLSForSentinelMode: true } : {}
    return new Redis({ ...shared, ...tls, sentinels: nodes, name: name || 'mymaster' })
  }
  return new Cluster(nodes, { redisOptions: shared, enableOfflineQueue: options.enableOfflineQueue ?? true })
}
