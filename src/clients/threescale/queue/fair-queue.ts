export interface QueueEntry {
  owner: string
  /** ms of performance.now() */
  since: number
  start(): void
}

export type FairQueue = ReturnType<typeof createFairQueue>

/** Waiting calls of one kind: owners take turns, and the calls of an owner keep their order. */
export function createFairQueue() {
  const owners = new Map<string, QueueEntry[]>()
  let size = 0

  return {
    get size(): number {
      return size
    },

    of: (owner: string): number => owners.get(owner)?.length ?? 0,

    add(entry: QueueEntry): void {
      const entries = owners.get(entry.owner)
      if (entries) entries.push(entry)
      else owners.set(entry.owner, [entry])
      size++
    },

    take(): QueueEntry | undefined {
      const [first] = owners
      if (!first) return undefined
      const [owner, entries] = first
      const entry = entries.shift()
      owners.delete(owner)
      if (entries.length > 0) owners.set(owner, entries)
      size--
      return entry
    },

    /** False if the call has started. */
    remove(entry: QueueEntry): boolean {
      const entries = owners.get(entry.owner)
      const at = entries?.indexOf(entry) ?? -1
      if (!entries || at < 0) return false
      entries.splice(at, 1)
      if (entries.length === 0) owners.delete(entry.owner)
      size--
      return true
    },

    /** When the next call was added. */
    since(): number {
      const [entries] = owners.values()
      return entries?.[0]?.since ?? Number.POSITIVE_INFINITY
    },
  }
}
