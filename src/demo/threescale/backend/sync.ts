import { setTimeout as sleep } from 'node:timers/promises'
import type { Behaviour } from '../behaviour.js'
import { answers, Refusal } from '../http/responses.js'
import { rowWith } from '../row-index.js'
import type { Application, BackendState, State } from '../store.js'

/**
 * What porta writes to its backend, apisonator. A write is one call that is never repeated: while the backend is stopped it
 * fails after the row is stored, the request is answered 500, and the backend never learns of it. Deletions are jobs that are
 * repeated until they are done. What is written takes effect a moment later.
 */
export function createSync({ state, behaviour }: { state(): State; behaviour(): Behaviour }) {
  const effects = new Set<Promise<void>>()

  /** Throws the 500 that porta returns while the backend is stopped. */
  function write(change: (backend: BackendState) => void): void {
    if (behaviour().backend === 'stopped') throw new Refusal(answers.internal)
    later(change)
  }

  function remove(change: (backend: BackendState) => void): void {
    later(change)
  }

  function later(change: (backend: BackendState) => void): void {
    const ms = behaviour().backend_delay_ms
    if (ms === 0 && behaviour().backend === 'running') {
      change(state().backend)
      return
    }
    const effect = (async () => {
      await sleep(ms, undefined, { ref: false })
      while (behaviour().backend === 'stopped') await sleep(50, undefined, { ref: false })
      change(state().backend)
    })().finally(() => effects.delete(effect))
    effects.add(effect)
  }

  return {
    /** State, plan and, for products with API keys, `user_key`; without application keys. */
    saveApplication(row: Application, previousUserKey?: string): void {
      const { service_id, application_id, id, state: status, plan_id, user_key } = row
      const byUserKey = isByUserKey(state(), row)
      write(({ applications, userKeys }) => {
        const known = applications[`${service_id}|${application_id}`]
        applications[`${service_id}|${application_id}`] = { keys: [], ...known, id, state: status, plan_id }
        if (!byUserKey) return
        if (previousUserKey !== undefined && previousUserKey !== user_key)
          delete userKeys[`${service_id}|${previousUserKey}`]
        userKeys[`${service_id}|${user_key}`] = application_id
      })
    },
    saveKey({ service_id, application_id }: Application, value: string): void {
      write(({ applications }) => {
        const known = applications[`${service_id}|${application_id}`]
        if (known && !known.keys.includes(value)) known.keys.push(value)
      })
    },
    removeKey({ service_id, application_id }: Application, value: string): void {
      remove(({ applications }) => {
        const known = applications[`${service_id}|${application_id}`]
        if (known) known.keys = known.keys.filter((key) => key !== value)
      })
    },
    /** Also removes the `user_key`, even if another application has the same. */
    removeApplication({ service_id, application_id, user_key }: Application): void {
      remove(({ applications, userKeys }) => {
        delete applications[`${service_id}|${application_id}`]
        delete userKeys[`${service_id}|${user_key}`]
      })
    },
    /** Waits until the backend has received all writes. */
    settled: () => Promise.all(effects),
  }
}

export type Sync = ReturnType<typeof createSync>

function isByUserKey(state: State, { service_id }: Application): boolean {
  return rowWith(state.services, 'id', service_id)?.backend_version === '1'
}
