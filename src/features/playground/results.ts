/** What came back, as numbers and text that a page can show; whatever is odd in an answer is left out. */

export interface Said {
  text: string
  promptTokens: number | undefined
  completionTokens: number | undefined
}

export function saidIn(body: unknown): Said {
  const choice = (member(body, 'choices') as unknown[] | undefined)?.[0]
  const text = member(member(choice, 'message'), 'content') ?? member(choice, 'text')
  const usage = member(body, 'usage')
  return {
    text: typeof text === 'string' ? text : JSON.stringify(body).slice(0, 4000),
    promptTokens: count(member(usage, 'prompt_tokens')),
    completionTokens: count(member(usage, 'completion_tokens')),
  }
}

/** Vectors of an embeddings answer, in the order of the texts. */
export function vectorsIn(body: unknown): number[][] {
  const data = member(body, 'data')
  if (!Array.isArray(data)) return []
  const sorted = [...data].sort((a, b) => Number(member(a, 'index') ?? 0) - Number(member(b, 'index') ?? 0))
  return sorted.map((item) => {
    const vector = member(item, 'embedding')
    return Array.isArray(vector) ? vector.map(Number) : []
  })
}

/** Cosine of the angle between two vectors: 1 the same direction, 0 nothing in common. */
export function similarity(a: number[], b: number[]): number {
  let dot = 0
  let [lengthA, lengthB] = [0, 0]
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const [x = 0, y = 0] = [a[index], b[index]]
    dot += x * y
    lengthA += x * x
    lengthB += y * y
  }
  return lengthA === 0 || lengthB === 0 ? 0 : dot / Math.sqrt(lengthA * lengthB)
}

/** Scores of a rerank answer (Cohere's, Jina's and vLLM's shape), best first. */
export function rankingIn(body: unknown): { index: number; score: number }[] {
  const results = member(body, 'results')
  if (!Array.isArray(results)) return []
  return results
    .map((item) => ({
      index: Number(member(item, 'index')),
      score: Number(member(item, 'relevance_score') ?? member(item, 'score')),
    }))
    .filter(({ index, score }) => Number.isInteger(index) && Number.isFinite(score))
    .sort((a, b) => b.score - a.score)
}

function member(node: unknown, name: string): unknown {
  return typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[name] : undefined
}

function count(value: unknown): number | undefined {
  return Number.isInteger(value) ? (value as number) : undefined
}
