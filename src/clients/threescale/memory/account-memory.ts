import { LRUCache } from 'lru-cache'
import { problem } from '../../../errors.js'
import { detachDeadline, untilContextDeadline } from '../../../infra/call-context.js'
import type { AccountVersions } from './account-versions.js'

export interface AccountMemoryOptions {
  versions: Pick<AccountVersions, 'read' | 'onLost'>
  now?: () => number
}

interface Entry {
  version: string
  rows: readonly unknown[]
}

interface Load {
  version: string
  rows: Promise<readonly unknown[]>
}

export type AccountMemory = ReturnType<typeof createAccountMemory>

const MAX_AGE_MS = 60_000
/** Of all accounts together, where an empty list counts as one row. A row of an application takes about 1 KB. */
const MAX_ROWS = 20_000

/**
 * The lists of accounts that were read in the last minute, in the memory of this process only, because some contain credentials. A list
 * is used only while its account has the version under which it was read, so no list is older than a write of any replica. Other changes
 * in 3scale appear after a minute.
 */
export function createAccountMemory({ versions, now = () => performance.now() }: AccountMemoryOptions) {
  const entries = new LRUCache<string, Entry>({
    maxSize: MAX_ROWS,
    sizeCalculation: ({ rows }) => rows.length + 1,
    ttl: MAX_AGE_MS,
    ttlAutopurge: true,
    ttlResolution: 0,
    perf: { now },
  })
  const loads = new Map<string, Load>()
  versions.onLost(() => {
    entries.clear()
    loads.clear()
  })

  return {
    /** The same frozen list for as long as it is current. `read` runs once for all that wait for it. */
    async list<T>(accountId: number, name: string, read: () => Promise<T[]>): Promise<readonly T[]> {
      // Before the read: a write that ends later changes the version.
      const version = await versions.read(accountId)
      if (version === undefined) return read()
      const key = `${accountId} ${name}`
      const entry = entries.get(key)
      if (entry?.version === version) return entry.rows as readonly T[]
      const running = loads.get(key)
      const rows = running?.version === version ? running.rows : load(key, version, read)
      return untilContextDeadline(rows as Promise<readonly T[]>, () => problem('threescale_unavailable'))
    },

    size: () => entries.calculatedSize,
  }

  function load(key: string, version: string, read: () => Promise<unknown[]>): Promise<readonly unknown[]> {
    const start = now()
    const rows = detachDeadline(read).then((list) => {
      const isCurrent = loads.get(key) === running
      if (isCurrent) entries.set(key, { version, rows: Object.freeze(list) }, { start })
      return list
    })
    const running: Load = { version, rows }
    loads.set(key, running)
    const done = () => {
      if (loads.get(key) === running) loads.delete(key)
    }
    rows.then(done, done)
    return rows
  }
}
