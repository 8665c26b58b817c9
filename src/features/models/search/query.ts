import { type Concept, type Concepts, LONGEST_PHRASE } from './concepts.js'
import { stemOf, stopWords, tokensOf, versionIn, weakWords } from './words.js'

/** Longer queries are sentences, whose first words suffice. */
const MAX_TOKENS = 40
const MAX_CLAUSES = 12

/** One part of a query. Models have to match each that is not optional. */
export type Clause = { text: string; optional: boolean } & (
  | { kind: 'word'; word: string; concept: Concept | undefined }
  | { kind: 'phrase'; words: string[]; concept: Concept }
  /** `after` is the word before it, which it may be the version of */
  | { kind: 'version'; version: string; after: string | undefined }
  /** a context length, such as 128k or 131072 */
  | { kind: 'length'; word: string; least: number }
)

export interface Query {
  tokens: string[]
  /** none in a query of nothing but stop words, which every model matches */
  clauses: Clause[]
  lowPriceFirst: boolean
}

export function parseQuery(q: string, concepts: Concepts): Query {
  const tokens = tokensOf(q).slice(0, MAX_TOKENS)
  const clauses = clausesIn(tokens, concepts)
  const lowPriceFirst = clauses.some((clause) => 'concept' in clause && clause.concept?.lowPriceFirst === true)
  return { tokens, clauses: clauses.slice(0, MAX_CLAUSES), lowPriceFirst }
}

function clausesIn(tokens: string[], concepts: Concepts): Clause[] {
  const clauses: Clause[] = []
  const stems = tokens.map(stemOf)
  let before: string | undefined
  for (let at = 0; at < tokens.length; ) {
    const phrase = longestPhrase(stems, at, concepts)
    if (phrase) {
      const words = tokens.slice(at, at + phrase.length)
      const optional = phrase.concept.lowPriceFirst === true
      clauses.push({ kind: 'phrase', text: words.join(' '), words, concept: phrase.concept, optional })
      before = undefined
      at += phrase.length
      continue
    }
    const own = clausesOf(tokens[at] ?? '', before, concepts)
    clauses.push(...own)
    before = own.find(({ kind }) => kind === 'word')?.text
    at++
  }
  return withoutRepetition(clauses)
}

function longestPhrase(stems: string[], at: number, concepts: Concepts) {
  for (let length = Math.min(LONGEST_PHRASE, stems.length - at); length > 1; length--) {
    const concept = concepts.get(stems.slice(at, at + length).join(' '))
    if (concept) return { concept, length }
  }
  return undefined
}

function clausesOf(token: string, before: string | undefined, concepts: Concepts): Clause[] {
  if (stopWords.has(token)) return []
  const least = lengthIn(token)
  if (least !== undefined) return [{ kind: 'length', text: token, word: token, least, optional: false }]
  const { word, version } = versionIn(token) ?? { word: token, version: undefined }
  const clauses: Clause[] = word ? [wordClause(word, concepts)] : []
  if (version !== undefined)
    clauses.push({ kind: 'version', text: token, version, after: word || before, optional: false })
  return clauses
}

/** Numbers below 1,000 are versions. */
function lengthIn(token: string): number | undefined {
  const [, amount = '', unit] = /^(\d+(?:\.\d+)?)([km]?)$/.exec(token) ?? []
  const least = Number(amount) * (unit === 'k' ? 1000 : unit === 'm' ? 1_000_000 : 1)
  return unit || least >= 1000 ? least : undefined
}

export function wordClause(word: string, concepts: Concepts): Clause {
  const concept = concepts.get(stemOf(word))
  const optional = weakWords.has(word) || concept?.lowPriceFirst === true
  return { kind: 'word', text: word, word, concept, optional }
}

function withoutRepetition(clauses: Clause[]): Clause[] {
  const seen = new Set<string>()
  return clauses.filter(({ kind, text }) => !seen.has(`${kind} ${text}`) && seen.add(`${kind} ${text}`))
}
