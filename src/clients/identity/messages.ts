export const identityMessages = {
  notConfigured:
    'The identity provider and this portal are not configured for each other. The operator of the portal can see the reason in its log.',
  invalidLogoutToken: 'This logout token is not valid.',
}

/** For the log, health checks and the doctor: what is wrong with the identity provider, and its remediation. */
export const misconfigurations = {
  clientSecret: (announced: string[], supported: readonly string[]) =>
    `The token endpoint of the identity provider accepts no client secret (${announced.join(', ')}). Configure the client for one of ${supported.join(', ')}.`,
  noAlgorithm: 'The identity provider announces no asymmetric algorithm for ID tokens. Configure RS256 for it.',
  encryptedTokens: 'The identity provider encrypts ID tokens. Turn this off for the client of the portal.',
  manyTenants: (announced: string) =>
    `The identity provider announces the issuer ${announced}, which stands for many tenants. Set OIDC_ISSUER to the issuer of one tenant.`,
  otherIssuer: (announced: string, issuer: string) =>
    `The identity provider announces the issuer ${announced}, but OIDC_ISSUER is ${issuer}. Set OIDC_ISSUER to the announced issuer, and identity_provider.discovery_url in PORTAL_CONFIG if the discovery document is not below it.`,
  missingMember: (name: string) => `The discovery document of the identity provider has no ${name}.`,
  wrongProtocol: (name: string, protocol = 'https:') =>
    `The ${name} in the discovery document of the identity provider is not an ${protocol}// address. Behind a proxy, configure the provider with its public address.`,
}
