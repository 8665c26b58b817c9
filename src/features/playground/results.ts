import type { AnswerEvent } from '../../model-calls/answer-reader.js'
import type { Usage } from '../../model-calls/answer-usage.js'

/** What a model returned, as numbers and text that a page can show; values of unexpected types are left out. */

export interface Said {
  text: string
  reasoning: string
  /** why the answer ended, as the model server says it; may be empty */
  finish: string
  /** what a person should know about its end; empty where it ended as usual */
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

/** A whole answer, joined from its events; `failure` states why there is none, and is empty otherwise. */
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
      } else if (event.kind === 'reasoned') {
        size = Math.max(size, said.reasoning.length + said.text.length)
        said.reasoning = (said.reasoning + said.text).slice(0, LONGEST_SAID)
        said.text = ''
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

/** Vectors of an answer; `perToken`: the model returned one for each token, of which the mean is taken. */
export interface Vectors {
  vectors: number[][]
  /** how many there were */
  returned: number
  perToken: boolean
}

/**
 * Vectors in the order of the texts, at most `most`, each of at most MOST_DIMENSIONS numbers. Reads the answers of OpenAI's
 * `/embeddings` (numbers or base64), TEI's `/embed` and `/embed_all` (a list), Ollama's and Cohere's (`embeddings`), llama.cpp's
 * `/embedding` and vLLM's `/pooling`.
 */
export function vectorsIn(body: unknown, most: number): Vectors {
  const list = vectorListIn(body)
  const read = list
    .slice(0, most)
    .map((item: unknown, place) => ({ place: finite(member(item, 'index')) ?? place, ...numbersIn(item) }))
    .sort((a, b) => a.place - b.place)
  return {
    vectors: read.map(({ numbers }) => numbers),
    returned: list.length,
    perToken: read.some(({ isMean }) => isMean),
  }
}

function vectorListIn(body: unknown): unknown[] {
  if (Array.isArray(body)) return body.length > 0 && body.every(isNumber) ? [body] : body
  const embeddings = member(body, 'embeddings')
  const single = member(body, 'embedding')
  const lists = [member(body, 'data'), embeddings, member(embeddings, 'float'), member(embeddings, 'base64')]
  return lists.find((list) => Array.isArray(list)) ?? (single === undefined ? [] : [single])
}

/** Numbers as they are, as base64 of 32-bit floats (OpenAI), or one vector for each token. */
function numbersIn(item: unknown): { numbers: number[]; isMean: boolean } {
  const named = ['embedding', 'values', 'data'].map((name) => member(item, name))
  const vector = Array.isArray(item) ? item : (named.find((value) => value !== undefined) ?? item)
  if (typeof vector === 'string') return { numbers: floatsIn(vector), isMean: false }
  if (!Array.isArray(vector)) return { numbers: [], isMean: false }
  const rows = vector.filter((row: unknown): row is unknown[] => Array.isArray(row))
  if (rows.length > 0) return { numbers: meanOf(rows.map(plainNumbers)), isMean: rows.length > 1 }
  return { numbers: plainNumbers(vector), isMean: false }
}

function plainNumbers(vector: unknown[]): number[] {
  return vector.slice(0, MOST_DIMENSIONS).map((value) => finite(value) ?? 0)
}

/** Little-endian, as OpenAI's clients read it. */
function floatsIn(base64: string): number[] {
  const bytes = Buffer.from(base64.slice(0, Math.ceil((MOST_DIMENSIONS * 4 * 4) / 3)), 'base64')
  const length = Math.min(MOST_DIMENSIONS, Math.floor(bytes.length / 4))
  return Array.from({ length }, (_, index) => finite(bytes.readFloatLE(index * 4)) ?? 0)
}

function meanOf(rows: number[][]): number[] {
  return (rows[0] ?? []).map((_, column) => rows.reduce((sum, row) => sum + (row[column] ?? 0) / rows.length, 0))
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number'
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

/**
 * Scores of an answer, best first, one for each of `documents` at most. Reads Cohere's, Jina's and vLLM's answers (`results`),
 * TEI's (a list), those of vLLM's `/score`, Voyage and Mixedbread (`data`), and NVIDIA's (`rankings`).
 */
export function rankingIn(body: unknown, documents: number): { index: number; score: number }[] {
  const lists = [body, member(body, 'results'), member(body, 'data'), member(body, 'rankings')]
  const list: unknown[] = lists.find((each) => Array.isArray(each)) ?? []
  const seen = new Set<number>()
  return list
    .slice(0, documents)
    .flatMap((item: unknown, place) => {
      const index = finite(member(item, 'index') ?? (isNumber(item) ? place : undefined))
      const score = finite(member(item, 'relevance_score') ?? member(item, 'score') ?? member(item, 'logit') ?? item)
      const isDocument = index !== undefined && Number.isInteger(index) && index >= 0 && index < documents
      if (!isDocument || score === undefined || seen.has(index)) return []
      seen.add(index)
      return [{ index, score }]
    })
    .sort((a, b) => b.score - a.score)
}

function member(node: unknown, name: string): unknown {
  return typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[name] : undefined
}

function finite(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
