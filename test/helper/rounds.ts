/** `TEST_ROUNDS=20 npm test` repeats tests of random input and of races twenty times as often, for a nightly run. */
const factor = Number(process.env.TEST_ROUNDS ?? 1)

export function rounds(count: number): number {
  return Math.ceil(count * factor)
}
