/** No usable answer. The message names the host and what to look at, never a query or a header. */
export class HttpFailure extends Error {
  readonly kind: 'timeout' | 'network' | 'too_large' | 'left_alone' | 'given_up' | 'forbidden'
  /** false: the host cannot be blamed */
  readonly telling: boolean
  constructor(kind: HttpFailure['kind'], host: string, cause?: unknown, telling = /^(timeout|network)$/.test(kind)) {
    super(sentence(kind, host, cause), { cause })
    this.name = 'HttpFailure'
    this.kind = kind
    this.telling = telling
  }
}

/** What another library's error says of the connection, as ours would; undefined where that was not the matter. */
export function failureOf(host: string, error: unknown): HttpFailure | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 6; cause = cause.cause, depth++) {
    if (cause instanceof HttpFailure) return cause
    const { code = '' } = cause as { code?: string }
    if (code in hints) return new HttpFailure('network', host, cause)
  }
  return undefined
}

/** Whether it was the certificate; then these words name what to mend. */
export function certificateWords(failure: HttpFailure): string | undefined {
  return /its certificate [^)]+/.exec(failure.message)?.[0]
}

const hints: Record<string, string> = {
  SELF_SIGNED_CERT_IN_CHAIN: ' (its certificate is not trusted; set EXTRA_CA_FILE)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ' (its certificate is not trusted; set EXTRA_CA_FILE)',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ' (its certificate is not trusted; set EXTRA_CA_FILE)',
  DEPTH_ZERO_SELF_SIGNED_CERT: ' (its certificate is not trusted; set EXTRA_CA_FILE)',
  CERT_HAS_EXPIRED: ' (its certificate has expired)',
  ERR_TLS_CERT_ALTNAME_INVALID: ' (its certificate is for another name; check the address)',
  ENOTFOUND: ' (its name is not known; check the address and HTTPS_PROXY)',
  EAI_AGAIN: ' (its name cannot be looked up; check the address and HTTPS_PROXY)',
  ECONNREFUSED: ' (connection refused)',
  UND_ERR_CONNECT_TIMEOUT: ' (no connection in time; check the address, HTTPS_PROXY and NO_PROXY)',
  UND_ERR_SOCKET: ' (the connection was closed)',
  UND_ERR_ABORTED: ' (the proxy of HTTPS_PROXY refused to connect)',
}

function sentence(kind: HttpFailure['kind'], host: string, cause: unknown): string {
  if (kind === 'timeout') return `${host} did not answer in time`
  if (kind === 'too_large') return `${host} answered with more than is taken`
  if (kind === 'given_up') return `${host} was not waited for`
  if (kind === 'forbidden') return `${host} is not called${cause instanceof Error ? `: ${cause.message}` : ''}`
  if (kind === 'left_alone')
    return `${host} failed nearly every call and is left alone for a second${cause instanceof Error ? `: ${cause.message}` : ''}`
  const { code, address, port } = (cause ?? {}) as { code?: string; address?: string; port?: number }
  // by whom: it may be the proxy
  if (code === 'ECONNREFUSED' && address) return `${host} could not be reached (refused by ${address}:${port})`
  return `${host} could not be reached${(code && hints[code]) ?? (code ? ` (${code})` : '')}`
}
