import type { AnswerEvent } from '../../model-calls/answer-reader.js'
import type { Usage } from '../../model-calls/answer-usage.js'

/** What a model returned, as numbers and text that a page can show; whatever is odd in an answer is left out. */

export interface Said {
  text: string
  reasoning: string
  /** why the answer ended, as the model server says it; may be empty */
  finish: string
  /** what to know of how it ended; empty where it ended as usual */
  words: string
  /** true: only the first LONGEST_SAID characters are there */
  isCut: boolean
  promptTokens: number | undefined
  completionTokens: number | undefined
  reasoningTokens: number | undefined
}

/** Characters of an answer that are shown. */
export const LONGEST_SAID = 100_000
/** Numbers of a vector that are compared; the largest public models have 4,096. */
export const MOST_DIMENSIONS = 8192

/** A whole answer put together; `failure` says why there is none, else it is empty. */
export async function collected(answer: AsyncIterable<AnswerEvent[]>): Promise<Said & { failure: string }> {
  const said = { text: '', reasoning: '', finish: '', words: '', failure: '' }
  let usage: Usage | undefined
  let size = 0
  for await (const events of answer)
    for (const event of events) {
      if (event.kind === 'said') {
        size = Math.max(size, said.text.length + event.text.length, said.reasoning.length + event.reasoning.length)
        said.text = (said.text + event.text).slice(0, LONGEST_SAID)
        said.reasoning = (said.reasoning + event.reasoning).slice(0, LONGEST_SAID)
      } else if (event.kind === 'usage') usage = event.usage
      else if (event.kind === 'failure') said.failure = event.words
      else if (event.kind === 'finish') Object.assign(said, { finish: event.reason, words: event.words })
    }
  return {
    ...said,
    isCut: size > LONGEST_SAID,
    promptTokens: usage?.prompt_tokens ?? undefined,
    completionTokens: usage?.completion_tokens ?? undefined,
    reasoningTokens: usage?.reasoning_tokens ?? undefined,
  }
}

/**
 * Vectors of an embeddings answer in the order of the texts, at most `most`, each of at most MOST_DIMENSIONS numbers;
 * `returned` is how many there were.
 */
export function vectorsIn(body: unknown, most: number): { vectors: number[][]; returned: number } {
  const data = member(body, 'data')
  if (!Array.isArray(data)) return { vectors: [], returned: 0 }
  const vectors = data
    .slice(0, most)
    .map((item: unknown, place) => ({ place: finite(member(item, 'index')) ?? place, numbers: numbersIn(item) }))
    .sort((a, b) => a.place - b.place)
    .map(({ numbers }) => numbers)
  return { vectors, returned: data.length }
}

function numbersIn(item: unknown): number[] {
  const vector = member(item, 'embedding')
  return Array.isArray(vector) ? vector.slice(0, MOST_DIMENSIONS).map((value) => finite(value) ?? 0) : []
}

/** Cosine of the angle between two vectors: 1 the same direction, 0 nothing in common. */
export function similarity(a: number[], b: number[]): number {
  // squares of very large and very small numbers are beyond what a number can hold
  const [scaleA, scaleB] = [largestOf(a), largestOf(b)]
  if (scaleA === 0 || scaleB === 0) return 0
  let dot = 0
  let [lengthA, lengthB] = [0, 0]
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const [x, y] = [(a[index] ?? 0) / scaleA, (b[index] ?? 0) / scaleB]
    dot += x * y
    lengthA += x * x
    lengthB += y * y
  }
  return lengthA === 0 || lengthB === 0 ? 0 : dot / Math.sqrt(lengthA * lengthB)
}

function largestOf(vector: number[]): number {
  let most = 0
  for (const value of vector) most = Math.max(most, Math.abs(value))
  return most
}

/** Scores of a rerank answer (Cohere's, Jina's and vLLM's shape), best first, one for each of `documents` at most. */
export function rankingIn(body: unknown, documents: number): { index: number; score: number }[] {
  const results = member(body, 'results')
  if (!Array.isArray(results)) return []
  return results
    .slice(0, documents)
    .flatMap((item: unknown) => {
      const index = finite(member(item, 'index'))
      const score = finite(member(item, 'relevance_score') ?? member(item, 'score'))
      const isDocument = index !== undefined && Number.isInteger(index) && index >= 0 && index < documents
      return isDocument && score !== undefined ? [{ index, score }] : []
    })
    .sort((a, b) => b.score - a.score)
}

function member(node: unknown, name: string): unknown {
  return typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[name] : undefined
}

function finite(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
