import { type Alias, isAlias, isMap, isPair, isScalar, isSeq, type Node, parseDocument } from 'yaml'

/** Nodes of one document; a node that an alias repeats counts each time it is repeated. */
const MOST_NODES = 200_000
/** Levels of nesting. */
const DEEPEST = 200

/** What an anchor names, and how many nodes it has. */
interface Anchored {
  value: unknown
  size: number
}

/** A document that is larger, deeper or of another kind than an API document. */
class Unusable extends Error {}

/**
 * A YAML text as plain values, as JSON has them, and as far as it is valid; undefined where it exceeds the bounds. The time is
 * linear in the length of the text: the library's own conversion is not, as it looks for repeated keys among all others, and
 * writes a key that is itself a list or mapping back as text.
 */
export function yamlValue(text: string): unknown {
  try {
    const document = parseDocument(text, { uniqueKeys: false, prettyErrors: false, logLevel: 'silent' })
    return createConversion().plain(document.contents, 0)
  } catch (error) {
    // RangeError: nested deeper than the stack allows
    if (error instanceof Unusable || error instanceof RangeError) return undefined
    throw error
  }
}

function createConversion() {
  const anchors = new Map<string, Anchored>()
  let count = 0

  return { plain }

  function plain(node: unknown, depth: number): unknown {
    spend(1)
    if (depth > DEEPEST) throw new Unusable()
    if (isAlias(node)) return repeated(node)
    if (isScalar(node)) return anchored(node, count, node.value)
    const before = count
    if (isSeq(node))
      return anchored(
        node,
        before,
        node.items.map((item) => plain(item, depth + 1)),
      )
    if (isMap(node)) return anchored(node, before, mapping(node.items, depth))
    return null
  }

  function mapping(pairs: unknown[], depth: number): Record<string, unknown> {
    const entries = pairs.map((pair): [string, unknown] => {
      const { key, value } = isPair(pair) ? pair : { key: null, value: null }
      // no member of an API document has a list or a mapping as its name
      if (key !== null && !isScalar(key)) throw new Unusable()
      spend(1)
      return [keyOf(key), plain(value, depth + 1)]
    })
    // unlike an assignment, this makes `__proto__` a member like any other
    return Object.fromEntries(entries)
  }

  /** An alias inside of what it repeats has no value: nothing here is endless. */
  function repeated({ source }: Alias): unknown {
    const known = anchors.get(source)
    spend(known?.size ?? 0)
    return known?.value ?? null
  }

  function anchored<T>({ anchor }: Node, before: number, value: T): T {
    if (anchor) anchors.set(anchor, { value, size: count - before + 1 })
    return value
  }

  function spend(nodes: number): void {
    count += nodes
    if (count > MOST_NODES) throw new Unusable()
  }
}

function keyOf(key: unknown): string {
  const value = isScalar(key) ? key.value : null
  return value === null ? '' : String(value)
}
