import type { Stack } from '../helper/stack.js'

const HOUR = 3_600_000
const DAYS = 30

/** A month of usage: more by day than by night, less at weekends, and the more the earlier an application is in the list. */
export async function addUsage(stack: Stack, paths: string[]): Promise<void> {
  const rows = paths.flatMap((path, index) => {
    const application = Number(path.split('/').pop())
    return Array.from({ length: DAYS * 24 }, (_, hours) => {
      const at = new Date(Date.now() - hours * HOUR)
      const calls = callsAt(at, index)
      return [
        { application, metric: 'hits', at: at.toISOString(), amount: calls },
        { application, metric: 'total_tokens', at: at.toISOString(), amount: calls * (180 + 40 * index) },
      ]
    }).flat()
  })
  for (let start = 0; start < rows.length; start += 2000) {
    const { status } = await fetch(`${stack.threescale}/_demo/usage`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(rows.slice(start, start + 2000).filter(({ amount }) => amount > 0)),
    })
    if (status !== 201) throw new Error(`usage: ${status}`)
  }
}

function callsAt(at: Date, index: number): number {
  const isWeekend = at.getUTCDay() % 6 === 0
  const ofDay = Math.max(0, Math.sin(((at.getUTCHours() - 6) / 14) * Math.PI))
  const ofDate = 1 + 0.35 * Math.sin(at.getUTCDate() * (1.7 + index))
  return Math.round(((isWeekend ? 3 : 14) * ofDay * ofDate) / (index + 1))
}
