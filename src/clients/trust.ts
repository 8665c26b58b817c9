import { rootCertificates } from 'node:tls'

/** Which authorities are believed: those of Node.js, and beside them the one that the operator gave (EXTRA_CA_FILE, PEM text). */
export function trusting(extraCa: string | undefined): { ca?: string[] } {
  return extraCa ? { ca: [...rootCertificates, extraCa] } : {}
}
