import type { Concept } from './concepts.js'
import { correctionOf, suggestionFor } from './corrections.js'
import { type Clause, parseQuery, type Query, wordClause } from './query.js'
import type { Scores, SearchIndex } from './search-index.js'
import { stopWords } from './words.js'

export interface Search {
  /** one element for each document: 0, or how well it matches */
  scores: Scores
  lowPriceFirst: boolean
  /** words that no model matches, while it matches others */
  ignored: string[]
  corrections: { from: string; to: string }[]
  /** no model matches every word as it was entered */
  approximate: boolean
  /** similar words, if no model matches */
  suggestions: string[]
}

/** A model with exactly the name that was entered comes first. */
const NAMED = 2000
/** Comparing a word with all others takes longer than finding it. */
const MAX_CORRECTED = 4
const MAX_SUGGESTIONS = 3

interface Match {
  clause: Clause
  scores: Scores
  count: number
  correction?: { from: string; to: string }
}

/**
 * Finds what a query means in the documents that are `visible` (1 for each). Documents that match every part of the query are found;
 * if there are none, those that match the most. Nothing depends on documents that are not visible: neither corrections nor suggestions.
 */
export function search(index: SearchIndex, q: string, visible: Uint8Array): Search {
  const query = parseQuery(q, index.concepts)
  if (query.tokens.length === 0) return literally(index, q, visible)
  const matches = matchAll(index, query.clauses, visible)
  const found = matches.filter(({ count }) => count > 0)
  const missing = matches.filter(({ clause, count }) => count === 0 && !clause.optional)
  const obligatory = found.filter(({ clause }) => !clause.optional)
  const required = obligatory.length > 0 ? obligatory : found.filter(({ clause }) => !isPrice(clause))
  const combined = combine(
    visible,
    found,
    required,
    missing.length === 0 && (query.lowPriceFirst || query.clauses.length === 0),
  )
  const count = combined.count + raiseNamed(index, query, visible, combined.scores)
  const corrections = found.flatMap(({ correction }) => correction ?? [])
  return {
    scores: combined.scores,
    lowPriceFirst: query.lowPriceFirst,
    ignored: count > 0 ? missing.map(({ clause }) => clause.text) : [],
    corrections: count > 0 ? corrections : [],
    approximate: count > 0 && (!combined.isComplete || missing.length > 0 || corrections.length > 0),
    suggestions: count > 0 ? [] : suggestionsFor(index, missing, visible),
  }
}

/** For a query without words. */
function literally(index: SearchIndex, q: string, visible: Uint8Array): Search {
  const scores = new Uint16Array(index.size)
  for (const document of index.containing(q.trim())) if (visible[document]) scores[document] = 1
  return { scores, lowPriceFirst: false, ignored: [], corrections: [], approximate: false, suggestions: [] }
}

function matchAll(index: SearchIndex, clauses: Clause[], visible: Uint8Array): Match[] {
  const versioned = new Set(
    clauses.flatMap((clause) =>
      clause.kind === 'version' && clause.after !== undefined && isNamed(clause.after) ? clause.after : [],
    ),
  )
  let corrected = 0
  let names: string[] | undefined
  return clauses.flatMap((clause) => {
    const match = matchOf(clause)
    if (match.count > 0) return match
    if (clause.kind === 'phrase' && !clause.optional)
      return clause.words
        .filter((word) => !stopWords.has(word))
        .map((word) => matchOf(wordClause(word, index.concepts)))
    if (clause.kind !== 'word' || clause.optional || corrected++ >= MAX_CORRECTED) return match
    const to = correctionOf(clause.word, candidates())
    if (to === undefined) return match
    const { scores, count } = matchOf(wordClause(to, index.concepts))
    return { clause, scores, count, correction: { from: clause.word, to } }
  })

  function candidates(): string[] {
    names ??= [...index.namesIn(visible), ...index.concepts.words]
    return names
  }

  function isNamed(word: string): boolean {
    const scores = new Uint16Array(index.size)
    index.addWord(scores, word, { inNames: true, inside: true })
    return restrict(scores, visible) > 0
  }

  function matchOf(clause: Clause): Match {
    const scores = new Uint16Array(index.size)
    if (clause.kind === 'word') {
      const inNames = versioned.has(clause.word)
      index.addWord(scores, clause.word, { inNames, inside: !clause.concept })
      if (!inNames) addConcept(scores, clause.concept)
    } else if (clause.kind === 'phrase') {
      index.addMeaning(scores, { words: clause.words }, 0)
      addConcept(scores, clause.concept)
    } else if (clause.kind === 'length') {
      index.addWord(scores, clause.word)
      index.addVersion(scores, clause.word)
      index.addContext(scores, clause.least)
    } else addVersion(scores, clause)
    return { clause, scores, count: restrict(scores, visible) }
  }

  function addConcept(scores: Scores, concept: Concept | undefined): void {
    if (!concept) return
    for (const [rank, meaning] of concept.means.entries()) index.addMeaning(scores, meaning, rank)
    if (restrict(scores, visible) > 0) return
    for (const [rank, meaning] of concept.otherwise.entries()) index.addMeaning(scores, meaning, rank)
  }

  /** The version of a named model is in the same name. */
  function addVersion(scores: Scores, { version, after }: Clause & { kind: 'version' }): void {
    const inNames = after !== undefined && versioned.has(after)
    index.addVersion(scores, version, { inNames })
    if (!inNames) return
    const named = new Uint16Array(index.size)
    index.addWord(named, after, { inNames, inside: true })
    restrict(scores, named)
  }
}

/** Removes what is 0 in the other array, and returns how many remain. */
function restrict(scores: Scores, to: ArrayLike<number>): number {
  let count = 0
  for (let document = 0; document < scores.length; document++) {
    if (to[document] === 0) scores[document] = 0
    else if (scores[document] !== 0) count++
  }
  return count
}

/** The documents that match the most of what is required, or all documents if nothing is and `everything` is true. */
function combine(visible: Uint8Array, found: Match[], required: Match[], everything: boolean) {
  const scores = new Uint16Array(visible.length)
  const matched = new Uint8Array(visible.length)
  if (required.length === 0 && !everything) return { scores, count: 0, isComplete: false }
  for (const { scores: own } of required)
    for (let document = 0; document < own.length; document++)
      if (own[document] !== 0) matched[document] = (matched[document] ?? 0) + 1
  const most = matched.reduce((highest, each) => Math.max(highest, each), 0)
  let count = 0
  for (let document = 0; document < scores.length; document++) {
    if (visible[document] === 0 || matched[document] !== most) continue
    count++
    scores[document] = 1
  }
  for (const { scores: own } of found)
    for (let document = 0; document < own.length; document++)
      if (scores[document] !== 0) scores[document] = (scores[document] ?? 0) + (own[document] ?? 0)
  return { scores, count, isComplete: most === required.length }
}

/** Returns how many were not found otherwise. */
function raiseNamed(index: SearchIndex, { tokens }: Query, visible: Uint8Array, scores: Scores): number {
  const named = index.named(tokens).filter((document) => visible[document] === 1)
  const added = named.filter((document) => scores[document] === 0).length
  for (const document of named) scores[document] = (scores[document] ?? 0) + NAMED
  return added
}

function isPrice(clause: Clause): boolean {
  return 'concept' in clause && clause.concept?.lowPriceFirst === true
}

function suggestionsFor(index: SearchIndex, missing: Match[], visible: Uint8Array): string[] {
  const names = index.namesIn(visible)
  const words = missing.slice(0, MAX_SUGGESTIONS).flatMap(({ clause }) => suggestionFor(clause.text, names) ?? [])
  return [...new Set(words)]
}
