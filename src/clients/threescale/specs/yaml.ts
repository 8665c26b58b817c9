import { type Alias, isAlias, isMap, isPair, isScalar, isSeq, type Node, parseDocument } from 'yaml'

/** A node that aliases repeat counts each time. */
const MAX_NODES = 200_000
const MAX_DEPTH = 200

/** The value of an anchor, and its number of nodes. */
interface AnchoredValue {
  value: unknown
  size: number
}

/** The document is larger, deeper or of another kind than an API document. */
class UnsupportedDocument extends Error {}

/**
 * Parses YAML into plain JSON values as far as it is valid; undefined if it exceeds the limits. The time is linear in the length of the
 * text. The library's own conversion is not linear: it compares each key with all others, and converts a key that is a list or mapping
 * back to text.
 */
export function parseYaml(text: string): unknown {
  try {
    const document = parseDocument(text, { uniqueKeys: false, prettyErrors: false, logLevel: 'silent' })
    return createConversion().plain(document.contents, 0)
  } catch (error) {
    // RangeError: nested deeper than the stack allows
    if (error instanceof UnsupportedDocument || error instanceof RangeError) return undefined
    throw error
  }
}

function createConversion() {
  const anchors = new Map<string, AnchoredValue>()
  let count = 0

  return { plain }

  function plain(node: unknown, depth: number): unknown {
    spend(1)
    if (depth > MAX_DEPTH) throw new UnsupportedDocument()
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
      // no API document has a list or a mapping as a key
      if (key !== null && !isScalar(key)) throw new UnsupportedDocument()
      spend(1)
      return [keyOf(key), plain(value, depth + 1)]
    })
    // unlike an assignment, this handles `__proto__` like any other member
    return Object.fromEntries(entries)
  }

  /** An alias within its own anchor has no value, so the result is finite. */
  function repeated({ source }: Alias): unknown {
    const anchor = anchors.get(source)
    spend(anchor?.size ?? 0)
    return anchor?.value ?? null
  }

  function anchored<T>({ anchor }: Node, before: number, value: T): T {
    if (anchor) anchors.set(anchor, { value, size: count - before + 1 })
    return value
  }

  function spend(nodes: number): void {
    count += nodes
    if (count > MAX_NODES) throw new UnsupportedDocument()
  }
}

function keyOf(key: unknown): string {
  const value = isScalar(key) ? key.value : null
  return value === null ? '' : String(value)
}
