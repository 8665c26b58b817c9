/** Help texts of the commands. */
export const help = {
  program: 'Developer portal for Models as a Service on Red Hat 3scale',
  serve: 'Start the portal with the settings in the environment',
  version: { command: 'Print version, commit and build date', json: 'print JSON' },
  demo: {
    command: 'Start the portal with a local 3scale, identity provider and gateway',
    only: 'start only one part',
    state: 'file for the state of the 3scale part',
    tenant: 'initial tenant of the 3scale part',
  },
  doctor: {
    command: 'Check a tenant with the settings in the environment, without changes',
    json: 'print the report as JSON',
    failOn: 'lowest severity that results in exit code 1',
    exitCodes: '\nExit codes: 0 no findings, 1 findings, 2 some checks could not run.',
  },
  names: {
    command: 'List 3scale users with usernames of an earlier build or an older secret; rename them with --apply',
    apply: 'rename the users; without it, nothing is changed',
    json: 'print the list as JSON',
    only: 'include only these kinds',
    except: 'IDs of users to exclude, such as 12,34',
    exitCodes:
      '\nExit codes: 0 all usernames are current, 1 users remain, 2 invalid settings or 3scale stopped responding.',
  },
  key: {
    command: 'For pipelines: create an application once and write its credentials as a Kubernetes Secret',
    portal: 'address of the portal (or MAAS_PORTAL_URL)',
    model: 'the model',
    name: 'exact name of the application; it is created if it does not exist',
    plan: 'plan of a new application',
    description: 'description of a new application',
    field: 'field of a new application; repeatable',
    signUp: 'create an account for this client if it has none',
    join: 'join the account with this ID, which invites this client',
    acceptTerms: 'version of the terms of use to accept at sign-up',
    accountField: 'field of the sign-up; repeatable',
    secret: 'name of the Secret (default: derived from the model)',
    namespace: 'namespace of the Secret (default with --apply: that of the pod)',
    output: 'format on standard output (default: secret, nothing with --apply)',
    apply: 'apply the Secret to the cluster of this pod',
    rotateAfter: 'rotate a key of this age, such as 30d',
    overlap: 'how long the previous key remains valid',
    timeout: 'how long to retry while a service is unavailable',
    scope: 'scopes of the access token',
    tokenParameter: 'parameter of the token request, such as audience; repeatable',
    serviceAccount: 'with --apply: folder with token, ca.crt and namespace',
    more: `
Credentials: MAAS_CLIENT_ID and MAAS_CLIENT_SECRET, or MAAS_TOKEN, each also as NAME_FILE.
Exit codes: 0 the credentials are written, 1 an option, a setting or the request is rejected, 2 a service is unavailable
(run it again later), 3 the application or the account is waiting for approval.`,
  },
  openapi: {
    command: 'Write the OpenAPI document of the REST API and the JSON Schema of PORTAL_CONFIG',
    out: 'output file',
  },
}

export const argumentMessages = {
  userIds: 'Use user IDs such as 12,34.',
  emptyName: 'The name is empty.',
  accountId: 'Use the ID of an account, such as 504.',
  duration: 'Use a duration such as 45s, 90m, 12h or 30d.',
  pair: 'Use name=value.',
}

export const demoMessages = {
  port: (value: string, max: number) =>
    `PORT is "${value}". Set it to a number from 1 to ${max}. The demo also uses the ports after it.\n`,
  timing: (value: string | undefined) => `DEMO_TIMING is "${value}". Set it to real or quick.\n`,
  partEnded: (code: number | null) =>
    `A part of the demo ended with code ${code}, so the demo stops. Check that its ports are free, or try PORT=4000 npm run demo.\n`,
  cannotUse: (part: string, resource: string, code: string | undefined) =>
    `The ${part} part of the demo cannot use ${resource} (${code}).\n`,
  partReady: (part: string) => `${part} is ready\n`,
  welcome: (ports: { portal: number; threescale: number; identity: number; gateway: number; metrics: number }) => `
The maas-portal demo is ready: http://localhost:${ports.portal}

  3scale stand-in     http://localhost:${ports.threescale}   (admin token: demo-token)
  identity provider   http://localhost:${ports.identity}
  gateway             http://localhost:${ports.gateway} and higher, one port per product
  metrics, health     http://localhost:${ports.metrics}/metrics  /readyz

  Users (password "demo"): ada (new), linus (from the built-in 3scale portal), grace (e-mail not verified), admin

  Try:  curl -s http://localhost:${ports.portal}/api/v1/models

Press Ctrl-C to stop.
`,
}

export const namesMessages = {
  stopped: (reason: string) => `Stopped: ${reason}. Run the command again to continue.\n`,
  unknownTime: 'at an unknown time',
  summary: (done: string, excluded: number, pending: number, review: number) =>
    `${done}, ${excluded} excluded, ${pending} renamed at the next sign-in, ${review} to review.\n`,
  renamed: (count: number) => `${count} renamed`,
  toRename: (count: number) => `${count} to rename with --apply`,
}
