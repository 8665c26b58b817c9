import { connectionHints, httpErrorMessage } from './messages.js'

/**
 * Why there is no usable response. `cancelled`: the caller no longer waits. `circuit_open`: nearly every recent request failed, so
 * none is sent. `forbidden`: the portal sends no requests to that address.
 */
export type HttpErrorKind = 'timeout' | 'network' | 'too_large' | 'circuit_open' | 'cancelled' | 'forbidden'

/** Codes of the operating system, of TLS and of undici; those of other libraries look different. */
const CONNECTION_CODE = /^(E[A-Z]{3,}|(ERR_SSL|ERR_TLS|CERT|UND_ERR)_\w+|HOSTNAME_MISMATCH)$/

/** The message names the host and what to check, never a query or a header. */
export class HttpError extends Error {
  readonly kind: HttpErrorKind
  /** false: the host is not at fault */
  readonly isOutage: boolean
  constructor(kind: HttpErrorKind, host: string, cause?: unknown, isOutage = /^(timeout|network)$/.test(kind)) {
    super(httpErrorMessage(kind, host, cause), { cause })
    this.name = 'HttpError'
    this.kind = kind
    this.isOutage = isOutage
  }
}

/** Converts another library's error about the connection; undefined for errors about anything else. */
export function toHttpError(host: string, error: unknown): HttpError | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 6; cause = cause.cause, depth++) {
    if (cause instanceof HttpError) return cause
    const { code = '' } = cause as { code?: string }
    if (code in connectionHints || CONNECTION_CODE.test(code)) return new HttpError('network', host, cause)
  }
  return undefined
}

/** The part of the message about the certificate and its remediation; undefined if the certificate was not the reason. */
export function certificateProblem(error: HttpError): string | undefined {
  return /its certificate [^)]+/.exec(error.message)?.[0]
}
