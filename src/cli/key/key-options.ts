import { createEnvironmentReader, type Environment, isLoopbackHost } from '../../config/environment-reader.js'
import { addressMessages } from '../../config/messages.js'
import { noProxyProblem, webAddressProblem } from '../../config/setting-validation.js'
import { KeyFailure } from './key-failure.js'
import { optionMessages as messages } from './messages.js'

/** As commander parses them. */
export interface KeyOptions {
  portal?: string
  model: string
  name: string
  plan?: string
  description?: string
  field?: Record<string, string>
  signUp?: boolean
  join?: number
  acceptTerms?: string
  accountField?: Record<string, string>
  secret?: string
  namespace?: string
  output?: Output
  apply?: boolean
  rotateAfter?: number
  overlap: number
  timeout: number
  scope: string
  tokenParameter?: Record<string, string>
  serviceAccount: string
}

export type Output = 'secret' | 'env' | 'json'

export interface KeySettings {
  /** The origin of the portal. */
  portal: URL
  credential: { token: string } | { clientId: string; clientSecret: string }
  connections: { extraCa: string | undefined; httpsProxy: string | undefined; noProxy: string | undefined }
}

/** Reads options and environment. Throws KeyFailure with all problems. */
export function settingsOf(options: KeyOptions, env: Environment): KeySettings {
  const problems: string[] = []
  const read = createEnvironmentReader(env, problems)
  const portal = options.portal ?? read.text('MAAS_PORTAL_URL') ?? ''
  const problem = portalProblem(portal)
  if (problem) problems.push(`--portal: ${messages.portalExample(problem)}`)
  const before = problems.length
  const token = read.text('MAAS_TOKEN')
  const clientId = read.text('MAAS_CLIENT_ID')
  const clientSecret = read.text('MAAS_CLIENT_SECRET')
  if (token !== undefined && clientId !== undefined) problems.push(`MAAS_TOKEN: ${messages.tokenAndClient}`)
  else if (token === undefined && problems.length === before) {
    if (clientId === undefined) problems.push(`MAAS_CLIENT_ID: ${messages.clientIdMissing}`)
    if (clientSecret === undefined) problems.push(`MAAS_CLIENT_SECRET: ${messages.clientSecretMissing}`)
  }
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) problems.push(`MAAS_TOKEN: ${messages.notAToken}`)
  const connections = {
    extraCa: read.certificates('EXTRA_CA_FILE'),
    httpsProxy: read.text('HTTPS_PROXY', { check: webAddressProblem }),
    noProxy: read.text('NO_PROXY', { check: noProxyProblem }),
  }
  if (options.rotateAfter !== undefined && options.overlap >= options.rotateAfter)
    problems.push(`--overlap: ${messages.overlap}`)
  if (!isName(options.secret ?? 'x', 253)) problems.push(`--secret: ${messages.name}`)
  if (!isName(options.namespace ?? 'x', 63) || options.namespace?.includes('.'))
    problems.push(`--namespace: ${messages.name}`)
  if (problems.length > 0) throw new KeyFailure('rejected', problems.join('\n'))
  return {
    portal: new URL(portal),
    credential: token === undefined ? { clientId: clientId ?? '', clientSecret: clientSecret ?? '' } : { token },
    connections,
  }
}

/** Kubernetes, concepts/overview/working-with-objects/names */
function isName(name: string, max: number): boolean {
  return name.length <= max && /^[a-z\d]([a-z\d.-]*[a-z\d])?$/.test(name) && !/\.[.-]|-\./.test(name)
}

/** The address receives access tokens and determines where the client secret is sent, so it must be secure. */
function portalProblem(portal: string): string | undefined {
  if (portal === '') return messages.missing
  if (!URL.canParse(portal)) return addressMessages.notWeb
  const { protocol, hostname, pathname, search, hash, username, password } = new URL(portal)
  if (protocol !== 'https:' && protocol !== 'http:') return addressMessages.notWeb
  if (protocol === 'http:' && !isLoopbackHost(hostname)) return addressMessages.https
  if (pathname !== '/' || search || hash || username || password) return addressMessages.origin
  return undefined
}
