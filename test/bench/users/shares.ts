/** A hundred visits by their shares, each as evenly distributed as possible. */
export function evenShares<Visited extends { share: number }>(all: Visited[]): Visited[] {
  const total = all.reduce((sum, { share }) => sum + share, 0)
  const credit = all.map(() => 0)
  return Array.from({ length: total }, () => {
    // Smooth weighted round robin: the one that has waited longest for its share is next.
    all.forEach(({ share }, index) => {
      credit[index] = (credit[index] ?? 0) + share
    })
    const next = credit.indexOf(Math.max(...credit))
    credit[next] = (credit[next] ?? 0) - total
    return all[next] as Visited
  })
}
