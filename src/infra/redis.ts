import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { trustedAuthorities } from './ca-bundle.js'
import { withDeadline } from './deadline.js'

type Client = Redis | Cluster

export interface Log {
  warn(details: object, message: string): void
  info(details: object, message: string): void
}

export type RedisConnection = ReturnType<typeof createRedis>

/** Redis may be readable and writable by an attacker. Therefore everything is stored encrypted and authenticated before use. */
export interface RedisCrypto {
  /** authenticated encryption, bound to the key or channel in Redis */
  seal(context: string, text: string): string
  /** undefined: not sealed with one of the secrets, or for another key or channel */
  open(context: string, sealed: string): string | undefined
  /** keyed hashes for names and signatures, one for each secret, the present secret first */
  hashes(...parts: string[]): string[]
}

export interface RedisSettings {
  crypto: RedisCrypto
  /** PEM of the only trusted certificate authority */
  ca?: string | undefined
  /** PEM of an authority that is trusted in addition to those of Node.js */
  extraCa?: string | undefined
}

/** The most that a caller waits for a command. */
const COMMAND_TIMEOUT_MS = 250
/** After a time-out no commands are sent for a second, and a caller waits for the next one only this long. */
const RETRY_AFTER_MS = 1000
const RETRY_TIMEOUT_MS = 50

/**
 * A connection to a Redis that may become unavailable at any time: commands fail immediately instead of waiting. A Redis that hangs
 * costs 250 ms, and 50 ms every second until it responds. URLs: `redis://`, `rediss://`, `redis+sentinel://host:port,host:port/name`, `redis+cluster://host:port,…`.
 */
export function createRedis(url: string, log: Log, { crypto, ca, extraCa }: RedisSettings) {
  const tls = url.startsWith('rediss') ? { tls: ca ? { ca } : trustedAuthorities(extraCa) } : {}
  const command = connect(url, {
    ...tls,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: RETRY_AFTER_MS,
    connectTimeout: 500,
    retryStrategy: (times) => Math.min(100 * times, 1000),
  })
  const subscriber = connect(url, {
    ...tls,
    maxRetriesPerRequest: null,
    connectTimeout: 500,
    retryStrategy: (times) => Math.min(100 * times, 1000),
  })
  let retryAt = 0
  let timeoutMs = COMMAND_TIMEOUT_MS
  let isUp = false
  const readyHandlers: (() => void)[] = []
  const messageHandlers = new Map<string, (message: string) => void>()

  command.on('error', () => {
    if (isUp) log.warn({}, 'Redis does not respond; the portal continues without it')
    isUp = false
  })
  command.on('ready', () => {
    isUp = true
    retryAt = 0
    for (const handler of readyHandlers) handler()
  })
  subscriber.on('error', () => {})
  subscriber.on('message', (channel: string, message: string) => messageHandlers.get(channel)?.(message))

  return {
    crypto,

    /** The keyed hash of a name, for keys that are not searched with previous secrets. */
    hash: (...parts: string[]): string => crypto.hashes(...parts)[0] ?? '',

    ready: () => command.status === 'ready' && Date.now() >= retryAt,

    /** `open` while no commands are sent. */
    breaker: (): 'closed' | 'open' => (Date.now() >= retryAt ? 'closed' : 'open'),

    /** Runs one command. Returns undefined if Redis is unavailable; never rejects. */
    async try<T>(run: (client: Client) => Promise<T>): Promise<T | undefined> {
      if (command.status !== 'ready' || Date.now() < retryAt) return undefined
      try {
        const reply = await withinTimeLimit(run(command), timeoutMs)
        timeoutMs = COMMAND_TIMEOUT_MS
        return reply
      } catch (error) {
        if (!(error instanceof RedisTimeout)) return undefined
        retryAt = Date.now() + RETRY_AFTER_MS
        timeoutMs = RETRY_TIMEOUT_MS
        return undefined
      }
    },

    /**
     * Adds to counters, in one packet for all of them, and returns the new values, undefined for a key that is no counter. A counter
     * that did not exist expires after `ttlMs`. Undefined if Redis is unavailable.
     */
    async increment(
      counters: { key: string; by: number }[],
      ttlMs: number,
    ): Promise<(number | undefined)[] | undefined> {
      const values = await this.try((client) => inOnePacket(client, counters, ({ key, by }) => ['incrby', key, by]))
      const created = counters.filter(({ by }, index) => values?.[index] === by)
      if (created.length > 0)
        await this.try((client) => inOnePacket(client, created, ({ key }) => ['pexpire', key, ttlMs]))
      return values
    },

    /** Waits for the first connection. Returns whether it was established in time. */
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

    /** Receives the messages of a channel, also after a reconnect. Messages during a disconnect are lost, so read again `onReady`. */
    subscribe(channel: string, handler: (message: string) => void): void {
      messageHandlers.set(channel, handler)
      void Promise.resolve(subscriber.subscribe(channel)).catch(() => {})
    },

    async ping(): Promise<void> {
      await withinTimeLimit(command.ping(), COMMAND_TIMEOUT_MS)
    },

    close(): void {
      command.disconnect()
      subscriber.disconnect()
    },
  }
}

class RedisTimeout extends Error {
  constructor() {
    super('Redis did not respond in time')
  }
}

/** The nodes of a cluster have a connection each, so its commands are sent separately. */
async function inOnePacket<T>(client: Client, items: T[], commandOf: (item: T) => [string, ...(string | number)[]]) {
  const commands = items.map(commandOf)
  if (client instanceof Cluster)
    return Promise.all(commands.map(([name, ...args]) => client.call(name, ...args).then(Number, () => undefined)))
  const results = await client.pipeline(commands).exec()
  return (results ?? []).map(([error, value]) => (error ? undefined : Number(value)))
}

function withinTimeLimit<T>(reply: Promise<T>, ms: number): Promise<T> {
  return withDeadline(reply, ms, () => {
    throw new RedisTimeout()
  })
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
    // without these two options ioredis does not encrypt connections to sentinels and the servers that they name
    const tls = options.tls ? { sentinelTLS: options.tls, enableTLSForSentinelMode: true } : {}
    return new Redis({ ...shared, ...tls, sentinels: nodes, name: name || 'mymaster' })
  }
  return new Cluster(nodes, { redisOptions: shared, enableOfflineQueue: options.enableOfflineQueue ?? true })
}
