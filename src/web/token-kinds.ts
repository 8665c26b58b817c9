import type { JWTPayload } from 'jose'
import { isSameIssuer, tokenType } from '../clients/identity-terms.js'
import { claimAt, firstValue, hasClaim, isObject, overlongIdentifier, valuesOf } from '../clients/token-claims.js'

/** What access tokens of a provider look like where they differ from RFC 9068; each member as in PORTAL_CONFIG. */
export interface TokenForm {
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
  service_subjects?: string[]
  services_without_subject?: boolean
  accept_id_tokens?: boolean
}

const SETTING = 'identity_provider.access_tokens'

/** Why something that is sent as a token cannot be verified at all, as a sentence; undefined: it may be a signed JWT. */
export function formFault(token: string): string | undefined {
  const parts = token.split('.').length
  if (parts === 5)
    return 'This access token is encrypted, and this API verifies signed tokens only. Have the provider issue signed JWT access tokens.'
  if (parts === 3) return undefined
  return 'This access token is not a JWT, and this API verifies JWTs only. Have the provider issue JWT access tokens for the audience of this API, or use another grant or client.'
}

/** Claims of ID tokens alone (OpenID Connect Core 1.0 sections 2 and 3.3.2.11). */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash']

/**
 * Why a token is no access token, as a sentence. RFC 9068 marks them by the header `typ` at+jwt, Keycloak by the claim `typ`
 * Bearer, Amazon Cognito by `token_use` access. Another `typ` needs a setting, since ID tokens have it too.
 */
export function kindFault(payload: JWTPayload, header: { typ?: unknown }, form: TokenForm): string | undefined {
  const typ = typeof header.typ === 'string' ? tokenType(header.typ) : 'none'
  if ((payload.typ ?? 'Bearer') !== 'Bearer')
    return 'The claim typ of this token names another kind of token. Send an access token.'
  if ((payload.token_use ?? 'access') !== 'access')
    return 'The claim token_use of this token is not access. Send an access token.'
  if (typ === 'at+jwt' || (typ === 'jwt' && payload.typ === 'Bearer')) return undefined
  if (!(form.types ?? []).some((accepted) => tokenType(accepted) === typ))
    return `The type of this token is ${typ === 'none' ? 'missing' : 'not at+jwt'}. Send an access token as of RFC 9068, or have the operator of the portal accept this type in PORTAL_CONFIG: ${SETTING}.types.`
  // RFC 8417 section 2.2: a security event, such as a logout token
  if (payload.events !== undefined) return 'This token reports an event. Send an access token.'
  const foreign = ID_TOKEN_CLAIMS.find((claim) => payload[claim] !== undefined)
  if (foreign === undefined || payload.token_use === 'access' || form.accept_id_tokens) return undefined
  return `This token has the claim ${foreign} of an ID token. Send an access token. For providers whose access tokens have it, see ${SETTING}.accept_id_tokens in PORTAL_CONFIG.`
}

/** Why a token is of another issuer, as a sentence. With or without a slash at its end, an issuer is the same. */
export function issuerFault({ iss }: JWTPayload, issuer: string, form: TokenForm): string | undefined {
  const accepted = [issuer, ...(form.issuers ?? [])]
  if (typeof iss === 'string' && accepted.some((each) => isSameIssuer(iss, each))) return undefined
  return `The issuer (iss) of this access token is not the one of this API. The operator of the portal can accept others in PORTAL_CONFIG: ${SETTING}.issuers.`
}

/** Why a token is not for this API, as a sentence. */
export function audienceFault(payload: JWTPayload, audience: string, form: TokenForm): string | undefined {
  // an empty list is what Ory Hydra sends
  const audiences = [payload.aud ?? []].flat()
  if (audiences.length === 0 && form.clients?.includes(clientOf(payload, form) ?? '')) return undefined
  if (audiences.length === 0)
    return `This access token has no audience (aud). Request one for ${audience}, or have the operator of the portal list its client in PORTAL_CONFIG: ${SETTING}.clients.`
  const accepted = new Set([audience, ...(form.audiences ?? [])])
  if (audiences.some((each) => accepted.has(each))) return undefined
  return `The audience (aud) of this access token is not this API. Request a token for ${audience}, or have the operator of the portal accept its audience in PORTAL_CONFIG: ${SETTING}.audiences.`
}

/** Why a token for this API is refused all the same, as a sentence. */
export function callerFault(payload: JWTPayload, form: TokenForm): string | undefined {
  // RFC 7800: only the holder of a key may use it; a copy must not be good for anything (RFC 9449 section 7.1, RFC 8705 section 3)
  if (payload.cnf !== undefined)
    return 'This access token is bound to a key (cnf), and this API does not verify such keys. Request a bearer token without DPoP and without a client certificate.'
  // RFC 8693 section 4.1: the rights and the audit log of this API know one caller
  if (payload.act !== undefined)
    return 'This access token is for a delegation (act), which this API does not accept. Request a token for one caller.'
  if (payload.sub === undefined && form.services_without_subject) return withoutSubject(payload, form)
  if (payload.sub === undefined)
    return `This access token has no subject (sub). In Keycloak, the client scope basic adds it. For tokens of clients without one, see ${SETTING}.services_without_subject in PORTAL_CONFIG.`
  // RFC 7519 section 4.1.2: anything else would be the same text for several callers
  if (typeof payload.sub !== 'string' || payload.sub === '') return 'The claim sub of this access token is not a text.'
  if (form.client_claim === undefined) {
    const named = new Set(
      [payload.azp, payload.client_id, payload.clientId].filter((client) => (client ?? undefined) !== undefined),
    )
    if (named.size > 1 || [...named].some((client) => typeof client !== 'string'))
      return 'The claims azp and client_id of this access token name different clients.'
  }
  const overlong = overlongIdentifier(payload)
  if (overlong) return `The claim ${overlong} of this access token is longer than 255 characters.`
  // RFC 9068 section 5: a person must not get a subject that is a client id, and some providers let people choose theirs
  const isOwn = payload.sub === clientOf(payload, form) && !isListed(payload, form)
  const sign = isOwn ? signOfPerson(payload, form) : undefined
  return sign && `The subject of this access token is its client, and the claim ${sign} is that of a person.`
}

function withoutSubject(payload: JWTPayload, form: TokenForm): string | undefined {
  const sign = signOfPerson(payload, form) ?? NAMES.find((claim) => claim in payload)
  if (sign) return `This access token has no subject (sub), and the claim ${sign} is that of a person.`
  return clientOf(payload, form) === undefined ? 'This access token names neither a subject nor a client.' : undefined
}

const NAMES = ['preferred_username', 'unique_name', 'name', 'given_name', 'family_name', 'nickname']

/**
 * Claims of people and their sessions that no provider writes for a client that speaks for itself. A subject in another claim
 * than `sub` is one of them: where `sub` is a login, people may have one that is the id of a client.
 */
function signOfPerson(payload: JWTPayload, { subject_claim = 'sub' }: TokenForm): string | undefined {
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

/** The client that a token was issued to; undefined: it does not say. */
export function clientOf(payload: JWTPayload, { client_claim: claim }: TokenForm): string | undefined {
  if (claim !== undefined) return firstValue(claimAt(payload, claim))
  // RFC 9068, Keycloak before 25, Okta, version 1 of Microsoft Entra ID and ADFS
  const { azp, client_id, clientId, cid, appid } = payload
  return [azp, client_id, clientId, cid, appid]
    .map((client) => firstValue(client))
    .find((client) => client !== undefined)
}

function isListed({ sub }: JWTPayload, form: TokenForm): boolean {
  return sub !== undefined && form.service_subjects?.includes(sub) === true
}

/**
 * The service that speaks for itself, by its client id; undefined: the token is a person's. No claim decides alone that people
 * can choose, as their name. `listed`: the operator named its subject, which then stands for it.
 */
export function serviceOf(payload: JWTPayload, form: TokenForm): { id: string; listed: boolean } | undefined {
  const { sub } = payload
  if (sub !== undefined && isListed(payload, form)) return { id: sub, listed: true }
  const id = clientOf(payload, form)
  return id !== undefined && isOfClient(payload, id) ? { id, listed: false } : undefined
}

function isOfClient(payload: JWTPayload, client: string): boolean {
  const { sub, client_id, clientId, gty } = payload
  // RFC 9068 section 2.2; without a subject only where the operator says so
  if (sub === client || sub === undefined) return true
  // the service account of Keycloak: the name proves nothing alone, but there the token of a person has no such client claim
  const isOfKeycloak = payload.typ === 'Bearer' && (client_id ?? clientId) === client
  if (isOfKeycloak && payload.preferred_username === `service-account-${client}`) return true
  // Auth0
  if (gty === 'client-credentials' && sub === `${client}@clients`) return true
  return isEntraApp(payload)
}

/** Microsoft Entra ID: the optional claim `idtyp` is app in tokens of applications alone, and these have no scopes. */
function isEntraApp({ idtyp, scp }: JWTPayload): boolean {
  return idtyp === 'app' && scp === undefined
}

/** Scopes of a token, with those of the provider's own names in words of this API. */
export function scopesOf(payload: JWTPayload, form: TokenForm): string[] {
  const named = claimed(payload, form)
  const scopes = named === undefined ? (form.default_scopes ?? []) : words(named)
  const names = new Map(Object.entries(form.scopes ?? {}))
  return [...new Set(scopes.map((scope) => names.get(scope) ?? scope))]
}

function claimed(payload: JWTPayload, form: TokenForm): unknown {
  const { scope_claim: own, service_scope_claim: ofServices = isEntraApp(payload) ? 'roles' : undefined } = form
  const scopes = (own === undefined ? (payload.scope ?? payload.scp) : namesIn(claimAt(payload, own))) ?? undefined
  if (scopes !== undefined || ofServices === undefined || !serviceOf(payload, form)) return scopes
  return namesIn(claimAt(payload, ofServices))
}

/** Roles of Zitadel are an object whose members have these names. */
function namesIn(claim: unknown): unknown {
  return isObject(claim) ? valuesOf(claim) : claim
}

/** A text of words, or a list of texts. */
function words(value: unknown): string[] {
  return [value]
    .flat()
    .flatMap((each) => (typeof each === 'string' ? each.split(' ') : []))
    .filter(Boolean)
}
