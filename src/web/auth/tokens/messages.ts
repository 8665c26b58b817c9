/** Reasons why an access token is rejected, with the remedy. The doctor and docs/identity-providers.md refer to them. */

const SETTING = 'identity_provider.access_tokens'

export const formatErrors = {
  encrypted:
    'This access token is encrypted, and this API verifies signed tokens only. Configure the provider to issue signed JWT access tokens.',
  notJwt:
    'This access token is not a JWT, and this API verifies JWTs only. Configure the provider to issue JWT access tokens for the audience of this API, or use another grant or client.',
}

export const typeErrors = {
  typClaim: 'The claim typ of this token states another type of token. Send an access token.',
  tokenUse: 'The claim token_use of this token is not access. Send an access token.',
  event: 'This token reports an event. Send an access token.',
  header: (typ: string) =>
    `The type of this token is ${typ === 'none' ? 'missing' : 'not at+jwt'}. Send an access token as of RFC 9068, or ask the operator of the portal to accept this type in PORTAL_CONFIG: ${SETTING}.types.`,
  idToken: (claim: string) =>
    `This token has the claim ${claim} of an ID token. Send an access token. If access tokens of your provider have this claim, see ${SETTING}.accept_id_tokens in PORTAL_CONFIG.`,
}

export const ISSUER_ERROR = `The issuer (iss) of this access token is not the issuer of this API. The operator of the portal can accept other issuers in PORTAL_CONFIG: ${SETTING}.issuers.`

export const audienceErrors = {
  missing: (audience: string) =>
    `This access token has no audience (aud). Request one for ${audience}, or ask the operator of the portal to list its client in PORTAL_CONFIG: ${SETTING}.clients.`,
  other: (audience: string) =>
    `The audience (aud) of this access token is not this API. Request a token for ${audience}, or ask the operator of the portal to accept its audience in PORTAL_CONFIG: ${SETTING}.audiences.`,
}

export const callerErrors = {
  keyBound:
    'This access token is bound to a key (cnf), and this API does not verify such keys. Request a bearer token without DPoP and without a client certificate.',
  delegated:
    'This access token is for a delegation (act), which this API does not support. Request a token for one caller.',
  subjectMissing: `This access token has no subject (sub). In Keycloak, the client scope basic adds it. For clients without a subject, see ${SETTING}.services_without_subject in PORTAL_CONFIG.`,
  subjectNotText: 'The claim sub of this access token is not a string.',
  clientsDiffer: 'The claims azp and client_id of this access token name different clients.',
  tooLong: (claim: string) => `The claim ${claim} of this access token is longer than 255 characters.`,
  clientWithPerson: (claim: string) =>
    `The subject of this access token is its client, but the claim ${claim} belongs to a person.`,
  personWithoutSubject: (claim: string) =>
    `This access token has no subject (sub), but the claim ${claim} belongs to a person.`,
  unidentified: 'This access token names neither a subject nor a client.',
  claimMissing: (claim: string) => `This access token has no usable claim ${claim}.`,
}

/** `marks`: the roles and scopes that mark services, if the operator configured any. */
export function serviceNotAllowed(marks: string): string {
  const remedy =
    marks === ''
      ? `The operator of the portal can list it in API_CLIENTS, or configure a role or scope for services: ${SETTING}.services in PORTAL_CONFIG.`
      : `An administrator of the identity provider can assign ${marks}, or the operator of the portal can list the client in API_CLIENTS.`
  return `This client may not act as a service here. ${remedy}`
}

export const serviceMark = {
  role: (name: string) => `the role ${name}`,
  scope: (name: string) => `the scope ${name}`,
}

export const verificationErrors = {
  expired: 'The access token has expired. Request a new one.',
  notYetValid: 'This access token is not valid yet (nbf). Check the clock of the provider.',
  algorithm:
    'The signature algorithm (alg) of this access token is not accepted. Configure the provider to sign with a key pair, such as RS256 or ES256.',
  claimMissing: (claim: string) => `This access token has no claim ${claim}.`,
}
