/** Messages of `maas-portal key` on standard error. They never contain a credential. */
export const keyMessages = {
  outputFailed: (code: string | undefined) => `The credentials could not be written to standard output (${code}).`,
  otherPlan: (application: string, actual: string, requested: string) =>
    `${application} has the plan ${actual}, not ${requested}.`,
  modelUnavailable: (model: string) => `The model ${model} is no longer available.`,
  modelRetires: (model: string, date: string, successor: string | null) =>
    `The model ${model} retires on ${date}.${successor === null ? '' : ` Use ${successor} instead.`}`,
  summary: (application: string, keyId: string, changes: string[]) =>
    `${application}, key ${keyId}: ${changes.length > 0 ? changes.join(', ') : 'unchanged'}.`,
  signedUp: 'signed up',
  created: 'application created',
  rotated: 'key rotated',
  removed: (count: number) => `${count} older ${count === 1 ? 'key' : 'keys'} removed`,
  secretWritten: (namespace: string | null, name: string) => `Secret ${namespace}/${name} written`,
}

export const tokenMessages = {
  status: (status: number) => `The identity provider issued no access token (status ${status}).`,
  error: (reason: string) => `The identity provider issued no access token (${reason}).`,
  temporary: (status: number) => `The identity provider responded with status ${status}`,
  otherIssuer: (issuer: string, announced: string) =>
    `The identity provider at ${issuer} announces the issuer ${announced}.`,
  metadataStatus: (address: string, status: number) => `${address} responded with status ${status}`,
  noSignInService: (address: string, origin: string) =>
    `${address} names no identity provider. Check that ${origin} is the address of the portal.`,
  otherResource: (address: string, resource: string) =>
    `${address} belongs to ${resource}. Use that address as --portal.`,
  notHttps: (address: string) => `${address} names an identity provider without https.`,
}

export const applicationMessages = {
  name: (id: number, name: string) => `Application ${id} (${JSON.stringify(name)})`,
  pending: (application: string) => `${application} is waiting for approval by the operator of the portal.`,
  suspended: (application: string) => `${application} is suspended. Contact the operator of the portal.`,
  ambiguous: (ids: string) => `Several applications have this name and model (${ids}). Rename all but one.`,
  noAccount: (required: string[]) =>
    `This client has no account. Add --sign-up to create one, or --join ID to join the account that invites it.${
      required.length > 0 ? ` A new account requires ${required.join(', ')}.` : ''
    }`,
}

export const clusterMessages = {
  notInPod: (folder: string) =>
    `--apply requires a pod with a service account token (${folder}). Elsewhere, use: maas-portal key … | kubectl apply -f -`,
  noNamespace: (namespace: string) => `The namespace ${namespace} does not exist.`,
  status: (status: number, message: string) => `The cluster responded with status ${status}. ${message}`.trim(),
  host: (host: string) => `The cluster (${host})`,
  unreadable: (path: string, code: string | undefined) => `--service-account: cannot read ${path} (${code}).`,
  empty: (path: string) => `--service-account: ${path} is empty.`,
}

export const templateMessages = {
  noSecret: (note: string) => `This model has no Kubernetes Secret. ${note}`,
  updatePortal: 'Update the portal.',
  noValue: (variable: string) => `The portal returned no value for ${variable}.`,
}

export const rotationMessages = {
  keyNotReturned: (application: number) => `The key of application ${application} was not returned.`,
  newKeyNotReturned: (application: number) => `The new key of application ${application} was not returned.`,
}

/** Problems with options and settings; each completes “NAME: …”. */
export const optionMessages = {
  portalExample: (problem: string) => `${problem}; for example https://models.example.com`,
  missing: 'is missing',
  tokenAndClient: 'set it or MAAS_CLIENT_ID and MAAS_CLIENT_SECRET, not both',
  clientIdMissing: 'is missing; or set MAAS_TOKEN_FILE to an access token',
  clientSecretMissing: 'is missing; or set MAAS_CLIENT_SECRET_FILE',
  notAToken: 'is not an access token',
  overlap: 'must be shorter than --rotate-after',
  name: 'is not a Kubernetes name: lower-case characters, digits and hyphens; for example granite-chat',
}

export const portalMessages = {
  later: 'Run the command again later.',
  after: (seconds: number) => `Run the command again in ${seconds === 1 ? '1 second' : `${seconds} seconds`}.`,
  notJson: 'The portal returned a response that is not JSON.',
  status: (status: number) => `The portal responded with status ${status}.`,
  request: (status: number, id: string) => `(status ${status}, request ${id})`,
  signInService: 'The identity provider',
  noResponse: 'There was no response.',
  signInStatus: (status: number) => `The identity provider responded with status ${status}.`,
}
