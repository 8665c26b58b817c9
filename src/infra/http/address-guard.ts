import { lookup as resolve } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { networkInterfaces } from 'node:os'
import { buildConnector } from 'undici'
import { forbiddenAddressKind, ipAddressOf, isListedAddress } from './address-ranges.js'

export interface AddressGuardOptions {
  /** true if the portal itself has an address of this machine (the demo): then other ports of the machine may be called */
  local?: boolean
  /** ports of the portal, which are not called on this machine */
  ownPorts?: number[]
  /** host of PUBLIC_URL, with its port if it has one */
  ownHost?: string
  /** not called at any address, because a Service of the cluster may route it to the portal itself */
  metricsPort?: number
  /** names and addresses of the cluster's API server, which are never called */
  blockedHosts?: string[]
  /** the only domains that may be called, each with its subdomains; undefined: all */
  domains?: string[] | undefined
  /** called for each request that is refused */
  onRefused?: (host: string, reason: string) => void
  /** default: the resolver of the system */
  lookup?: LookupFunction
  /** default: the addresses of the network interfaces */
  ownAddresses?: () => string[]
}

/** The portal does not call this address. The message does not contain the address that a name resolves to. */
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
 * Checks requests to addresses that users choose, such as the author of a product. Names are resolved here, and the connection goes to
 * the checked address, so a name that later resolves differently (DNS rebinding) has no effect. Private networks are allowed, because
 * gateways are usually inside the cluster.
 */
export function createAddressGuard({
  local = false,
  ownPorts = [],
  ownHost,
  metricsPort,
  blockedHosts: never = [],
  domains,
  onRefused = () => {},
  lookup = resolve as LookupFunction,
  ownAddresses = addressesOfInterfaces,
}: AddressGuardOptions = {}) {
  return {
    /** The checks before a name is resolved, and the only checks if a proxy resolves it. Throws ForbiddenAddress. */
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

    /** Connects only to addresses that may be called. */
    connector(options: buildConnector.BuildOptions): buildConnector.connector {
      const connect = buildConnector({ ...options, lookup: checkedLookup(false) } as buildConnector.BuildOptions)
      const connectAtOwnPort = buildConnector({
        ...options,
        lookup: checkedLookup(true),
      } as buildConnector.BuildOptions)
      return (target, callback) => {
        const port = portOf(target)
        const reason = reasonByAddress(target.hostname, port)
        // undici expects an asynchronous callback
        if (reason) setImmediate(() => callback(refusalOf(target.hostname, reason), null))
        else if (ownPorts.includes(port)) connectAtOwnPort(target, callback)
        else connect(target, callback)
      }
    },
  }

  function checkedLookup(isOwnPort: boolean): LookupFunction {
    return (hostname, options, callback) =>
      lookup(hostname, { ...options, all: true }, (error, results) => {
        const addresses = Array.isArray(results) ? results : []
        if (error || addresses.length === 0) return callback(error ?? notFound(hostname), [])
        for (const { address } of addresses) {
          const reason = reasonOf(address, isOwnPort)
          // one forbidden address is enough: it is no accident among others
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
    const address = ipAddressOf(hostname)
    const reason = address && reasonOf(address, ownPorts.includes(port))
    return reason && `it is ${reason}`
  }

  function reasonOf(address: string, isOwnPort: boolean): string | undefined {
    const kind = forbiddenAddressKind(address)
    const isHere = kind === 'an address of this machine'
    if (kind && !(local && isHere)) return kind
    if (never.length > 0 && isListedAddress(address, never)) return 'the API server of the cluster'
    return isOwnPort && (isHere || isListedAddress(address, ownAddresses())) ? 'the portal itself' : undefined
  }

  function refusalOf(host: string, reason: string): ForbiddenAddress {
    onRefused(host, reason)
    return new ForbiddenAddress(reason)
  }

  function refuse(host: string, reason: string): never {
    throw refusalOf(host, reason)
  }
}

/** By its name or its address. */
export function isLoopbackHost(hostname: string): boolean {
  const address = ipAddressOf(hostname)
  return address
    ? forbiddenAddressKind(address) === 'an address of this machine'
    : LOCAL_NAME.test(hostname.toLowerCase())
}

function isBelow(host: string, domain: string): boolean {
  const plain = domain.replace(/^\*?\./, '')
  const address = ipAddressOf(host)
  if (address) return isListedAddress(address, [plain])
  const name = plain.toLowerCase()
  return host === name || host.endsWith(`.${name}`)
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
