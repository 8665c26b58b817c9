import { LRUCache } from 'lru-cache'
import { FixedOffsetZone, IANAZone, type Zone } from 'luxon'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const BLOCK_DAYS = 64
/** Offsets at the starts of 64 days each, of all zones together: about 1 MB. */
const MAX_BLOCKS = 5000
const UNKNOWN = 32_767

const blocks = new LRUCache<string, Int16Array>({ max: MAX_BLOCKS })
const zones = new Map<string, Zone>([['UTC', FixedOffsetZone.utcInstance]])

/**
 * The zone for calculations with luxon, by canonical name. Its offsets are cached, because luxon formats and parses a date for each
 * offset that it looks up.
 */
export function zoneNamed(name: string): Zone {
  const known = zones.get(name)
  if (known) return known
  const zone = new CachedZone(name)
  zones.set(name, zone)
  return zone
}

/**
 * The first moment of a day in the zone, also if the clocks skip or repeat its midnight. `date` is its midnight in UTC. Without luxon,
 * whose calculations take much longer, because a range has hundreds of days.
 */
export function startOfDay(zoneName: string, date: number): number {
  const zone = zoneNamed(zoneName)
  const before = zone.offset(date - DAY_MS)
  const first = date - before * MINUTE_MS
  if (zone.offset(first) === before) return first
  const after = zone.offset(date + DAY_MS)
  const second = date - after * MINUTE_MS
  return zone.offset(second) === after ? second : first
}

/** A subclass, because luxon accepts no other form of zone. */
class CachedZone extends IANAZone {
  #latestBlock = Number.NaN
  #latestOffsets: Int16Array = new Int16Array(0)

  /** A zone does not change its offset twice within a day of UTC, so equal offsets at both ends are valid in between. */
  override offset(at: number): number {
    const day = Math.floor(at / DAY_MS)
    const start = this.#offsetAtStart(day)
    return start === this.#offsetAtStart(day + 1) ? start : super.offset(at)
  }

  /** NaN if it is no whole number of minutes, as before 1972. */
  #offsetAtStart(day: number): number {
    const block = Math.floor(day / BLOCK_DAYS)
    const offsets = block === this.#latestBlock ? this.#latestOffsets : this.#offsetsIn(block)
    const index = day - block * BLOCK_DAYS
    const cached = offsets[index] ?? UNKNOWN
    if (cached !== UNKNOWN) return cached
    const offset = super.offset(day * DAY_MS)
    if (!Number.isInteger(offset)) return Number.NaN
    offsets[index] = offset
    return offset
  }

  #offsetsIn(block: number): Int16Array {
    const key = `${this.name} ${block}`
    const offsets = blocks.get(key) ?? new Int16Array(BLOCK_DAYS).fill(UNKNOWN)
    blocks.set(key, offsets)
    this.#latestBlock = block
    this.#latestOffsets = offsets
    return offsets
  }
}
