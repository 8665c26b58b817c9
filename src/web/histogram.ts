import type { Metric, Registry } from 'prom-client'

export interface HistogramOptions {
  name: string
  help: string
  /** upper bounds, least first */
  buckets: readonly number[]
  registry: Registry
}

type Labels = Record<string, string>
export type Observe = (value: number) => void

/**
 * A histogram of prom-client's registry whose lines are looked up once and then kept by who observes: prom-client's own
 * looks for the labels at every observation, which is a tenth of what a repeated answer costs.
 */
export function createHistogram({ name, help, buckets, registry }: HistogramOptions) {
  const lines = new Map<string, { labels: Labels; counts: number[]; sum: number }>()
  // what a registry asks of a metric; its type wants all that a metric can do
  registry.registerMetric({ name, get: async () => state() } as unknown as Metric)

  /** Observes on the line with these labels, given always in the same order. */
  return function line(labels: Labels): Observe {
    const key = JSON.stringify(labels)
    const known = lines.get(key) ?? { labels, counts: new Array<number>(buckets.length + 1).fill(0), sum: 0 }
    lines.set(key, known)
    const { counts } = known
    return (value) => {
      known.sum += value
      let bucket = 0
      while (bucket < buckets.length && value > (buckets[bucket] ?? 0)) bucket++
      counts[bucket] = (counts[bucket] ?? 0) + 1
    }
  }

  function state() {
    const values = [...lines.values()].flatMap(({ labels, counts, sum }) => {
      let count = 0
      const below = counts.map((each, index) => {
        count += each
        return { metricName: `${name}_bucket`, labels: { le: buckets[index] ?? '+Inf', ...labels }, value: count }
      })
      return [
        ...below,
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: count },
      ]
    })
    return { name, help, type: 'histogram', aggregator: 'sum', values }
  }
}
