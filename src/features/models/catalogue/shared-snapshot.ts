import { createHash } from 'node:crypto'
import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { problem } from '../../../errors.js'
import type { Cache, CachedValue } from '../../../infra/cache.js'
import type { Snapshot, SnapshotEntry } from './snapshot.js'

export interface SharedSnapshotDeps {
  cache: Cache
  freshSeconds: number
  /** Reads everything. Returns the previous snapshot if nothing changed. */
  take(previous: Snapshot | undefined): Promise<Snapshot>
  now: () => number
}

/** The snapshot with the hashes of its parts. */
interface SnapshotHead {
  settings: Snapshot['settings']
  parts: string[]
}

const DAY = 86_400
const MAX_AGE_SECONDS = 30 * DAY
/** Products with ids in one such range are one part, so that a new product changes no other part. */
const IDS_PER_PART = 50
/** Parts in Redis are written again before they expire. */
const RENEW_MS = DAY * 1000

/**
 * The snapshot, shared by replicas in parts that are named by their content. A refresh without changes writes a few kilobytes, and a
 * changed product some products around it. Products that did not change remain the same objects.
 */
export function createSharedSnapshot({ cache, freshSeconds, take, now }: SharedSnapshotDeps) {
  // The number is the version of the shape: during a rolling update, replicas of two versions share one Redis.
  const heads = cache.cached<SnapshotHead>('catalogue-7', { freshSeconds, maxAgeSeconds: MAX_AGE_SECONDS }, load)
  const shared = cache.cached<SnapshotEntry[]>(
    'catalogue-parts',
    { freshSeconds: MAX_AGE_SECONDS, maxAgeSeconds: MAX_AGE_SECONDS, maxEntries: 1 },
    async () => [],
  )
  let latest: { head: SnapshotHead; snapshot: Snapshot } | undefined
  /** of the latest snapshot, by hash */
  let parts = new Map<string, SnapshotEntry[]>()
  const writtenAt = new Map<string, number>()

  return {
    get: async (): Promise<CachedValue<Snapshot>> => resolve(await heads.get()),
    /** A fresh snapshot in memory, without waiting. */
    peekFresh(): CachedValue<Snapshot> | undefined {
      const fresh = heads.peekFresh()
      return fresh && latest?.head === fresh.value ? { ...fresh, value: latest.snapshot } : undefined
    },
    getFresh: async (): Promise<CachedValue<Snapshot>> => resolve(await heads.getFresh()),
    reload: async (): Promise<CachedValue<Snapshot>> => resolve(await heads.reload()),
    ageSeconds: (): number | undefined => heads.peek()?.ageSeconds,
  }

  async function load(): Promise<SnapshotHead> {
    const snapshot = await take(latest?.snapshot)
    const groups = groupsOf(snapshot.entries)
    const known = new Map([...parts].map(([hash, entries]) => [entries[0]?.product.id, { hash, entries }]))
    const next = new Map<string, SnapshotEntry[]>()
    for (const group of groups) {
      const before = known.get(group[0]?.product.id)
      const hash = before && isSame(before.entries, group) ? before.hash : await hashOf(group)
      next.set(hash, before?.hash === hash ? before.entries : group)
      await write(hash, group)
    }
    parts = next
    for (const hash of writtenAt.keys()) if (!next.has(hash)) writtenAt.delete(hash)
    const head = { settings: snapshot.settings, parts: [...next.keys()] }
    latest = { head, snapshot }
    return head
  }

  async function write(hash: string, group: SnapshotEntry[]): Promise<void> {
    if (now() - (writtenAt.get(hash) ?? 0) < RENEW_MS) return
    writtenAt.set(hash, now())
    await shared.put(hash, group)
    await yieldToEventLoop()
  }

  async function resolve({ value: head, ...age }: CachedValue<SnapshotHead>): Promise<CachedValue<Snapshot>> {
    if (latest?.head === head) return { value: latest.snapshot, ...age }
    const snapshot = await assemble(head)
    if (snapshot) return { value: snapshot, ...age }
    const { value: _head, ...reloaded } = await heads.reload()
    if (!latest) throw problem('threescale_unavailable')
    return { value: latest.snapshot, ...reloaded }
  }

  /** Undefined if a part is no longer in Redis. */
  async function assemble(head: SnapshotHead): Promise<Snapshot | undefined> {
    const next = new Map<string, SnapshotEntry[]>()
    for (const hash of head.parts) {
      const entries = parts.get(hash) ?? (await readPart(hash))
      if (!entries) return undefined
      next.set(hash, entries)
    }
    const isUnchanged = latest && JSON.stringify(latest.head) === JSON.stringify(head)
    const snapshot =
      isUnchanged && latest ? latest.snapshot : { settings: head.settings, entries: [...next.values()].flat() }
    parts = next
    latest = { head, snapshot }
    return snapshot
  }

  async function readPart(hash: string): Promise<SnapshotEntry[] | undefined> {
    await shared.sync(hash)
    return shared.peek(hash)?.value
  }
}

function groupsOf(entries: SnapshotEntry[]): SnapshotEntry[][] {
  const groups: SnapshotEntry[][] = []
  let range: number | undefined
  for (const entry of entries) {
    const ownRange = Math.floor(entry.product.id / IDS_PER_PART)
    if (ownRange === range) groups.at(-1)?.push(entry)
    else groups.push([entry])
    range = ownRange
  }
  return groups
}

function isSame(one: SnapshotEntry[], other: SnapshotEntry[]): boolean {
  return one.length === other.length && one.every((entry, index) => entry === other[index])
}

async function hashOf(group: SnapshotEntry[]): Promise<string> {
  await yieldToEventLoop()
  return createHash('sha256').update(JSON.stringify(group)).digest('base64url')
}
