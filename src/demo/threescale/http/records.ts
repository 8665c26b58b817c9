import type { Clock } from '../clock.js'

/** Writes changed values. Like in ActiveRecord, `updated_at` changes only if a value does. */
export function update<T extends { updated_at: number }>(record: T, change: Partial<T>, clock: Clock): void {
  const differs = Object.entries(change).some(
    ([name, value]) => JSON.stringify(record[name as keyof T]) !== JSON.stringify(value),
  )
  if (differs) Object.assign(record, change, { updated_at: clock.now() })
}
