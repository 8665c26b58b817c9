import { time } from '../clock.js'
import type { Call } from '../http/router.js'
import type { Stamped, State } from '../store.js'

export type Json = Record<string, unknown>

/** The context of a representation: the other records, and the host and time zone of the tenant. */
export interface View {
  state: State
  host: string
}

export function viewOf({ state, host }: Call): View {
  return { state, host }
}

export function at(instant: number, { state }: View): string {
  return time(instant, state.zone)
}

export function stamps({ created_at, updated_at }: Stamped, view: View): Json {
  return { created_at: at(created_at, view), updated_at: at(updated_at, view) }
}

/** Links have https, no port and no extension. */
export function href({ host }: View, path: string): string {
  return `https://${host}/admin/api${path}`
}

/** porta's JSON representers leave nulls out. */
export function filled(values: Json): Json {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null))
}
