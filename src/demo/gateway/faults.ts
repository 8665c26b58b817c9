import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientRequest } from './nginx/server.js'

export interface Fault {
  match: string
  latency_ms?: number
  status?: number
  hang?: boolean
  /** `half`: the head and half of the first piece of the body */
  drop?: 'before' | 'half'
  /** for ever without it */
  times?: number
  hits: number
}

export type Faults = ReturnType<typeof createFaults>

/** Returns the faults that a test has set, for the calls of any product. */
export function createFaults() {
  let faults: Fault[] = []

  return {
    list: () => faults,
    replace(replacement: Omit<Fault, 'hits'>[]): Fault[] {
      faults = replacement.map((fault) => ({ ...fault, hits: 0 }))
      return faults
    },

    /** True when the fault answered instead. */
    async answers({ method, target }: ClientRequest, response: ServerResponse): Promise<boolean> {
      const call = `${method} ${target.split('?')[0]}`
      const fault = faults.find(({ match, times }) => (times === undefined || times > 0) && matches(match, call))
      if (!fault) return false
      fault.hits++
      if (fault.times !== undefined) fault.times--
      if (fault.latency_ms) await sleep(fault.latency_ms)
      if (fault.hang) return true
      if (fault.drop === 'before') {
        response.socket?.destroy()
        return true
      }
      if (fault.drop === 'half') {
        const write = response.write.bind(response) as (text: string, done: () => void) => boolean
        const half = ((body: unknown) => {
          const text = String(body ?? '')
          return write(text.slice(0, text.length / 2), () => response.socket?.destroy())
        }) as ServerResponse['write']
        response.write = half
        response.end = half as unknown as ServerResponse['end']
        return false
      }
      if (fault.status === undefined) return false
      response.writeHead(fault.status, { 'content-type': 'text/html' }).end(`<h1>${fault.status}</h1>`)
      return true
    },
  }
}

function matches(rule: string, call: string): boolean {
  const source = rule
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*')
  return new RegExp(`^${source}$`).test(call)
}
