import { mapInSlices } from '../../../infra/time-slices.js'
import type { Concepts, Meaning } from './concepts.js'
import type { SearchDocument } from './document.js'
import { stemOf, tokensOf, versionIn } from './words.js'

/** How much a match in a field counts. */
const NAME = 8
const IDENTIFIER = 6
const FACT = 5
const TEXT = 3

/** How much a kind of match counts. The score of a word is at most EXACT * NAME. */
const EXACT = 10
const SAME_STEM = 9
const PREFIX = 7
const INSIDE = 4
/** A meaning of a word, the best one first. */
const MEANINGS = [50, 45, 40, 35]
const MIN_INSIDE = 4

/** The documents that contain a word, and the best of its fields in each. */
interface Posting {
  documents: number[]
  fields: number[]
}

export interface WordMatch {
  /** only in names and IDs */
  inNames?: boolean
  /** also inside of words */
  inside?: boolean
}

/** One element for each document: 0, or how well it matches. */
export type Scores = Uint16Array

export interface SearchIndex {
  size: number
  concepts: Concepts
  /** Adds what contains the word, its other forms, or words that begin with it. */
  addWord(scores: Scores, word: string, how?: WordMatch): void
  /** Adds what contains the version: 3 is in 3.3, and 3.3 is not in 13.3. */
  addVersion(scores: Scores, version: string, how?: WordMatch): void
  addMeaning(scores: Scores, meaning: Meaning, rank: number): void
  /** Adds models with at least this context length, those with a similar one first. */
  addContext(scores: Scores, least: number): void
  /** Documents with this name or ID. */
  named(tokens: string[]): number[]
  /** Documents that contain the text as it is. */
  containing(text: string): number[]
  /** Words of names, IDs and facts in these documents. */
  namesIn(visible: Uint8Array): string[]
}

/** Other requests run while the documents are indexed. */
export async function createSearchIndex(documents: SearchDocument[], concepts: Concepts): Promise<SearchIndex> {
  const words = new Map<string, Posting>()
  const versions = new Map<string, Posting>()
  const byToken = new Map<string, Posting[]>()
  const byStem = new Map<string, Posting[]>()
  const tags = new Map<string, number[]>()
  const byName = new Map<string, number[]>()
  const texts: string[] = []
  let names: { word: string; documents: number[] }[] | undefined
  await mapInSlices([...documents.entries()], ([index, document]) => addDocument(document, index))
  const vocabulary = `\n${[...words.keys()].join('\n')}\n`
  const postings = [...words.values()]
  const starts = startsOf([...words.keys()])

  return { size: documents.length, concepts, addWord, addVersion, addMeaning, addContext, named, containing, namesIn }

  function addDocument({ names, facts, text, tags: own }: SearchDocument, index: number): void {
    const [name = [], ...identifiers] = names.map(tokensOf)
    const [factTokens, textTokens] = [tokensOf(facts), tokensOf(text)]
    texts[index] = `\n${[name, ...identifiers, factTokens, textTokens].map((tokens) => tokens.join(' ')).join('\n')}\n`
    addTokens(name, index, NAME)
    for (const tokens of identifiers) addTokens(tokens, index, IDENTIFIER)
    addTokens(factTokens, index, FACT)
    addTokens(textTokens, index, TEXT)
    for (const tag of own) append(tags, tag, index)
    for (const tokens of [name, ...identifiers]) append(byName, tokens.join(' '), index)
  }

  function addTokens(tokens: string[], index: number, field: number): void {
    for (const token of tokens) for (const posting of postingsOf(token)) post(posting, index, field)
  }

  /** Those of the token, and of the word and the versions in it. */
  function postingsOf(token: string): Posting[] {
    const known = byToken.get(token)
    if (known) return known
    const { word = '', version } = versionIn(token) ?? {}
    const own = [
      ...[token, word].filter(Boolean).map(postingOfWord),
      ...(version === undefined ? [] : prefixesOf(version).map((each) => postingIn(versions, each))),
    ]
    byToken.set(token, own)
    return own
  }

  function postingOfWord(word: string): Posting {
    if (!words.has(word)) append(byStem, stemOf(word), postingIn(words, word))
    return postingIn(words, word)
  }

  function addWord(scores: Scores, word: string, { inNames = false, inside = false }: WordMatch = {}): void {
    const least = inNames ? IDENTIFIER : 0
    add(scores, words.get(word), EXACT, least)
    if (/^\p{N}/u.test(word)) return
    for (const posting of byStem.get(stemOf(word)) ?? []) add(scores, posting, SAME_STEM, least)
    const part = inside && word.length >= MIN_INSIDE ? word : `\n${word}`
    let at = vocabulary.indexOf(part)
    for (let position = 0; at >= 0; position++) {
      // Words are found in ascending order, so the position of the next one is near.
      while ((starts[position + 1] ?? Number.POSITIVE_INFINITY) <= at + 1) position++
      const begins = part !== word || vocabulary[at - 1] === '\n'
      add(scores, postings[position], begins ? PREFIX : INSIDE, least)
      at = vocabulary.indexOf(part, (starts[position + 1] ?? vocabulary.length) - 1)
    }
  }

  function addVersion(scores: Scores, version: string, { inNames = false }: WordMatch = {}): void {
    add(scores, versions.get(version), EXACT, inNames ? IDENTIFIER : 0)
  }

  function addMeaning(scores: Scores, meaning: Meaning, rank: number): void {
    const score = MEANINGS[Math.min(rank, MEANINGS.length - 1)] ?? 0
    if ('tag' in meaning) for (const document of tags.get(meaning.tag) ?? []) raise(scores, document, score)
    else if ('context' in meaning) addContext(scores, meaning.context)
    else if (meaning.words.length > 1)
      for (const document of phraseIn(meaning.words)) raise(scores, document, EXACT * TEXT)
    else if (meaning.words[0] !== undefined) addWord(scores, meaning.words[0])
  }

  function addContext(scores: Scores, least: number): void {
    const [similar = 0, more = 0] = MEANINGS
    for (const [index, { contextLength }] of documents.entries())
      if (contextLength >= least) raise(scores, index, contextLength < 2 * least ? similar : more)
  }

  /** The documents that contain the words one after another. The longest word is in the fewest documents. */
  function phraseIn(phrase: string[]): number[] {
    const [longest = ''] = [...phrase].sort((a, b) => b.length - a.length)
    const candidates = words.get(longest)?.documents ?? []
    const text = phrase.join(' ')
    return candidates.filter((index) => (texts[index] ?? '').includes(text))
  }

  function named(tokens: string[]): number[] {
    return byName.get(tokens.join(' ')) ?? []
  }

  function containing(text: string): number[] {
    return [...documents.entries()].flatMap(([index, { names, text: own }]) =>
      [...names, own].some((each) => each.includes(text)) ? [index] : [],
    )
  }

  function namesIn(visible: Uint8Array): string[] {
    names ??= [...words].flatMap(([word, { documents: own, fields }]) => {
      const named = own.filter((_document, at) => (fields[at] ?? 0) >= FACT)
      return named.length > 0 ? { word, documents: named } : []
    })
    return names.flatMap(({ word, documents: own }) => (own.some((document) => visible[document] === 1) ? word : []))
  }
}

function raise(scores: Scores, document: number, score: number): void {
  if (score > (scores[document] ?? 0)) scores[document] = score
}

function add(scores: Scores, posting: Posting | undefined, quality: number, least: number): void {
  if (!posting) return
  const { documents, fields } = posting
  for (let at = 0; at < documents.length; at++) {
    const field = fields[at] ?? 0
    if (field >= least) raise(scores, documents[at] ?? 0, quality * field)
  }
}

/** Fields are added in descending order, so the first of a document is its best. */
function post({ documents, fields }: Posting, document: number, field: number): void {
  if (documents[documents.length - 1] === document) return
  documents.push(document)
  fields.push(field)
}

function postingIn(postings: Map<string, Posting>, word: string): Posting {
  const posting = postings.get(word) ?? { documents: [], fields: [] }
  postings.set(word, posting)
  return posting
}

/** Appends what is not the last element already. */
function append<T>(to: Map<string, T[]>, key: string, element: T): void {
  const list = to.get(key)
  if (!list) to.set(key, [element])
  else if (list.at(-1) !== element) list.push(element)
}

/** `3.3.1` is also 3.3 and 3. */
function prefixesOf(version: string): string[] {
  const parts = version.split('.')
  return parts.map((_part, at) => parts.slice(0, at + 1).join('.'))
}

function startsOf(words: string[]): Uint32Array {
  const starts = new Uint32Array(words.length)
  let start = 1
  for (const [position, word] of words.entries()) {
    starts[position] = start
    start += word.length + 1
  }
  return starts
}
