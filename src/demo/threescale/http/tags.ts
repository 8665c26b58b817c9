import { createHash } from 'node:crypto'
import type { Call } from './router.js'

interface Row {
  id?: number
  updated_at?: number
  created_at?: number
}

/**
 * ETags as porta generates them. A list's covers its rows' ids and times: it changes with them, and not with what else the body
 * shows. On MySQL these times are whole seconds (porta, db/schema.rb), so a row's second change within one is not seen. A single
 * record's does not depend on the record at all: with it every later request is answered 304.
 */
export function listTag(rows: readonly Row[], { database }: Pick<Call, 'database'>): string {
  const unit = database === 'mysql' ? 1000 : 1
  const timeOf = ({ updated_at, created_at }: Row) => Math.floor((updated_at ?? created_at ?? 0) / unit)
  return tag(rows.map((row) => `${row.id}-${timeOf(row)}`).join(','))
}

export function recordTag({ host }: Call): string {
  return tag(`record of ${host}`)
}

function tag(text: string): string {
  return `W/"${createHash('sha256').update(text).digest('hex').slice(0, 32)}"`
}
