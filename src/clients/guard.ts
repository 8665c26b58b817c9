import { lookup as resolve } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { networkInterfaces } from 'node:os'
import { buildConnector } from 'undici'
import { forbiddenKind, isOneOf, literalOf } from './addresses.js'

export interface GuardOptions {
  /** the portal itself is reached at an address of this machine (the demo): then others there may be called too, at other ports */
  local?: boolean
  /** ports of the portal, which are not called at an address of this machine */
  ownPorts?: number[]
  /** host of PUBLIC_URL, with its port where it has one */
  ownHost?: string
  /** not called at any address: a Service of the cluster may lead from there to the portal itself */
  metricsPort?: number
  /** names and addresses that are never called: the API server of the cluster */
  never?: string[]
  /** the only domains that may be called, each with its subdomains; undefined: no such limit */
  domains?: string[] | undefined
  /** told of each call that was refused */
  onRefused?: (host: string, reason: string) => void
  /** default: the resolver of the system, as for every other call */
  lookup?: LookupFunction
  /** default: those of the network interfaces */
  ownAddresses?: () => string[]
}

/** An address that the portal does not call. The message names no address that a name was resolved to. */
export class ForbiddenAddress extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'ForbiddenAddress'
  }
}

const LOCAL_NAME = /^(localhost[46]?|.*\.localhost|ip6-(localhost|loopback)|localhost[46]?\.localdomain[46]?)$/
// clusters may have another domain than cluster.local
const API_SERVER_NAME = /^kubernetes(\.default(\.svc(\..+)?)?)?$/

/**
 * Decides on calls whose address somebody else chose, such as the author of a product. Names are resolved here, and the
 * connection is made to the addresses that were checked, so a name that resolves differently a moment later changes nothing.
 * Private networks are allowed, because gateways are usually inside the cluster.
 */
export function createGuard({
  local = false,
  ownPorts = [],
  ownHost,
  metricsPort,
  never = [],
  domains,
  onRefused = () => {},
  lookup = resolve as LookupFunction,
  ownAddresses = addressesOfInterfaces,
}: GuardOptions = {}) {
  return {
    /** What can be decided before a name is resolved, and all that can be where a proxy resolves it. Throws ForbiddenAddress. */
    check(url: URL): void {
      const { protocol, username, password } = url
      const host = url.hostname.replace(/\.$/, '').toLowerCase()
      if (!/^https?:$/.test(protocol)) refuse(url.host, 'it is not an http or https address')
      if (username !== '' || password !== '') refuse(url.host, 'it contains a user name or password')
      if (domains && !domains.some((domain) => isBelow(host, domain)))
        refuse(url.host, 'it is not in the list gateway_domains of PORTAL_CONFIG')
      const isOwn = host + (url.port && `:${url.port}`) === ownHost || portOf(url) === metricsPort
      if (isOwn && !local) refuse(url.host, 'it is the portal itself')
      const reason = reasonByName(host) ?? reasonByAddress(url.hostname, portOf(url))
      if (reason) refuse(url.host, reason)
    },

    /** Makes connections to addresses that may be called only. */
    connector(options: buildConnector.BuildOptions): buildConnector.connector {
      const elsewhere = buildConnector({ ...options, lookup: checkedLookup(false) } as buildConnector.BuildOptions)
      const atOwnPort = buildConnector({ ...options, lookup: checkedLookup(true) } as buildConnector.BuildOptions)
      return (target, callback) => {
        const port = portOf(target)
        const reason = reasonByAddress(target.hostname, port)
        // undici expects the answer later than this call
        if (reason) setImmediate(() => callback(refusalOf(target.hostname, reason), null))
        else if (ownPorts.includes(port)) atOwnPort(target, callback)
        else elsewhere(target, callback)
      }
    },
  }

  function checkedLookup(isOwnPort: boolean): LookupFunction {
    return (hostname, options, callback) =>
      lookup(hostname, { ...options, all: true }, (error, found) => {
        const addresses = Array.isArray(found) ? found : []
        if (error || addresses.length === 0) return callback(error ?? notFound(hostname), [])
        for (const { address } of addresses) {
          const reason = reasonOf(address, isOwnPort)
          // one is enough: whoever lists such an address beside others means it
          if (reason) return callback(refusalOf(hostname, `its name leads to ${reason}`), [])
        }
        const [{ address, family } = { address: '', family: 4 }] = addresses
        return options.all ? callback(null, addresses) : callback(null, address, family)
      })
  }

  function reasonByName(host: string): string | undefined {
    if (!local && LOCAL_NAME.test(host)) return 'it is an address of this machine'
    return API_SERVER_NAME.test(host) || never.includes(host) ? 'it is the API server of the cluster' : undefined
  }

  function reasonByAddress(hostname: string, port: number): string | undefined {
    const address = literalOf(hostname)
    const reason = address && reasonOf(address, ownPorts.includes(port))
    return reason && `it is ${reason}`
  }

  function reasonOf(address: string, isOwnPort: boolean): string | undefined {
    const kind = forbiddenKind(address)
    const isHere = kind === 'an address of this machine'
    if (kind && !(local && isHere)) return kind
    if (never.length > 0 && isOneOf(address, never)) return 'the API server of the cluster'
    return isOwnPort && (isHere || isOneOf(address, ownAddresses())) ? 'the portal itself' : undefined
  }

  function refusalOf(host: string, reason: string): ForbiddenAddress {
    onRefused(host, reason)
    return new ForbiddenAddress(reason)
  }

  function refuse(host: string, reason: string): never {
    throw refusalOf(host, reason)
  }
}

/** Whether the host of a URL is this machine by its name or as an address. */
export function isThisMachine(hostname: string): boolean {
  const address = literalOf(hostname)
  return address ? forbiddenKind(address) === 'an address of this machine' : LOCAL_NAME.test(hostname.toLowerCase())
}

function isBelow(host: string, domain: string): boolean {
  const plain = domain.replace(/^\*?\./, '')
  const address = literalOf(host)
  if (address) return isOneOf(address, [plain])
  const wanted = plain.toLowerCase()
  return host === wanted || host.endsWith(`.${wanted}`)
}

function portOf({ protocol, port }: { protocol: string; port: string }): number {
  return Number(port) || (protocol === 'https:' ? 443 : 80)
}

function addressesOfInterfaces(): string[] {
  return Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address))
}

function notFound(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`no address for ${hostname}`), { code: 'ENOTFOUND' })
}
