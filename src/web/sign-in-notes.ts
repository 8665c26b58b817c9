import type { Cache } from '../clients/cache.js'

const DAY = 86_400
/** A note is written once in this time by a process: for the doctor it matters that something happened, not how often. */
const REST_MS = 10 * 60_000

export type SignInNotes = ReturnType<typeof createSignInNotes>

export interface SignInNotesDeps {
  cache: Cache
  now?: () => number
}

/**
 * When something last happened at a sign-in or with an access token, by a text that says what: names of claims and sentences
 * of the portal, and nothing of people. Kept for the doctor until 30 days after the last note, shared through Redis; may be lost.
 */
export function createSignInNotes({ cache, now = Date.now }: SignInNotesDeps) {
  const notes = cache.cached<Record<string, number>>(
    'sign-in-notes',
    { fresh: 30 * DAY, keep: 30 * DAY },
    async () => ({}),
  )
  const written = new Map<string, number>()
  let last = Promise.resolve()

  return {
    /** Nobody waits for it. */
    note(...whats: string[]): void {
      const due = whats.filter((what) => now() - (written.get(what) ?? 0) > REST_MS)
      if (due.length === 0) return
      for (const what of due) written.set(what, now())
      const times = Object.fromEntries(due.map((what) => [what, now()]))
      // one after the other here; what two processes write at once may be lost, until they write it again
      last = last.then(() => write(times)).catch(() => undefined)
    },

    /** Times in ms. */
    async read(): Promise<Record<string, number>> {
      await last
      await notes.look()
      return (await notes.get()).value
    },
  }

  async function write(times: Record<string, number>): Promise<void> {
    await notes.look()
    await notes.put('', { ...(await notes.get()).value, ...times })
  }
}
