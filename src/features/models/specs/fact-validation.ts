/** An id that a client can send: text of one line. */
export function validModelId(value: unknown): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is refused
  return typeof value === 'string' && /^[^\x00-\x1f\x7f]{1,255}$/.test(value) && value.trim() === value
    ? value
    : undefined
}

export function validContextLength(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 1_000_000_000 ? value : undefined
}
