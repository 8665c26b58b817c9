import type { ErrorCode } from '../../../errors.js'

/** Titles of problems and error pages, by status. */
export const statusTitles: Record<number, string> = {
  400: 'Bad request',
  401: 'Sign-in required',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  406: 'Format not available',
  409: 'Conflict',
  412: 'Precondition failed',
  413: 'Request too large',
  415: 'Unsupported content type',
  422: 'Some fields are not valid',
  429: 'Too many requests',
  431: 'Request headers too large',
  500: 'Something went wrong',
  502: 'The model endpoint is not responding',
  503: 'Temporarily unavailable',
}

/** Titles of problems that differ from the others of their status. */
export const codeTitles: Partial<Record<ErrorCode, string>> = {
  idempotency_key_reused: 'Idempotency-Key already used',
  result_deleted: 'The result of the Idempotency-Key was deleted',
}

export const UNKNOWN_ERROR_TITLE = 'Something went wrong'

export const SESSION_ENDED = 'Your session ended before you submitted the form. Nothing was changed. Submit it again.'

export const AMBIGUOUS_HEADERS = 'The request has more than one Host or Authorization header. Send only one of each.'

export const STATIC_FILE_NOT_FOUND = 'This file does not exist.'
