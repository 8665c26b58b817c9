import { setTimeout as sleep } from 'node:timers/promises'
import type { Behaviour } from '../behaviour.js'
import { answers, Refusal } from '../http/answers.js'
import type { Application, BackendState, State } from '../store.js'

/**
 * What porta writes to its back-end, apisonator. A write is one call that is never repeated: while the back-end is stopped it
 * fails after the row is stored, the request is answered 500, and the back-end never learns of it. Deletions are jobs that are
 * repeated until they are done. What is written takes effect a moment later.
 */
export function createSync({ state, behaviour }: { state(): State; behaviour(): Behaviour }) {
  const effects = new Set<Promise<void>>()

  /** Throws the 500 that porta answers while the back-end is stopped. */
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
    /** State, plan and, where the product has keys of its own, `user_key`; application keys are not in it. */
    saveApplication(row: Application, oldUserKey?: string): void {
      const { service_id, application_id, id, state: status, plan_id, user_key } = row
      const byUserKey = isByUserKey(state(), row)
      write(({ applications, userKeys }) => {
        const known = applications[`${service_id}|${application_id}`]
        applications[`${service_id}|${application_id}`] = { keys: [], ...known, id, state: status, plan_id }
        if (!byUserKey) return
        if (oldUserKey !== undefined && oldUserKey !== user_key) delete userKeys[`${service_id}|${oldUserKey}`]
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
    /** The `user_key` goes with it, also where another application has the same. */
    removeApplication({ service_id, application_id, user_key }: Application): void {
      remove(({ applications, userKeys }) => {
        delete applications[`${service_id}|${application_id}`]
        delete userKeys[`${service_id}|${user_key}`]
      })
    },
    /** Until what was written is known to the back-end. */
    settled: () => Promise.all(effects),
  }
}

export type Sync = ReturnType<typeof createSync>

function isByUserKey(state: State, { service_id }: Application): boolean {
  return state.services.find(({ id }) => id === service_id)?.backend_version === '1'
}
