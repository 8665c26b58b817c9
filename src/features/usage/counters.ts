import type { Cache } from '../../clients/cache.js'
import type { Gate } from '../../clients/gate.js'
import type { Threescale, UsageValues } from '../../clients/threescale/nouns.js'
import { isProblem } from '../../errors.js'
import { inTime } from './patience.js'
import { type Counted, createTally, type Need, startsOf, type Tally, type Window, windowsFor } from './windows.js'

export interface CountersDeps {
  threescale: Pick<Threescale, 'readUsage' | 'readTenantZone'>
  cache: Cache
  gate: Gate
}

export interface Read {
  tally: Tally
  /** what 3scale did not tell; the rest is complete */
  failed: { window: Window; error: unknown }[]
  /** calls to 3scale that this takes when nothing of it is kept */
  calls: number
}

export type Counters = ReturnType<typeof createCounters>

/** How long an answer is kept. Short: people look here just after a call. */
export const KEPT_SECONDS = 15
const WORKERS = 4
const DAY_SECONDS = 86_400

/**
 * Numbers of 3scale: one call a metric and window, as many at a time as the gate lets through whoever asks, kept for some
 * seconds under the account and the application. What is not answered in time is named, never guessed.
 */
export function createCounters({ threescale, cache, gate }: CountersDeps) {
  const kept = cache.cached<UsageValues>(
    'usage',
    // an old copy is never given: a number that looks current must be
    { fresh: KEPT_SECONDS, keep: KEPT_SECONDS, size: 500 },
    (key) => gate(() => ask(key)),
  )
  let witness: number | undefined
  const zones = cache.cached<string>('tenant-zone', { fresh: DAY_SECONDS, keep: 30 * DAY_SECONDS }, () =>
    gate(() => threescale.readTenantZone(witness ?? 0)),
  )

  return {
    /** Reads what the needs ask for until the deadline (ms of Date.now); what is late goes on and is kept for the next time. */
    async read(accountId: number, needs: Need[], deadline: number): Promise<Read> {
      const windows = windowsFor(needs)
      const counted: Counted[] = []
      const failed: Read['failed'] = []
      const queue = [...windows]
      await Promise.all(Array.from({ length: WORKERS }, work))
      return { tally: createTally(counted), failed, calls: windows.length }

      async function work(): Promise<void> {
        for (let window = queue.shift(); window; window = queue.shift()) {
          try {
            counted.push(await inTime(deadline, () => one(window)))
          } catch (error) {
            failed.push({ window, error })
          }
        }
      }

      async function one(window: Window): Promise<Counted> {
        const { application, metric, source, from, to } = window
        const { value } = await kept.get(JSON.stringify([accountId, application, metric, source, from, to]))
        const starts = startsOf(source, Date.parse(value.since), value.values.length)
        return { window, starts, values: value.values }
      }
    },

    /** The tenant's own zone, asked once a day with any application of the caller's; undefined where it cannot be read. */
    async tenantZone(application: number | undefined, deadline: number): Promise<string | undefined> {
      witness = application ?? witness
      if (witness === undefined) return undefined
      try {
        return (await inTime(deadline, () => zones.get('zone'))).value || undefined
      } catch (error) {
        if (isProblem(error)) return undefined
        throw error
      }
    },
  }

  async function ask(key: string): Promise<UsageValues> {
    const [accountId, application, metric, granularity, from, to] = JSON.parse(key) as [
      number,
      number,
      string,
      Window['source'],
      number,
      number,
    ]
    const ends = granularity === 'eternity' ? {} : { since: iso(from), until: iso(to - 1000) }
    return threescale.readUsage(accountId, application, { metric, granularity, ...ends })
  }
}

function iso(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z')
}
