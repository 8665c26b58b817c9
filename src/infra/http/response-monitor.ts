/** Measures how long a host has not responded to any request. Time without a running request does not count. */
export function createResponseMonitor(now = () => performance.now()) {
  let running = 0
  let since = 0
  /** time without a response before the requests that are running */
  let earlierMs = 0
  let silentMs = 0

  return {
    async track<T>(request: () => Promise<T>): Promise<T> {
      if (running++ === 0) since = now()
      try {
        const response = await request()
        markResponse()
        return response
      } catch (error) {
        silentMs = earlierMs + now() - since
        throw error
      } finally {
        if (--running === 0) earlierMs += now() - since
      }
    },

    /** Also for a response to a request that has timed out. */
    markResponse,

    /** Milliseconds at the last failed request; 0 after a response. */
    silentMs: (): number => silentMs,
  }

  function markResponse(): void {
    since = now()
    earlierMs = 0
    silentMs = 0
  }
}
