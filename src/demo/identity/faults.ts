import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Fault {
  match: string
  latency_ms?: number
  status?: number
  hang?: boolean
  /** `half`: the head and half of the body */
  drop?: 'before' | 'after' | 'half'
  times?: number
  /** Seconds by which the `Date` header of a response is ahead. */
  skew_seconds?: number
  /** Members of a JSON response to replace; null removes one. */
  change?: Record<string, unknown>
  hits: number
}

/** Counts calls and returns the faults that a test has set, like the 3scale part. */
export function createFaults() {
  let faults: Fault[] = []
  let calls: Record<string, number> = {}

  return {
    list: () => faults,
    replace(replacement: Omit<Fault, 'hits'>[]): Fault[] {
      faults = replacement.map((fault) => ({ ...fault, hits: 0 }))
      return faults
    },
    calls: () => calls,
    forgetCalls(): Record<string, number> {
      calls = {}
      return calls
    },

    /** True when the fault answered instead. */
    async answers(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
      const path = request.url?.split('?')[0] ?? '/'
      const call = `${request.method} ${path}`
      const pattern = call.replace(/^(\w+ \/(?:interaction|auth)\/)[\w-]{10,}.*$/, '$1{id}')
      calls[pattern] = (calls[pattern] ?? 0) + 1
      const fault = faults.find(({ match, times }) => matches(match, call) && (times ?? 1) > 0)
      if (!fault) return false
      fault.hits++
      if (fault.times !== undefined) fault.times--
      if (fault.skew_seconds) response.setHeader('date', new Date(Date.now() + fault.skew_seconds * 1000).toUTCString())
      if (fault.change) changeJson(response, fault.change)
      if (fault.latency_ms) await sleep(fault.latency_ms)
      if (fault.hang) return true
      if (fault.drop === 'half') {
        response.end = ((body: unknown) => {
          const text = String(body ?? '')
          response.setHeader('content-length', Buffer.byteLength(text))
          response.write(text.slice(0, text.length / 2), () => request.socket.destroy())
          return response
        }) as ServerResponse['end']
        return false
      }
      if (fault.drop === 'after') {
        response.end = (() => {
          request.socket.destroy()
          return response
        }) as ServerResponse['end']
        return false
      }
      if (fault.drop) {
        request.socket.destroy()
        return true
      }
      if (fault.status === undefined) return false
      response.writeHead(fault.status, { 'content-type': 'text/html' }).end(`<h1>${fault.status}</h1>`)
      return true
    },
  }
}

/** The library writes each response in one piece. */
function changeJson(response: ServerResponse, change: Record<string, unknown>): void {
  const end = response.end.bind(response)
  response.end = ((chunk: unknown) => {
    const changed = { ...(JSON.parse(String(chunk)) as object), ...change } as Record<string, unknown>
    const text = JSON.stringify(Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== null)))
    response.removeHeader('content-length')
    return end(text)
  }) as ServerResponse['end']
}

export type Faults = ReturnType<typeof createFaults>

function matches(rule: string, call: string): boolean {
  const source = rule
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*')
  return new RegExp(`^${source}$`).test(call)
}
