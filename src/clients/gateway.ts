import { problem } from '../errors.js'
import { aside } from './deadline.js'
import type { Http } from './http.js'
import { certificateWords, HttpFailure } from './http-failure.js'
import { hiddenIn, hide } from './secrets.js'

export interface GatewayOptions {
  http: Pick<Http, 'send' | 'open'>
  /** only addresses that the catalogue names are called */
  allowed(url: URL): boolean
}

export type Gateway = ReturnType<typeof createGateway>

/**
 * Calls to model endpoints: bounded in time (20 s) and size (1 MB), no redirects followed, no address but the catalogue's.
 * A model server gets the credential that it is called with and may send it back, so `secrets` are taken out of every answer.
 */
export function createGateway({ http, allowed }: GatewayOptions) {
  return {
    async call(request: {
      method: string
      url: URL
      headers: Record<string, string>
      body?: string
      secrets?: string[]
      timeoutMs?: number
      freshConnection?: boolean
    }) {
      const { secrets = [], ...call } = request
      if (!allowed(request.url))
        throw problem('gateway_unavailable', { detail: 'This address is not in the catalogue.' })
      const started = performance.now()
      try {
        const answer = await aside(() => http.send({ timeoutMs: 20_000, maxBytes: 1_000_000, ...call }))
        const clean = { ...answer, headers: headersOf(answer, secrets), text: hide(answer.text, secrets) }
        return { ...clean, ms: Math.round(performance.now() - started) }
      } catch (error) {
        if (!(error instanceof HttpFailure)) throw error
        throw problem('gateway_unavailable', { detail: wordsFor(error), cause: error })
      }
    },

    /** An answer that streams; `signal` ends it, and with it the work of the model. Rejects with gateway_unavailable. */
    async open(request: {
      method: string
      url: URL
      headers: Record<string, string>
      body?: string
      secrets?: string[]
      signal: AbortSignal
      headMs?: number
      idleMs?: number
    }) {
      const { secrets = [], ...call } = request
      if (!allowed(request.url))
        throw problem('gateway_unavailable', { detail: 'This address is not in the catalogue.' })
      try {
        const answer = await http.open(call)
        return { ...answer, headers: headersOf(answer, secrets), body: hiddenIn(answer.body, secrets) }
      } catch (error) {
        if (!(error instanceof HttpFailure)) throw error
        throw problem('gateway_unavailable', { detail: wordsFor(error), cause: error })
      }
    },
  }
}

function headersOf({ headers }: { headers: Record<string, string> }, secrets: string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, hide(value, secrets)]))
}

function wordsFor(failure: HttpFailure): string {
  if (failure.kind === 'timeout')
    return 'The endpoint did not answer in time. The model may be starting or busy; try again.'
  if (failure.kind === 'too_large') return 'The endpoint answered with more than the portal shows. Use the code below.'
  if (failure.kind === 'forbidden')
    return 'The portal does not send requests to the address of this endpoint. Report this to its operator: the doctor of the portal states the reason.'
  const certificate = certificateWords(failure)
  if (certificate) return `The endpoint could not be reached from the portal: ${certificate}. Contact its operator.`
  return 'The endpoint could not be reached from the portal. Its gateway may be down; try again in a minute.'
}
