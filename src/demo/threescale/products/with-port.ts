/** An address as porta stores it, always with a port (app/models/proxy.rb, PortGenerator). */
export function withPort(address: string): string {
  const [, scheme, authority = '', rest = ''] = /^(\w+):\/\/([^/?#]+)(.*)$/.exec(address) ?? []
  if (!scheme || /:\d+$/.test(authority)) return address
  const port = { http: 80, ws: 80, https: 443, wss: 443 }[scheme]
  return port === undefined ? address : `${scheme}://${authority}:${port}${rest}`
}
