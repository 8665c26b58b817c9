import { isIP } from 'node:net'
import { normalizeIP } from '@fastify/rate-limit'

/** Every address with a port or a zone is shorter. */
const MAX_CHARACTERS = 64

/**
 * The key under which requests of one address are counted. All addresses of an IPv6 network (/64) count as one, because one host can use
 * them all. If clients can choose the header with the address, all invalid values count as one.
 */
export function clientAddressKey(ip: string | undefined): string {
  if (ip === undefined) return 'gone'
  return ip.length <= MAX_CHARACTERS && isIP(ip) ? normalizeIP(ip) : 'unknown'
}
