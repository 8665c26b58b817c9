import { isIP } from 'node:net'
import { normalizeIP } from '@fastify/rate-limit'

/** Long enough for any address with a port or a zone; what a client made up is no longer. */
const LONGEST = 64

/**
 * What requests of one address are counted under. The addresses of an IPv6 network (/64) count as one, since a single machine has
 * all of them. Where clients can choose the header that names them, everything that is no address counts as one as well.
 */
export function addressKey(ip: string | undefined): string {
  if (ip === undefined) return 'gone'
  return ip.length <= LONGEST && isIP(ip) ? normalizeIP(ip) : 'unknown'
}
