import { problem } from '../../errors.js'
import { pauseDeadline } from '../../infra/call-context.js'
import type { Http } from '../../infra/http/http.js'
import { certificateProblem, HttpError } from '../../infra/http/http-error.js'
import { redact, redactStream } from '../../infra/redaction.js'
import { gatewayMessages } from './messages.js'

export interface GatewayOptions {
  http: Pick<Http, 'send' | 'open'>
  /** true for addresses in the catalogue; no other address is called */
  isAllowed(url: URL): boolean
}

interface GatewayRequest {
  method: string
  url: URL
  headers: Record<string, string>
  body?: string
  /** removed from the response */
  secrets?: string[]
}

export type Gateway = ReturnType<typeof createGateway>

/**
 * Calls model endpoints: limited in time (20 s) and size (1 MB), without redirects, and only addresses in the catalogue. A model
 * server receives a credential and may send it back, so `secrets` are redacted in each response.
 */
export function createGateway({ http, isAllowed }: GatewayOptions) {
  return {
    /** Rejects with gateway_unavailable. */
    async call({ secrets = [], ...request }: GatewayRequest & { timeoutMs?: number; freshConnection?: boolean }) {
      checkAllowed(request.url)
      const started = performance.now()
      try {
        const response = await pauseDeadline(() => http.send({ timeoutMs: 20_000, maxBytes: 1_000_000, ...request }))
        const redacted = { headers: redactHeaders(response.headers, secrets), text: redact(response.text, secrets) }
        return { ...response, ...redacted, ms: Math.round(performance.now() - started) }
      } catch (error) {
        throw toGatewayError(error)
      }
    },

    /** A streaming response. `signal` ends it, and with it the work of the model. Rejects with gateway_unavailable. */
    async open({
      secrets = [],
      ...request
    }: GatewayRequest & { signal: AbortSignal; headMs?: number; idleMs?: number }) {
      checkAllowed(request.url)
      try {
        const response = await http.open(request)
        const redacted = {
          headers: redactHeaders(response.headers, secrets),
          body: redactStream(response.body, secrets),
        }
        return { ...response, ...redacted }
      } catch (error) {
        throw toGatewayError(error)
      }
    },
  }

  function checkAllowed(url: URL): void {
    if (!isAllowed(url)) throw problem('gateway_unavailable', { detail: gatewayMessages.notInCatalogue })
  }
}

function redactHeaders(headers: Record<string, string>, secrets: string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, redact(value, secrets)]))
}

function toGatewayError(error: unknown): unknown {
  if (!(error instanceof HttpError)) return error
  return problem('gateway_unavailable', { detail: messageFor(error), cause: error })
}

function messageFor(error: HttpError): string {
  if (error.kind === 'timeout') return gatewayMessages.timeout
  if (error.kind === 'too_large') return gatewayMessages.tooLarge
  if (error.kind === 'forbidden') return gatewayMessages.forbidden
  const certificate = certificateProblem(error)
  return certificate ? gatewayMessages.badCertificate(certificate) : gatewayMessages.unreachable
}
