import type { BackendState } from '../store.js'

interface Remembered {
  valid: boolean
  until: number
}

/**
 * Whether an application takes a key. Each answer, yes or no, is remembered for a while in the process that gave it, so a removed
 * key goes on being valid and one that was asked for before it existed goes on being none. An application without keys takes any.
 */
export function createKeyMemory(seconds: () => number) {
  const memory = new Map<string, Remembered>()
  return {
    takes(application: BackendState['applications'][string], reference: string, given: string | undefined): boolean {
      const key = given?.trim()
      const name = `${reference}|${key}`
      const known = memory.get(name)
      if (known && known.until > Date.now()) return known.valid
      const valid = application.keys.length === 0 || application.keys.includes(key ?? '')
      memory.set(name, { valid, until: Date.now() + seconds() * 1000 })
      return valid
    },
    clear: () => memory.clear(),
  }
}

export type KeyMemory = ReturnType<typeof createKeyMemory>
