export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** `median (least-most)`. */
export function spread(values: number[], digits = 0): string {
  const text = (value: number) => value.toFixed(digits)
  return `${text(median(values))} (${text(Math.min(...values))}-${text(Math.max(...values))})`
}

/**
 * What share of the portal's time the bare server takes, round by round: what else the machine does changes from second to
 * second, and takes from both.
 */
export function ratios(bare: number[], portal: number[]): number[] {
  return portal.flatMap((time, round) => {
    const reference = bare[round]
    return reference === undefined || time === 0 ? [] : [reference / time]
  })
}

export function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
