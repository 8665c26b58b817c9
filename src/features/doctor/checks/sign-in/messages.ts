/** Details of findings about the identity provider. Titles, reasons and fixes are in findings/. */
export const discoveryMessages = {
  noDocument: (host: string, status: number) => `${host} returns ${status} and no discovery document.`,
  otherIssuer: (announced: string, issuer: string) => `It announces the issuer ${announced}; OIDC_ISSUER is ${issuer}.`,
  noTokenEndpoint: 'Its discovery document has no token endpoint.',
  failed: (reason: string) => `${reason}.`,
}

export const signInRequestMessages = {
  clientRejected: (client: string, response: string) =>
    `The token endpoint rejects the client ${client} with ${response}.`,
  noErrorCode: (status: number) => `The token endpoint returns ${status} without an error code.`,
  tokenEndpointStatus: (status: number) => `The token endpoint returns ${status}.`,
  tokenEndpointFailed: (reason: string) => `The token endpoint is not responding: ${reason}.`,
  unsupportedMethods: (methods: string) =>
    `The token endpoint accepts only ${methods}, which the doctor does not support.`,
  requestStatus: (status: number) => `The authorization request returns ${status}.`,
  requestError: (error: string) => `The authorization request returns the error ${error}.`,
  requestFailed: (reason: string) => `The authorization request failed: ${reason}.`,
  requestInvalid: (reason: string) => `The authorization request cannot be created: ${reason}`,
}

export const serviceTokenMessages = {
  noToken: (client: string, response: string) => `The token endpoint rejects ${client} with ${response}.`,
  invalidScope: (client: string) => `The provider returns invalid_scope for ${client}.`,
  notJwt: 'The access token is not a JWT, so the portal cannot verify it.',
  audience: (actual: string, expected: string) => `The token is for ${actual}; API_AUDIENCE is ${expected}.`,
  noAudience: 'no audience',
  scopes: (missing: string) => `The token lacks ${missing}.`,
  keysUnreadable: 'The signing keys of the provider cannot be read.',
  notAllowed: (client: string, marks: string) =>
    `${client} is not in API_CLIENTS${marks === '' ? '' : `, and its token does not have ${marks}`}.`,
}

export const claimMessages = {
  editable: (setting: string, claim: string, reason: string) => `${setting} names “${claim}”, ${reason}.`,
  profileAllowsEdit: 'which users can edit in the user profile of the realm',
  usuallyEditable: 'which users can usually edit themselves',
  undeclared: 'which the user profile of the realm does not declare; users may edit undeclared attributes',
  omitted: (setting: string, claim: string, time: string) => `${setting} names “${claim}”. It was omitted at ${time}.`,
  absent: (setting: string, claim: string, time: string) =>
    `${setting} names “${claim}”. No sign-in of the last seven days contained it; the most recent one was at ${time}.`,
}

export const emailMessages = {
  notStated: (time: string) => `A sign-in at ${time} had an address but no claim about its verification.`,
  statesVerification: 'The provider sends email_verified.',
  otherTenants: 'Administrators of other tenants set the addresses of their users.',
}

export const rejectedTokenMessage = (time: string, reason: string) => `At ${time}: ${reason}`

/** Completes “Not checked: …”. */
export const signInUnchecked = {
  client: 'whether it accepts the client ID and secret',
  request: 'whether it accepts the redirect URI and the scopes',
  serviceToken: 'tokens of the service client',
  apiAcceptsTokens: 'whether the API accepts its tokens',
}
