/** Bounds of one document: what is beyond them is left out. */
const MOST_NODES = 8000
/** Members and items that are looked at, and references that are followed. */
const MOST_STEPS = 500_000
/** Characters of all texts together. */
const MOST_CHARACTERS = 400_000
const LONGEST_NAME = 300

export type Budget = ReturnType<typeof createBudget>

/** What the reading of one document may still cost. Nothing here throws: what there is no budget for is empty. */
export function createBudget() {
  let nodes = MOST_NODES
  let steps = MOST_STEPS
  let characters = MOST_CHARACTERS
  let exhausted = false

  return {
    /** true: something was left out because there is too much of it */
    exhausted: () => exhausted,
    node: () => take(nodes, 1, (left) => (nodes = left)),
    steps: (count: number) => take(steps, count, (left) => (steps = left)),
    /** whether a text of that many characters may be kept */
    characters: (count: number) => take(characters, count, (left) => (characters = left)),
    entriesOf,
    keysOf,
  }

  /** The members of an object. */
  function entriesOf(value: unknown): [string, unknown][] {
    if (steps <= 0 || typeof value !== 'object' || value === null || Array.isArray(value)) return []
    const entries = Object.entries(value)
    spend(entries.length)
    return entries.filter(([name]) => name !== '__proto__' && name.length <= LONGEST_NAME)
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
