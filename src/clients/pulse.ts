export type Pulse = ReturnType<typeof createPulse>

/** How long a host had answered nothing, though it was asked, when a call to it last failed. */
export function createPulse(now = () => performance.now()) {
  let running = 0
  let since = 0
  let silence = 0

  return {
    async feel<T>(call: () => Promise<T>): Promise<T> {
      if (running++ === 0) since = now()
      try {
        const answer = await call()
        since = now()
        silence = 0
        return answer
      } catch (error) {
        silence = now() - since
        throw error
      } finally {
        running--
      }
    },

    /** Milliseconds; 0 once it has answered again. */
    silentMs: (): number => silence,
  }
}
