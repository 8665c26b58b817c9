import { DateTime, IANAZone } from 'luxon'
import t from 'tap'
import { formatClock } from '../../../../src/features/usage/time-range/format.js'
import { zoneNamed } from '../../../../src/features/usage/time-range/zone-offsets.js'
import { rounds } from '../../../helper/rounds.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const at = (time: string) => Date.parse(time)
/** FUZZ_SEED repeats a run. */
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
let state = seed
const allZones = ['UTC', ...Intl.supportedValuesOf('timeZone')]

t.test('cached offsets equal those of luxon and Intl, for every zone and around every change', async (t) => {
  for (const name of allZones) {
    const zone = zoneNamed(name)
    const plain = new IANAZone(name)
    const first = at('2000-01-01T00:00:00Z')
    const wrong: string[] = []
    const check = (time: number) => {
      if (zone.offset(time) !== plain.offset(time)) wrong.push(new Date(time).toISOString())
    }
    for (let round = 0; round < rounds(40); round++) check(first + Math.floor(random() * 60 * 365 * DAY))
    // The hours of each change of 2026 and 2027, and the minutes around one.
    for (let time = at('2026-01-01T00:00:00Z'); time < at('2028-01-01T00:00:00Z'); time += 7 * DAY) {
      if (plain.offset(time) === plain.offset(time + 7 * DAY)) continue
      for (let hour = 0; hour < 7 * 24; hour += 3) check(time + hour * HOUR + 29 * MINUTE)
    }
    t.same(wrong, [], `${name}, FUZZ_SEED=${seed}`)
  }
})

t.test('calendar units of a cached zone are those of luxon', async (t) => {
  const wrong: string[] = []
  for (let round = 0; round < rounds(3000); round++) {
    const name = allZones[Math.floor(random() * allZones.length)] ?? 'UTC'
    const time = at('2000-01-01T00:00:00Z') + Math.floor(random() * 100 * 365 * DAY)
    const [cached, plain] = [zoneNamed(name), name].map((zone) => DateTime.fromMillis(time, { zone }))
    for (const unit of ['day', 'month', 'year'] as const)
      if (cached?.startOf(unit).toMillis() !== plain?.startOf(unit).toMillis()) wrong.push(`${name} ${time} ${unit}`)
    if (cached?.plus({ days: 1 }).toMillis() !== plain?.plus({ days: 1 }).toMillis()) wrong.push(`${name} ${time} plus`)
    if (plain?.toFormat('HH:mm:ss') !== formatClock(time, name)) wrong.push(`${name} ${time} text`)
  }
  t.same(wrong, [], `FUZZ_SEED=${seed}`)
})

/** A number from 0 up to 1 (mulberry32). */
function random(): number {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}
