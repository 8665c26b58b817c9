import type { JWTPayload } from 'jose'
import { isSameIssuer, tokenType } from '../../../clients/identity/issuer.js'
import {
  claimAt,
  firstValue,
  hasClaim,
  isObject,
  overlongIdentifier,
  valuesOf,
} from '../../../clients/identity/token-claims.js'
import { audienceErrors, callerErrors, formatErrors, ISSUER_ERROR, serviceMark, typeErrors } from './messages.js'

/** How access tokens of a provider differ from RFC 9068. The members are those of PORTAL_CONFIG. */
export interface AccessTokenFormat {
  issuers?: string[]
  audiences?: string[]
  clients?: string[]
  types?: string[]
  scope_claim?: string
  service_scope_claim?: string
  scopes?: Record<string, string>
  default_scopes?: string[]
  subject_claim?: string
  client_claim?: string
  services?: { role?: { claim: string; value: string }; scope?: string }
  service_subjects?: string[]
  services_without_subject?: boolean
  accept_id_tokens?: boolean
}

/** The reason why a text cannot be a signed JWT; undefined if it may be one. */
export function tokenFormatError(token: string): string | undefined {
  const parts = token.split('.').length
  if (parts === 5) return formatErrors.encrypted
  if (parts === 3) return undefined
  return formatErrors.notJwt
}

/** Claims that only ID tokens have (OpenID Connect Core 1.0 sections 2 and 3.3.2.11). */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash']

/**
 * The reason why a token is not an access token. RFC 9068 marks access tokens by the header `typ` at+jwt, Keycloak by the claim `typ`
 * Bearer, Amazon Cognito by `token_use` access. Another `typ` requires a setting, because ID tokens have it too.
 */
export function tokenTypeError(
  payload: JWTPayload,
  header: { typ?: unknown },
  form: AccessTokenFormat,
): string | undefined {
  const typ = typeof header.typ === 'string' ? tokenType(header.typ) : 'none'
  if ((payload.typ ?? 'Bearer') !== 'Bearer') return typeErrors.typClaim
  if ((payload.token_use ?? 'access') !== 'access') return typeErrors.tokenUse
  if (typ === 'at+jwt' || (typ === 'jwt' && payload.typ === 'Bearer')) return undefined
  if (!(form.types ?? []).some((accepted) => tokenType(accepted) === typ)) return typeErrors.header(typ)
  // RFC 8417 section 2.2: a security event, such as a logout token
  if (payload.events !== undefined) return typeErrors.event
  const foreign = ID_TOKEN_CLAIMS.find((claim) => payload[claim] !== undefined)
  if (foreign === undefined || payload.token_use === 'access' || form.accept_id_tokens) return undefined
  return typeErrors.idToken(foreign)
}

/** The reason why the issuer is not accepted. A trailing slash is ignored. */
export function issuerError({ iss }: JWTPayload, issuer: string, form: AccessTokenFormat): string | undefined {
  const accepted = [issuer, ...(form.issuers ?? [])]
  if (typeof iss === 'string' && accepted.some((each) => isSameIssuer(iss, each))) return undefined
  return ISSUER_ERROR
}

/** The reason why the audience is not accepted. */
export function audienceError(payload: JWTPayload, audience: string, form: AccessTokenFormat): string | undefined {
  // Ory Hydra sends an empty list
  const audiences = [payload.aud ?? []].flat()
  if (audiences.length === 0 && form.clients?.includes(clientOf(payload, form) ?? '')) return undefined
  if (audiences.length === 0) return audienceErrors.missing(audience)
  const accepted = new Set([audience, ...(form.audiences ?? [])])
  if (audiences.some((each) => accepted.has(each))) return undefined
  return audienceErrors.other(audience)
}

/** The reason why the caller of a token is not accepted. */
export function callerError(payload: JWTPayload, form: AccessTokenFormat): string | undefined {
  // RFC 7800: only the holder of a key may use the token, and a copy must be useless (RFC 9449 section 7.1, RFC 8705 section 3)
  if (payload.cnf !== undefined) return callerErrors.keyBound
  // RFC 8693 section 4.1: permissions and audit log support one caller
  if (payload.act !== undefined) return callerErrors.delegated
  if (payload.sub === undefined && form.services_without_subject) return withoutSubject(payload, form)
  if (payload.sub === undefined) return callerErrors.subjectMissing
  // RFC 7519 section 4.1.2: other values could be the same text for several callers
  if (typeof payload.sub !== 'string' || payload.sub === '') return callerErrors.subjectNotText
  if (form.client_claim === undefined) {
    const named = new Set(
      [payload.azp, payload.client_id, payload.clientId].filter((client) => (client ?? undefined) !== undefined),
    )
    if (named.size > 1 || [...named].some((client) => typeof client !== 'string')) return callerErrors.clientsDiffer
  }
  const overlong = overlongIdentifier(payload)
  if (overlong) return callerErrors.tooLong(overlong)
  // RFC 9068 section 5: the subject of a person must not be a client id, and some providers let people choose theirs
  const isOwn = payload.sub === clientOf(payload, form) && !isListed(payload, form)
  const claim = isOwn ? personClaim(payload, form) : undefined
  return claim && callerErrors.clientWithPerson(claim)
}

function withoutSubject(payload: JWTPayload, form: AccessTokenFormat): string | undefined {
  const claim = personClaim(payload, form) ?? NAMES.find((claim) => claim in payload)
  if (claim) return callerErrors.personWithoutSubject(claim)
  return clientOf(payload, form) === undefined ? callerErrors.unidentified : undefined
}

const NAMES = ['preferred_username', 'unique_name', 'name', 'given_name', 'family_name', 'nickname']

/**
 * Claims of people and their sessions, which no provider issues for a client. A subject in another claim than `sub` is one of them: if
 * `sub` is a login name, people may have one that equals a client id.
 */
function personClaim(payload: JWTPayload, { subject_claim = 'sub' }: AccessTokenFormat): string | undefined {
  const claims = [
    'sid',
    'session_state',
    'email',
    'username',
    'upn',
    ...(subject_claim === 'sub' ? [] : [subject_claim]),
  ]
  return claims.find((claim) => hasClaim(payload, claim))
}

/** The client of a token; undefined if the token does not name it. */
export function clientOf(payload: JWTPayload, { client_claim: claim }: AccessTokenFormat): string | undefined {
  if (claim !== undefined) return firstValue(claimAt(payload, claim))
  // RFC 9068, Keycloak before 25, Okta, version 1 of Microsoft Entra ID and ADFS
  const { azp, client_id, clientId, cid, appid } = payload
  return [azp, client_id, clientId, cid, appid]
    .map((client) => firstValue(client))
    .find((client) => client !== undefined)
}

function isListed({ sub }: JWTPayload, form: AccessTokenFormat): boolean {
  return sub !== undefined && form.service_subjects?.includes(sub) === true
}

/**
 * The client id of a service that acts for itself; undefined for the token of a person. A claim that people can choose, such as a name,
 * never decides. `listed`: the operator configured the subject, which is used instead of the client id.
 */
export function serviceOf(payload: JWTPayload, form: AccessTokenFormat): { id: string; listed: boolean } | undefined {
  const { sub } = payload
  if (sub !== undefined && isListed(payload, form)) return { id: sub, listed: true }
  const id = clientOf(payload, form)
  return id !== undefined && isOfClient(payload, id) ? { id, listed: false } : undefined
}

function isOfClient(payload: JWTPayload, client: string): boolean {
  const { sub } = payload
  // RFC 9068 section 2.2; without a subject only where the operator says so
  return sub === client || sub === undefined || hasClientClaim(payload, client)
}

/** Claims that providers issue only for clients. */
function hasClientClaim(payload: JWTPayload, client: string): boolean {
  const { sub, client_id, clientId, gty } = payload
  // service account of Keycloak: people can choose that name, but their tokens do not have this client claim
  const isOfKeycloak = payload.typ === 'Bearer' && (client_id ?? clientId) === client
  if (isOfKeycloak && payload.preferred_username === `service-account-${client}`) return true
  // Auth0
  if (gty === 'client-credentials' && sub === `${client}@clients`) return true
  return isEntraApp(payload)
}

/** Microsoft Entra ID: the optional claim `idtyp` is app only in tokens of applications, which have no scopes. */
function isEntraApp({ idtyp, scp }: JWTPayload): boolean {
  return idtyp === 'app' && scp === undefined
}

/**
 * Whether the provider marks the client of this token as a service (`services`), by a role or scope that administrators assigned. People
 * can have either too, and a subject can equal a client id, so a token with claims about a person or a sign-in is not marked.
 */
export function isMarkedService(payload: JWTPayload, form: AccessTokenFormat): boolean {
  const { role, scope } = form.services ?? {}
  const service = serviceOf(payload, form)
  if (!service || service.listed) return false
  const hasClientClaims = hasClientClaim(payload, service.id)
  if (!hasClientClaims && (personClaim(payload, form) ?? SIGN_INS.find((claim) => hasClaim(payload, claim))))
    return false
  const hasRole = role !== undefined && valuesOf(namesIn(claimAt(payload, role.claim))).includes(role.value)
  return hasRole || (scope !== undefined && splitScopes(scopeClaim(payload, form)).includes(scope))
}

/** The roles and scopes that mark services (`services`), for messages. */
export function serviceMarks({ services: { role, scope } = {} }: AccessTokenFormat): string[] {
  return [role && serviceMark.role(role.value), scope && serviceMark.scope(scope)].filter((mark) => mark !== undefined)
}

/** Claims about a sign-in or a name (RFC 9068 section 2.2.1, OpenID Connect Core 1.0 section 5.1). */
const SIGN_INS = ['auth_time', 'amr', 'nonce', ...NAMES]

/** Scopes of a token. Provider-specific names are mapped to the scopes of this API. */
export function scopesOf(payload: JWTPayload, form: AccessTokenFormat): string[] {
  const granted = scopeClaim(payload, form)
  const scopes = granted === undefined ? (form.default_scopes ?? []) : splitScopes(granted)
  const names = new Map(Object.entries(form.scopes ?? {}))
  return [...new Set(scopes.map((scope) => names.get(scope) ?? scope))]
}

function scopeClaim(payload: JWTPayload, form: AccessTokenFormat): unknown {
  const { scope_claim: own, service_scope_claim: ofServices = isEntraApp(payload) ? 'roles' : undefined } = form
  const scopes = (own === undefined ? (payload.scope ?? payload.scp) : namesIn(claimAt(payload, own))) ?? undefined
  if (scopes !== undefined || ofServices === undefined || !serviceOf(payload, form)) return scopes
  return namesIn(claimAt(payload, ofServices))
}

/** Roles of Zitadel are the member names of an object. */
function namesIn(claim: unknown): unknown {
  return isObject(claim) ? valuesOf(claim) : claim
}

/** A space-separated text, or a list of them. */
function splitScopes(value: unknown): string[] {
  return [value]
    .flat()
    .flatMap((each) => (typeof each === 'string' ? each.split(' ') : []))
    .filter(Boolean)
}
