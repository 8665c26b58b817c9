import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import proxyAddr from '@fastify/proxy-addr'
import addressparser from 'nodemailer/lib/addressparser'
import {
  addressMessages,
  certificateMessages,
  identityMessages,
  mailMessages,
  proxyMessages,
  redisMessages,
  valueMessages,
  webhookMessages,
} from './messages.js'

/** Returns the problem of a value and how to correct it, or undefined. */
export type SettingCheck = (value: string) => string | undefined

/** Detects quotation marks, unreplaced variables and placeholders, which no setting can have as its value. */
export const placeholderProblem: SettingCheck = (value) => {
  if (/^(['"`]).*\1$|^[‘’‚“”„«»].*[‘’“”«»]$/s.test(value)) return valueMessages.quoted
  if (/^\$\w+$|^\$\{[^}]*\}$|^\$\([^)]*\)$|^%\w+%$|^\{\{.*\}\}$/s.test(value)) return valueMessages.variableName
  if (/^(\.{3}|…|x{3,20}|<[^<>@]+>|\[[a-z _-]+\]|todo|tbd|(change|replace|fill)[-_ ]?(me|this|in))$/i.test(value))
    return valueMessages.placeholder
  return undefined
}

/** Detects a variable within a value; not for secrets, which may contain such text. */
export const variableProblem: SettingCheck = (value) =>
  /\$\{|\$\(|\{\{/.test(value) ? valueMessages.containsVariable : undefined

export const characterProblem: SettingCheck = (value) => {
  if (/[\p{Cc}\u2028\u2029]/u.test(value)) return valueMessages.controlCharacter
  return /\p{Cf}/u.test(value) ? valueMessages.invisibleCharacter : undefined
}

export const hostProblem: SettingCheck = (value) =>
  isIP(value) || /^[a-z\d]([a-z\d.-]*[a-z\d])?$/i.test(value) ? undefined : addressMessages.host

/** Detects a host name that the URL parser accepts and no resolver knows. */
export const hostNameProblem = ({ hostname }: URL): string | undefined =>
  /^[a-z\d._-]+$|^\[[\da-f:.]+\]$/.test(hostname) && !/^\.|\.\./.test(hostname) ? undefined : addressMessages.hostName

export const accessTokenProblem: SettingCheck = (value) =>
  /^[!-~]+$/.test(value) ? undefined : identityMessages.accessToken

export const issuerIdProblem: SettingCheck = (value) =>
  /^https?:\/\//.test(value) && !/\s/.test(value) && URL.canParse(value) ? undefined : identityMessages.issuerId

export const originProblem = ({ pathname, search, hash }: URL): string | undefined =>
  /^\/*$/.test(pathname) && search === '' && hash === '' ? undefined : addressMessages.origin

export const issuerProblem = ({ pathname, search, hash }: URL): string | undefined => {
  if (pathname.includes('/.well-known/')) return identityMessages.issuerPath
  return search === '' && hash === '' ? undefined : identityMessages.issuerQuery
}

export const scopesProblem: SettingCheck = (value) => {
  if (/[,;]/.test(value)) return identityMessages.scopeSeparator
  return value.split(/\s+/).includes('openid') ? undefined : identityMessages.openidMissing
}

export const audienceProblem: SettingCheck = (value) => (/[\s,;]/.test(value) ? identityMessages.audience : undefined)

/** RFC 6749 appendix A.1, without characters that indicate another list format. */
export const clientProblem: SettingCheck = (id) =>
  /^[!-~]+$/.test(id) && !/[;"'`[\]{}]/.test(id) ? undefined : identityMessages.clients

/** 3scale decodes the password of an address, and its column for the address has 255 characters (porta, app/models/web_hook.rb). */
export const webhookSecretProblem: SettingCheck = (value) =>
  value.split(',').every((secret) => /^[\w-]{32,100}$/.test(secret.trim())) ? undefined : webhookMessages.secret

const MAX_PROXIES = 10

/** Accepts what Fastify's trustProxy accepts: `true`, a number of proxies, or addresses and ranges. */
export const proxyTrustProblem: SettingCheck = (value) => {
  if (/^(true|on|false|off)$/.test(value)) return undefined
  if (/^\d+$/.test(value)) return Number(value) <= MAX_PROXIES ? undefined : proxyMessages.tooMany(MAX_PROXIES)
  const entries = value.split(',').map((entry) => entry.trim())
  if (entries.some((entry) => /\/(0+|0\.0\.0\.0)$/.test(entry))) return proxyMessages.everyAddress
  return entries.every(isRange) ? undefined : proxyMessages.invalid
}

function isRange(entry: string): boolean {
  const [address = ''] = entry.split('/')
  // proxy-addr accepts 1.5 for 1.0.0.5.
  if (isIP(address) === 0 && !['loopback', 'linklocal', 'uniquelocal'].includes(entry)) return false
  try {
    proxyAddr.compile(entry)
    return true
  } catch {
    return false
  }
}

export const redisProblem: SettingCheck = (value) => {
  const [, kind, rest = ''] = /^rediss?(?:\+(sentinel|cluster))?:\/\/(.*)$/.exec(value) ?? []
  if (!/^rediss?(\+(sentinel|cluster))?:\/\//.test(value)) return redisMessages.scheme
  if (kind === undefined)
    return (
      urlProblem(value, redisMessages.example) ??
      (/^\/?(\d{1,5})?$/.test(new URL(value).pathname) ? undefined : redisMessages.database)
    )
  const [hosts = ''] = rest.slice(rest.indexOf('@') + 1).split('/')
  return hosts.split(',').every((host) => /^[\w.-]+(:[1-9]\d{0,4})?$/.test(host))
    ? undefined
    : redisMessages.hosts(kind)
}

export const smtpProblem: SettingCheck = (value) =>
  /^smtps?:\/\//.test(value) ? urlProblem(value, mailMessages.example) : mailMessages.scheme

export const webAddressProblem: SettingCheck = (value) =>
  /^https?:\/\//.test(value)
    ? urlProblem(value, addressMessages.proxy)
    : `${addressMessages.notWeb}; ${addressMessages.proxy}`

/** For addresses that may contain a password. */
function urlProblem(value: string, example: string): string | undefined {
  // `new URL` removes line breaks and keeps spaces.
  if (!/\s/.test(value) && URL.canParse(value) && new URL(value).hostname !== '') return undefined
  return addressMessages.unreadable(example)
}

export const mailboxProblem: SettingCheck = (value) => (countMailboxes(value) === 1 ? undefined : mailMessages.mailbox)

export const mailboxesProblem: SettingCheck = (value) =>
  countMailboxes(value) > 0 ? undefined : mailMessages.mailboxes

/** Returns 0 if any address is invalid. */
function countMailboxes(value: string): number {
  const all = addressparser(value, { flatten: true })
  return value.includes(';') || !all.every(({ address }) => /^[^\s@<>]+@[^\s@<>]+$/.test(address)) ? 0 : all.length
}

export const noProxyProblem: SettingCheck = (value) => (/;|:\/\//.test(value) ? addressMessages.noProxy : undefined)

const BEGIN = '-----BEGIN CERTIFICATE-----'

export const certificatesProblem: SettingCheck = (text) => {
  const [, ...blocks] = text.split(BEGIN)
  if (blocks.length === 0) return certificateMessages.none
  return blocks.every(isCertificate) ? undefined : certificateMessages.unreadable
}

function isCertificate(block: string): boolean {
  try {
    return Boolean(new X509Certificate(BEGIN + block))
  } catch {
    return false
  }
}
