/** Messages of the REST API that belong to no feature. */

export const BEARER_REQUIRED = 'Send an access token in the header Authorization: Bearer TOKEN.'
export const BEARER_MALFORMED = 'The Authorization header is not valid. Use the form: Bearer TOKEN.'
export const SIGN_UP_REQUIRED = 'You have not signed up. Open the portal in a browser once, or send POST /api/v1/me.'
export const OUTSIDE_API = 'This address does not exist. The API is at /api/v1. GET /api/v1/openapi.json describes it.'
export const UNKNOWN_PATH = 'This address does not exist. GET /api/v1/openapi.json lists all addresses.'

export function extraSlash(path: string): string {
  return `This address does not exist. Remove the extra slash: ${path}`
}

export function methodNotAllowed(methods: string): string {
  return `This address does not support the request method. It supports: ${methods}.`
}

export function scopeRequired(scopes: string[]): string {
  return `This request requires an access token with the scope${scopes.length > 1 ? 's' : ''} ${scopes.join(' and ')}.`
}

export const UNKNOWN_MODEL = 'This model does not exist. GET /api/v1/models lists the system names.'

export const OPERATION_STOPPED =
  'The portal was stopped while it processed this request. Send the request again, with the same Idempotency-Key if it had one.'

const FIRST_PAGE = 'Use the parameters of the first page, or start without a cursor.'
export const cursorErrors = {
  malformed: 'This cursor is not valid. Start without a cursor.',
  otherList: 'This cursor belongs to another list or account. Start without a cursor.',
  otherSort: `This cursor belongs to another sort order. ${FIRST_PAGE}`,
  otherFilters: `This cursor belongs to other filters. ${FIRST_PAGE}`,
}

export const ETAG_MALFORMED =
  'Send the ETag as it was received, with its quotation marks. Separate several ETags with commas, or send *.'
export const ETAG_EXCLUDED = 'If-None-Match excludes the current ETag. Nothing was changed.'
