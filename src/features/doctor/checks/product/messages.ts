/** Details of findings about one product. Titles, reasons and fixes are in findings/. */
export const backendMessages = {
  unmatchedRules: (calls: string) => `No backend serves ${calls}.`,
  missingVersion: (paths: string) => `The model server receives requests for ${paths}, without /v1.`,
}

export const documentMessages = {
  unpublished: (name: string) => `“${name}” exists but is not published.`,
  namedAfterOther: (document: string, product: string) =>
    `“${document}” is named after ${product} but linked to this product.`,
  tooComplex: (name: string) => `“${name}”.`,
  notOpenApi: (name: string) => `“${name}” is not an OpenAPI document.`,
  unmapped: (calls: string) => `No mapping rule accepts: ${calls}.`,
  otherServer: (document: string, server: string, gateway: string) =>
    `“${document}” names ${server}; the gateway is at ${gateway}.`,
  unlinked: (document: string, systemName: string, owner: string | undefined) =>
    `“${document}” (${systemName}) is not linked to a product.${owner ? ` Its name suggests ${owner}.` : ''}`,
}

export const endpointMessages = {
  open: (path: string, status: number) => `GET ${path} without a key returns ${status}.`,
  serverError: (host: string, status: number) => `${host} returns ${status} to a request without a key.`,
  noDiscovery: (issuer: string, status: number) => `${issuer} returns ${status} and no discovery document.`,
  failed: (reason: string) => `${reason}.`,
}

export const keyMessages = {
  application: (id: number, account: number) => `application ${id} (account ${account})`,
  anyKeyAccepted: (application: string) => `The gateway accepts any key for ${application}.`,
  refused: (keys: string, application: string) => `The gateway refuses ${keys} of ${application}.`,
  unclear: (keys: string, application: string) => `The gateway gave no clear response to ${keys} of ${application}.`,
  keys: (count: number, all: number) => (all === 1 ? 'the key' : `${count} of ${all} keys`),
}

export const modelIdMessages = {
  notAList: 'The response is not a list of models.',
  mismatch: (source: 'spec' | 'PORTAL_CONFIG', id: string, listed: string) =>
    `${source === 'spec' ? 'The spec' : 'PORTAL_CONFIG'} names “${id}”; the model server lists ${listed}.`,
  privateStatus: (status: number) => `The model server returns ${status} at its private address.`,
  privateUnreachable: (kind: string) => `The model server could not be reached at its private address (${kind}).`,
}

export const planMessages = {
  onlyHidden: (plans: string) => `All its plans are hidden: ${plans}.`,
  none: 'It has no application plan.',
  byDefault: (plan: string) => `At sign-up, every user gets an application of “${plan}”.`,
  approval: (plan: string) => `New subscriptions use “${plan}”, which requires approval.`,
}

export const policyChainMessages = {
  unknown: (policies: string) => `Not a known built-in policy: ${policies}.`,
  metricIsMethod: (metric: string) => `${metric} is a method, so its tokens would count as calls.`,
  metricMissing: (metric: string, similar: string | undefined) =>
    similar ? `Metric ${metric} does not exist; the product has ${similar}.` : `Metric ${metric} does not exist.`,
}

export const promotionMessages = {
  stagingAhead: (staging: number, production: number, differences: string) =>
    `Staging has version ${staging}, production runs version ${production}. ${
      differences === '' ? 'The compared settings are identical.' : `Differences: ${differences}.`
    }`,
  notDeployed: (version: number, environment: 'staging' | 'production', changes: string) =>
    `Changed since version ${version} of ${environment}: ${changes}.`,
}

export const mappingRuleMessages = {
  sharedEndpoint: (endpoint: string, products: string) => `${endpoint} is also the address of ${products}.`,
  wrongMethod: (calls: string) => `${calls}: these are POST requests, and no rule accepts POST.`,
  onlyDefaultRule: 'The only rule is GET /, which 3scale creates with each product.',
  doubleCount: (calls: string, rules: string[]) => `${calls} counts through ${rules.join(' and through ')}.`,
}

/** What a failed call leaves unchecked; completes “Not checked: …”. */
export const productUnchecked = {
  backends: 'its backends, their paths, and whether changes to them are deployed',
  settings: 'whether its policies, credentials and public base URL are deployed',
  mappingRules: 'whether its mapping rules are deployed',
  backendRules: (backend: string) => `whether the mapping rules of the backend ${backend} are deployed`,
}

/** Checks with the application that PORTAL_CONFIG names (`model_server`). */
export const probeApplicationMessages = {
  name: (id: number, account: number) => `Application ${id} (account ${account})`,
  productHidden: 'PORTAL_CONFIG names an application of a product that the portal does not show.',
  listStatus: (status: number, path: string) => `The gateway returns ${status} to GET ${path}.`,
  listFailed: (reason: string) => `The list could not be read with the configured application: ${reason}`,
  otherProduct: (application: string) =>
    `${application} is not an application of this product, or the portal does not show it.`,
  notLive: (application: string, state: string) => `${application} is ${state}, so its keys are refused.`,
  failed: (application: string, reason: string) => `${application} could not be read: ${reason}`,
}
