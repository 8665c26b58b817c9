/** Limits of one document. Content beyond them is omitted. */
const MAX_NODES = 8000
/** Members and items that are visited, and references that are followed. */
const MAX_STEPS = 500_000
/** Characters of all texts together. */
const MAX_CHARACTERS = 400_000
const MAX_NAME_LENGTH = 300

export type ReadingBudget = ReturnType<typeof createReadingBudget>

/** The remaining budget for reading one document. Nothing here throws: content beyond the budget is empty. */
export function createReadingBudget() {
  let nodes = MAX_NODES
  let steps = MAX_STEPS
  let characters = MAX_CHARACTERS
  let exhausted = false

  return {
    /** true: content was omitted */
    exhausted: () => exhausted,
    node: () => take(nodes, 1, (left) => (nodes = left)),
    steps: (count: number) => take(steps, count, (left) => (steps = left)),
    /** whether the budget covers a text of that length */
    characters: (count: number) => take(characters, count, (left) => (characters = left)),
    entriesOf,
    keysOf,
  }

  /** The members of an object. */
  function entriesOf(value: unknown): [string, unknown][] {
    if (steps <= 0 || typeof value !== 'object' || value === null || Array.isArray(value)) return []
    const entries = Object.entries(value)
    spend(entries.length)
    return entries.filter(([name]) => name !== '__proto__' && name.length <= MAX_NAME_LENGTH)
  }

  function keysOf(value: object): string[] {
    if (steps <= 0) return []
    const keys = Object.keys(value)
    spend(keys.length)
    return keys
  }

  function spend(count: number): void {
    steps -= count
    exhausted ||= steps <= 0
  }

  function take(left: number, count: number, store: (left: number) => void): boolean {
    if (left >= count) {
      store(left - count)
      return true
    }
    exhausted = true
    return false
  }
}
