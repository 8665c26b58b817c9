/** How each client's code is proven, written by `node dist/test/walks/snippets.test.js --write` and checked by every run. */
export const proofs: Record<string, 'run' | 'replayed' | 'parsed'> = {
  curl: 'run',
}
