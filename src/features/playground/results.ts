import type { ResponseEvent } from '../../model-calls/responses/response-reader.js'
import type { TokenUsage } from '../../model-calls/responses/token-usage.js'

/** Parses responses into text and numbers that a page can show. Values of unexpected types are left out. */

export interface ModelAnswer {
  text: string
  reasoning: string
  /** finish reason of the model server; may be empty */
  finish: string
  /** message about an unusual end; empty otherwise */
  notice: string
  /** true: only the first LONGEST_SAID characters are there */
  isTruncated: boolean
  promptTokens: number | undefined
  completionTokens: number | undefined
  reasoningTokens: number | undefined
}

/** Characters of an answer that are shown. */
export const MAX_ANSWER_CHARACTERS = 100_000
/** Dimensions of a vector that are compared; the largest public models have 4,096. */
export const MAX_DIMENSIONS = 8192

/** A whole answer, joined from its events. `failure` states why there is none, and is empty otherwise. */
export async function collectAnswer(
  answer: AsyncIterable<ResponseEvent[]>,
): Promise<ModelAnswer & { failure: string }> {
  const content = { text: '', reasoning: '', finish: '', notice: '', failure: '' }
  let usage: TokenUsage | undefined
  let size = 0
  for await (const events of answer)
    for (const event of events) {
      if (event.kind === 'delta') {
        size = Math.max(
          size,
          content.text.length + event.text.length,
          content.reasoning.length + event.reasoning.length,
        )
        content.text = (content.text + event.text).slice(0, MAX_ANSWER_CHARACTERS)
        content.reasoning = (content.reasoning + event.reasoning).slice(0, MAX_ANSWER_CHARACTERS)
      } else if (event.kind === 'reclassify') {
        size = Math.max(size, content.reasoning.length + content.text.length)
        content.reasoning = (content.reasoning + content.text).slice(0, MAX_ANSWER_CHARACTERS)
        content.text = ''
      } else if (event.kind === 'usage') usage = event.usage
      else if (event.kind === 'failure') content.failure = event.message
      else if (event.kind === 'finish') Object.assign(content, { finish: event.reason, notice: event.message })
    }
  return {
    ...content,
    isTruncated: size > MAX_ANSWER_CHARACTERS,
    promptTokens: usage?.prompt_tokens ?? undefined,
    completionTokens: usage?.completion_tokens ?? undefined,
    reasoningTokens: usage?.reasoning_tokens ?? undefined,
  }
}

/** Vectors of a response. `perToken`: the model returned one vector per token, of which the mean is used. */
export interface EmbeddingVectors {
  vectors: number[][]
  /** number of vectors in the response */
  returned: number
  perToken: boolean
}

/**
 * Vectors in the order of the texts, at most `most`, each of at most MOST_DIMENSIONS numbers. Reads the answers of OpenAI's
 * `/embeddings` (numbers or base64), TEI's `/embed` and `/embed_all` (a list), Ollama's and Cohere's (`embeddings`), llama.cpp's
 * `/embedding` and vLLM's `/pooling`.
 */
export function readVectors(body: unknown, most: number): EmbeddingVectors {
  const list = findVectorList(body)
  const read = list
    .slice(0, most)
    .map((item: unknown, position) => ({ index: finite(member(item, 'index')) ?? position, ...readNumbers(item) }))
    .sort((a, b) => a.index - b.index)
  return {
    vectors: read.map(({ numbers }) => numbers),
    returned: list.length,
    perToken: read.some(({ isMean }) => isMean),
  }
}

function findVectorList(body: unknown): unknown[] {
  if (Array.isArray(body)) return body.length > 0 && body.every(isNumber) ? [body] : body
  const embeddings = member(body, 'embeddings')
  const single = member(body, 'embedding')
  const lists = [member(body, 'data'), embeddings, member(embeddings, 'float'), member(embeddings, 'base64')]
  return lists.find((list) => Array.isArray(list)) ?? (single === undefined ? [] : [single])
}

/** Plain numbers, base64 of 32-bit floats (OpenAI), or one vector per token. */
function readNumbers(item: unknown): { numbers: number[]; isMean: boolean } {
  const named = ['embedding', 'values', 'data'].map((name) => member(item, name))
  const vector = Array.isArray(item) ? item : (named.find((value) => value !== undefined) ?? item)
  if (typeof vector === 'string') return { numbers: decodeFloats(vector), isMean: false }
  if (!Array.isArray(vector)) return { numbers: [], isMean: false }
  const rows = vector.filter((row: unknown): row is unknown[] => Array.isArray(row))
  if (rows.length > 0) return { numbers: meanVector(rows.map(finiteNumbers)), isMean: rows.length > 1 }
  return { numbers: finiteNumbers(vector), isMean: false }
}

function finiteNumbers(vector: unknown[]): number[] {
  return vector.slice(0, MAX_DIMENSIONS).map((value) => finite(value) ?? 0)
}

/** Little-endian, as in OpenAI's clients. */
function decodeFloats(base64: string): number[] {
  const bytes = Buffer.from(base64.slice(0, Math.ceil((MAX_DIMENSIONS * 4 * 4) / 3)), 'base64')
  const length = Math.min(MAX_DIMENSIONS, Math.floor(bytes.length / 4))
  return Array.from({ length }, (_, index) => finite(bytes.readFloatLE(index * 4)) ?? 0)
}

function meanVector(rows: number[][]): number[] {
  return (rows[0] ?? []).map((_, column) => rows.reduce((sum, row) => sum + (row[column] ?? 0) / rows.length, 0))
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number'
}

/** Cosine similarity: 1 for identical direction, 0 for orthogonal vectors. */
export function similarity(a: number[], b: number[]): number {
  // Scaling avoids overflow and underflow of the squares.
  const [scaleA, scaleB] = [largestMagnitude(a), largestMagnitude(b)]
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

function largestMagnitude(vector: number[]): number {
  let largest = 0
  for (const value of vector) largest = Math.max(largest, Math.abs(value))
  return largest
}

/**
 * Scores of a response, best first, at most one per document. Reads responses of Cohere, Jina and vLLM (`results`),
 * TEI's (a list), those of vLLM's `/score`, Voyage and Mixedbread (`data`), and NVIDIA's (`rankings`).
 */
export function readRanking(body: unknown, documents: number): { index: number; score: number }[] {
  const lists = [body, member(body, 'results'), member(body, 'data'), member(body, 'rankings')]
  const list: unknown[] = lists.find((each) => Array.isArray(each)) ?? []
  const seen = new Set<number>()
  return list
    .slice(0, documents)
    .flatMap((item: unknown, position) => {
      const index = finite(member(item, 'index') ?? (isNumber(item) ? position : undefined))
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
