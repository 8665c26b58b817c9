import { number } from '../../web/words.js'
import type { Answered } from './playground.js'
import { MOST_DIMENSIONS, rankingIn, similarity, vectorsIn } from './results.js'

/** Characters of one text in a table of results. */
const LONGEST_TEXT = 200

/** How alike texts are by their vectors: a row and a column for each text that was sent, whatever came back. */
export function vectorsView({ body, ms }: Answered, texts: string[]) {
  const { vectors, returned, perToken } = vectorsIn(body, texts.length)
  const names = texts.map(shortened)
  const values = vectors.map((a) => vectors.map((b) => similarity(a, b)))
  return {
    summary: `${vectors.length} texts, ${number(vectors[0]?.length ?? 0)} numbers each, in ${number(ms)} ms`,
    notes: [
      ...(returned === texts.length ? [] : [mismatch(returned, texts.length)]),
      ...(perToken ? ['The model returned a vector for each token. Their mean is compared.'] : []),
      ...(vectors.some(({ length }) => length >= MOST_DIMENSIONS)
        ? [`Only the first ${number(MOST_DIMENSIONS)} dimensions of each vector are compared.`]
        : []),
    ],
    closest: closestOf(values, names),
    heads: vectors.map((_, index) => String(index + 1)),
    rows: values.map((row, index) => ({ number: String(index + 1), text: names[index] ?? '', cells: row.map(cellOf) })),
    first: (vectors[0] ?? [])
      .slice(0, 8)
      .map((value) => value.toFixed(4).slice(0, 24))
      .join(', '),
  }
}

function mismatch(returned: number, sent: number): string {
  const words = `The model returned ${number(returned)} vectors for ${sent} ${sent === 1 ? 'text' : 'texts'}.`
  return returned > sent ? `${words} Only the first ${sent} ${sent === 1 ? 'is' : 'are'} shown.` : words
}

function cellOf(value: number) {
  return { text: value.toFixed(2), shade: `shade-${Math.max(0, Math.min(9, Math.round(value * 9)))}` }
}

function closestOf(values: number[][], texts: string[]): string {
  const pairs = values.flatMap((row, i) => row.map((value, j) => ({ value, i, j })).slice(i + 1))
  const best = pairs.reduce<(typeof pairs)[number] | undefined>(
    (most, pair) => (most === undefined || pair.value > most.value ? pair : most),
    undefined,
  )
  return best ? `Closest: “${texts[best.i] ?? ''}” and “${texts[best.j] ?? ''}” (${best.value.toFixed(2)}).` : ''
}

/** The documents that were sent, the most relevant first. */
export function rankingView({ body, ms }: Answered, documents: string[]) {
  const ranking = rankingIn(body, documents.length)
  const most = Math.max(...ranking.map(({ score }) => Math.abs(score)), Number.EPSILON)
  return {
    summary:
      ranking.length === 0 && documents.length > 0
        ? `The answer has no scores that the portal can read (${number(ms)} ms)`
        : `${ranking.length} documents in ${number(ms)} ms`,
    rows: ranking.map(({ index, score }, place) => ({
      place: String(place + 1),
      text: shortened(documents[index] ?? ''),
      score: score.toFixed(3).slice(0, 24),
      share: String(Math.max(0, score / most)),
    })),
  }
}

function shortened(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text
}
