import { embeddingMessages, rankingMessages } from './messages.js'
import type { JsonResponse } from './playground.js'
import { MAX_DIMENSIONS, readRanking, readVectors, similarity } from './results.js'

/** Characters of one text in a table of results. */
const MAX_TEXT_CHARACTERS = 200

/** Similarity of texts: one row and one column for each returned vector. */
export function similarityView({ body, ms }: JsonResponse, texts: string[]) {
  const { vectors, returned, perToken } = readVectors(body, texts.length)
  const names = texts.map(truncate)
  const values = vectors.map((a) => vectors.map((b) => similarity(a, b)))
  return {
    summary: embeddingMessages.summary(vectors.length, vectors[0]?.length ?? 0, ms),
    remarks: [
      ...(returned === texts.length ? [] : [embeddingMessages.countMismatch(returned, texts.length)]),
      ...(perToken ? [embeddingMessages.perToken] : []),
      ...(vectors.some(({ length }) => length >= MAX_DIMENSIONS) ? [embeddingMessages.truncated(MAX_DIMENSIONS)] : []),
    ],
    closest: closestPair(values, names),
    columnNumbers: vectors.map((_, index) => String(index + 1)),
    rows: values.map((row, index) => ({
      number: String(index + 1),
      text: names[index] ?? '',
      cells: row.map(similarityCell),
    })),
    first: (vectors[0] ?? [])
      .slice(0, 8)
      .map((value) => value.toFixed(4).slice(0, 24))
      .join(', '),
  }
}

function similarityCell(value: number) {
  return { text: value.toFixed(2), shade: `shade-${Math.max(0, Math.min(9, Math.round(value * 9)))}` }
}

function closestPair(values: number[][], texts: string[]): string {
  const pairs = values.flatMap((row, i) => row.map((value, j) => ({ value, i, j })).slice(i + 1))
  const best = pairs.reduce<(typeof pairs)[number] | undefined>(
    (best, pair) => (best === undefined || pair.value > best.value ? pair : best),
    undefined,
  )
  return best ? embeddingMessages.closest(texts[best.i] ?? '', texts[best.j] ?? '', best.value) : ''
}

/** The submitted documents, the most relevant first. */
export function rankingView({ body, ms }: JsonResponse, documents: string[]) {
  const ranking = readRanking(body, documents.length)
  const highest = Math.max(...ranking.map(({ score }) => Math.abs(score)), Number.EPSILON)
  return {
    summary:
      ranking.length === 0 && documents.length > 0
        ? rankingMessages.unreadable(ms)
        : rankingMessages.summary(ranking.length, ms),
    rows: ranking.map(({ index, score }, position) => ({
      rank: String(position + 1),
      text: truncate(documents[index] ?? ''),
      score: score.toFixed(3).slice(0, 24),
      share: String(Math.max(0, score / highest)),
    })),
  }
}

function truncate(text: string): string {
  return text.length > MAX_TEXT_CHARACTERS ? `${text.slice(0, MAX_TEXT_CHARACTERS)}…` : text
}
