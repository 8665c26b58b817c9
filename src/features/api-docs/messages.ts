/** Text of the page about the REST API. */

export const page = {
  title: 'REST API',
  lead: 'All features of the portal for programs, with the same rules and results.',
}

export const factLabels = {
  address: 'Address',
  openApi: 'OpenAPI 3.1 document',
  resourceMetadata: 'Protected resource metadata (RFC 9728)',
}

export const samples = {
  userToken: {
    label: 'Token for a user',
    note: 'Your operator may use a different client ID.',
  },
  serviceToken: {
    label: 'Token for a service',
    note: 'The client requires the role or scope for services, or must be listed in API_CLIENTS.',
  },
  firstCall: { label: 'First call', note: '' },
}

export const locations = { query: 'query', path: 'path', header: 'header' } as const
export const exampleLabel = (operationId: string, status: string) => `Example of ${operationId}, ${status}`

/** Markdown. */
export const conventions = [
  {
    name: 'Tokens',
    text: 'Send an access token in the `Authorization` header. Read requests require the scope `maas:read`, and changes require `maas:write`. Returning an existing key (`reveal=true`) also requires `maas:reveal`.',
  },
  {
    name: 'Retries',
    text: 'Send a unique `Idempotency-Key` with each POST. If a response is lost, repeat the request with the same key and body: it takes effect only once. `Idempotency-Replayed: true` means that nothing new was created.',
  },
  {
    name: 'Lists',
    text: 'A list has `items` and `next_cursor`. Send `next_cursor` as `cursor` to get the next page. On the last page it is null.',
  },
  {
    name: 'Limits',
    text: '`RateLimit` states the remaining requests and the seconds until the limit resets. After 429 or 503, wait for the time in `Retry-After`.',
  },
  {
    name: 'Entity tags',
    text: 'The catalogue, applications and members have an `ETag`. Send it as `If-None-Match` to get 304 if nothing changed. Send it as `If-Match` with a change to get 412 if something changed.',
  },
  {
    name: 'Errors',
    text: 'Errors are problem details (RFC 9457). They have a stable `type`, a `detail` with the remedy, `errors` by field, and a `request_id` for support, which every response has as `X-Request-Id`.',
  },
  {
    name: 'Browsers',
    text: 'A web application on another origin can call the API if the operator lists its origin (CORS). It must send an access token; cookies are not accepted.',
  },
]
