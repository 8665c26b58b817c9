import leven from 'leven'

const MIN_LENGTH = 4
const MAX_LENGTH = 40

/** The word that was probably meant: one character differs, or two of a long word, or adjacent characters are swapped. */
export function correctionOf(word: string, candidates: Iterable<string>): string | undefined {
  const allowed = word.length >= 8 ? 2 : 1
  // A short word with another character is another word.
  return closest(word, candidates, (candidate, distance) =>
    isSwapped(word, candidate)
      ? 1
      : distance(allowed) <= allowed && (word.length > MIN_LENGTH || candidate.length !== word.length)
        ? distance(allowed)
        : undefined,
  )
}

/** A similar word to propose: half of the characters may differ, but not the first one. */
export function suggestionFor(word: string, candidates: Iterable<string>): string | undefined {
  const allowed = Math.floor(word.length / 2)
  return closest(word, candidates, (candidate, distance) =>
    candidate[0] === word[0] && distance(allowed) <= allowed ? distance(allowed) : undefined,
  )
}

function closest(
  word: string,
  candidates: Iterable<string>,
  rate: (candidate: string, distance: (allowed: number) => number) => number | undefined,
): string | undefined {
  if (word.length < MIN_LENGTH || word.length > MAX_LENGTH || !/^\p{L}+$/u.test(word)) return undefined
  const characters = charactersOf(word)
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const rating = rate(candidate, (allowed) => {
      const different = Math.abs(candidate.length - word.length)
      if (different > allowed || countBits(characters ^ charactersOf(candidate)) > 2 * allowed) return allowed + 1
      return leven(word, candidate, { maxDistance: allowed + 1 })
    })
    if (rating === undefined || rating >= least) continue
    best = candidate
    least = rating
  }
  return best
}

function isSwapped(word: string, candidate: string): boolean {
  if (word.length !== candidate.length || word === candidate) return false
  let at = 0
  while (word[at] === candidate[at]) at++
  return (
    word[at] === candidate[at + 1] && word[at + 1] === candidate[at] && word.slice(at + 2) === candidate.slice(at + 2)
  )
}

/** A bit for each character: texts at a distance of 1 differ in two bits at most. */
function charactersOf(word: string): number {
  let characters = 0
  for (let at = 0; at < word.length; at++) characters |= 1 << (word.charCodeAt(at) % 32)
  return characters
}

function countBits(bits: number): number {
  let count = 0
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++
  return count
}
