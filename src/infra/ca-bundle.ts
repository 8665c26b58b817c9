import { rootCertificates } from 'node:tls'

/** TLS options that trust the authorities of Node.js and the extra one of the operator (EXTRA_CA_FILE, PEM text). */
export function trustedAuthorities(extraCa: string | undefined): { ca?: string[] } {
  return extraCa ? { ca: [...rootCertificates, extraCa] } : {}
}
