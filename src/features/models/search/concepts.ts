import { searchedLanguages } from './languages.js'
import { synonyms } from './synonyms.js'
import { lowPricePhrases } from './task-synonyms.js'
import { stemsOf, stopWords, tokensOf } from './words.js'

/** A fact of models (`type:chat`), a least context length, or words that follow each other. */
export type Meaning = { tag: string } | { context: number } | { words: string[] }

export interface Concept {
  means: Meaning[]
  /** if no model has one of them, nor the words themselves */
  otherwise: Meaning[]
  /** the lowest price comes first; models need not match */
  lowPriceFirst?: boolean
}

export interface Concepts {
  /** by the stems of a phrase */
  get(stems: string): Concept | undefined
  /** phrases of one word, for corrections */
  words: string[]
}

/** Words of the longest phrase that is looked up. */
export const LONGEST_PHRASE = 4

/** `additions` are those of PORTAL_CONFIG: phrases with their meanings, which may be phrases of this table. */
export function createConcepts(additions: Record<string, string[]>, statedLanguages: Iterable<string>): Concepts {
  const concepts = new Map<string, Concept>()
  const words = new Set<string>()
  const define = (phrase: string, concept: Concept) => {
    const tokens = tokensOf(phrase)
    if (tokens.length === 1) words.add(tokens.join())
    concepts.set(stemsOf(phrase), concept)
  }
  const stated = new Set(statedLanguages)
  for (const [code, names] of searchedLanguages(stated)) {
    const means = [{ tag: `language:${code}` }, ...names.map((name) => ({ words: tokensOf(name) }))]
    const phrases = stated.has(code) && !stopWords.has(code) ? [code, ...names] : names
    for (const phrase of phrases) if (!concepts.has(stemsOf(phrase))) define(phrase, { means, otherwise: [] })
  }
  for (const { phrases, means, otherwise = [] } of synonyms) {
    const concept = { means: means.map(meaningOf), otherwise: otherwise.map(meaningOf) }
    for (const phrase of phrases) define(phrase, concept)
  }
  const lowPrice = lowPricePhrases.map((phrase) => ({ words: tokensOf(phrase) }))
  for (const phrase of lowPricePhrases) define(phrase, { means: lowPrice, otherwise: [], lowPriceFirst: true })
  for (const [phrase, meanings] of Object.entries(additions)) {
    const means = meanings.flatMap((meaning) => {
      const known = concepts.get(stemsOf(meaning))
      return known ? [...known.means, ...known.otherwise] : [meaningOf(meaning)]
    })
    define(phrase, { means, otherwise: [] })
  }
  return { get: (stems) => concepts.get(stems), words: [...words] }
}

function meaningOf(text: string): Meaning {
  const [, least] = /^context:(\d+)$/.exec(text) ?? []
  if (least !== undefined) return { context: Number(least) }
  return /^[a-z_]+:\S+$/.test(text) ? { tag: text } : { words: tokensOf(text) }
}
