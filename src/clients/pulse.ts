export type Pulse = ReturnType<typeof createPulse>

/** How long a host has answered nothing, though it was asked: time in which nothing was asked does not count. */
export function createPulse(now = () => performance.now()) {
  let running = 0
  let since = 0
  /** without an answer, before the calls that are running */
  let before = 0
  let silence = 0

  return {
    async feel<T>(call: () => Promise<T>): Promise<T> {
      if (running++ === 0) since = now()
      try {
        const answer = await call()
        answered()
        return answer
      } catch (error) {
        silence = before + now() - since
        throw error
      } finally {
        if (--running === 0) before += now() - since
      }
    },

    /** Also to a call that nobody waits for any more. */
    answered,

    /** Milliseconds when a call last failed; 0 once the host has answered again. */
    silentMs: (): number => silence,
  }

  function answered(): void {
    since = now()
    before = 0
    silence = 0
  }
}
