import { BlockList, isIP } from 'node:net'

/** Why an address is not called, as the end of a sentence: "it is …". */
export type AddressKind = keyof typeof ranges

/** Address ranges (IANA special-purpose registries, RFC 6890) that no gateway or model server has. */
const ranges = {
  'an address of this machine': { v4: ['127.0.0.0/8'], v6: ['::1/128'] },
  'an unspecified address': { v4: ['0.0.0.0/8'], v6: ['::/128'] },
  'a link-local address': { v4: ['169.254.0.0/16'], v6: ['fe80::/10'] },
  // outside the link-local range: Alibaba Cloud, Oracle Cloud, Azure's host agent; AWS and Google by IPv6
  'an address of a cloud’s metadata service': {
    v4: ['100.100.100.200/32', '192.0.0.192/32', '168.63.129.16/32'],
    v6: ['fd00:ec2::/32', 'fd20:ce::/64'],
  },
  'a multicast or broadcast address': { v4: ['224.0.0.0/4', '255.255.255.255/32'], v6: ['ff00::/8'] },
  // 240/4 is not in use; local NAT64 (RFC 8215) and Teredo conceal the IPv4 address behind them
  'a reserved address': { v4: ['240.0.0.0/4'], v6: ['64:ff9b:1::/48', '2001::/32'] },
} as const

const lists = Object.entries(ranges).map(([kind, { v4, v6 }]) => {
  const list = new BlockList()
  for (const range of v4) addWithTunnels(list, range)
  for (const range of v6) {
    const [address = '', bits] = range.split('/')
    list.addSubnet(address, Number(bits), 'ipv6')
  }
  return { kind: kind as AddressKind, list }
})

/** Undefined if the address may be called. */
export function forbiddenAddressKind(address: string): AddressKind | undefined {
  return lists.find(({ list }) => isIn(list, address))?.kind
}

/** Also true for an IPv4 address that is written within IPv6. */
export function isListedAddress(address: string, addresses: string[]): boolean {
  const list = new BlockList()
  for (const other of addresses) {
    const version = isIP(bare(other))
    if (version === 4) addWithTunnels(list, `${other}/32`)
    if (version === 6) list.addAddress(bare(other), 'ipv6')
  }
  return isIn(list, address)
}

/** The IP address of a URL's host without brackets; undefined if the host is a name. */
export function ipAddressOf(hostname: string): string | undefined {
  const address = bare(hostname)
  return isIP(address) === 0 ? undefined : address
}

function isIn(list: BlockList, address: string): boolean {
  const plain = bare(address)
  const version = isIP(plain)
  return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6')
}

/** Without brackets and without the interface of a link-local address. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '').split('%')[0] ?? ''
}

/** Adds the range and each form of IPv4 within IPv6: mapped, compatible, translated, NAT64 (RFC 6052), 6to4 (RFC 3056). */
function addWithTunnels(list: BlockList, range: string): void {
  const [address = '', size] = range.split('/')
  const bits = Number(size)
  list.addSubnet(address, bits, 'ipv4')
  for (const prefix of ['::ffff:', '::', '::ffff:0:', '64:ff9b::'])
    list.addSubnet(`${prefix}${address}`, 96 + bits, 'ipv6')
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  list.addSubnet(`2002:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}::`, 16 + bits, 'ipv6')
}
