export interface Entry {
  owner: string
  /** ms of performance.now() */
  since: number
  start(): void
}

export type Lane = ReturnType<typeof createLane>

/** Calls of one kind that wait: owners take turns, and the calls of one owner stay in their order. */
export function createLane() {
  const owners = new Map<string, Entry[]>()
  let size = 0

  return {
    get size(): number {
      return size
    },

    of: (owner: string): number => owners.get(owner)?.length ?? 0,

    add(entry: Entry): void {
      const entries = owners.get(entry.owner)
      if (entries) entries.push(entry)
      else owners.set(entry.owner, [entry])
      size++
    },

    take(): Entry | undefined {
      const [first] = owners
      if (!first) return undefined
      const [owner, entries] = first
      const entry = entries.shift()
      owners.delete(owner)
      if (entries.length > 0) owners.set(owner, entries)
      size--
      return entry
    },

    /** False where it has started already. */
    remove(entry: Entry): boolean {
      const entries = owners.get(entry.owner)
      const at = entries?.indexOf(entry) ?? -1
      if (!entries || at < 0) return false
      entries.splice(at, 1)
      if (entries.length === 0) owners.delete(entry.owner)
      size--
      return true
    },

    /** Since when the owner whose turn is next waits. */
    since(): number {
      const [entries] = owners.values()
      return entries?.[0]?.since ?? Number.POSITIVE_INFINITY
    },
  }
}
