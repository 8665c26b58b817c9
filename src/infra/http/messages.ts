import type { HttpErrorKind } from './http-error.js'

const UNTRUSTED = ' (its certificate is not trusted; set EXTRA_CA_FILE)'
const NOT_TLS = ' (it does not speak TLS there; check https and the port)'

/** By code of the operating system, of TLS or of undici. */
export const connectionHints: Record<string, string> = {
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  CERT_HAS_EXPIRED: ' (its certificate has expired)',
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  ERR_TLS_CERT_ALTNAME_INVALID: ' (its certificate is for another name; check the address)',
  ENOTFOUND: ' (its name cannot be resolved; check the address and HTTPS_PROXY)',
  EAI_AGAIN: ' (the name server does not respond; check the address and HTTPS_PROXY)',
  ECONNREFUSED: ' (connection refused)',
  UND_ERR_CONNECT_TIMEOUT: ' (no connection in time; check the address, HTTPS_PROXY and NO_PROXY)',
  UND_ERR_SOCKET: ' (the connection was closed)',
  UND_ERR_ABORTED: ' (the proxy of HTTPS_PROXY refused to connect)',
}

export function httpErrorMessage(kind: HttpErrorKind, host: string, cause: unknown): string {
  const reason = cause instanceof Error ? `: ${cause.message}` : ''
  if (kind === 'timeout') return `${host} did not respond in time`
  if (kind === 'too_large') return `The response of ${host} is too large`
  if (kind === 'cancelled') return `The request to ${host} was cancelled`
  if (kind === 'forbidden') return `The portal does not send requests to ${host}${reason}`
  if (kind === 'circuit_open')
    return `Nearly every recent request to ${host} failed, so none is sent for a second${reason}`
  const { code, address, port } = (cause ?? {}) as { code?: string; address?: string; port?: number }
  // the address that refused may be that of the proxy
  if (code === 'ECONNREFUSED' && address) return `${host} could not be reached (refused by ${address}:${port})`
  return `${host} could not be reached${(code && connectionHints[code]) ?? (code ? ` (${code})` : '')}`
}
