/** Moves all times in all records into the past, as if that time had passed without a change. */
export function age(value: unknown, ms: number): void {
  if (typeof value !== 'object' || value === null) return
  const record = value as Record<string, unknown>
  for (const [name, member] of Object.entries(record)) {
    const isTime = (name === 'created_at' || name === 'updated_at') && typeof member === 'number'
    if (isTime) record[name] = member - ms
    else age(member, ms)
  }
}
