import { createHash } from 'node:crypto'

const NUMBERS = 32

/** Texts that share words or parts of words have similar vectors, which is sufficient for a demonstration. */
export function vectorOf(text: string): number[] {
  const vector = Array.from({ length: NUMBERS }, () => 0)
  for (const piece of piecesOf(text)) {
    const index = (createHash('sha256').update(piece).digest()[0] ?? 0) % NUMBERS
    vector[index] = (vector[index] ?? 0) + 1
  }
  const length = Math.hypot(...vector) || 1
  return vector.map((value) => Math.round((value / length) * 10_000) / 10_000)
}

/** 0 nothing in common, 1 the same words. */
export function likeness(one: string, other: string): number {
  const [a, b] = [piecesOf(one), piecesOf(other)]
  const both = [...a].filter((piece) => b.has(piece)).length
  return both === 0 ? 0 : both / Math.sqrt(a.size * b.size)
}

/** Words, and every three consecutive characters of each. */
function piecesOf(text: string): Set<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  return new Set(
    words.flatMap((word) => [word, ...Array.from({ length: word.length }, (_, at) => `^${word}$`.slice(at, at + 3))]),
  )
}
