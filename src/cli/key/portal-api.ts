import { setTimeout as sleep } from 'node:timers/promises'
import { readJson } from '../../infra/bounded-json.js'
import type { Http, HttpResponse } from '../../infra/http/http.js'
import { HttpError, toHttpError } from '../../infra/http/http-error.js'
import { retryAfterIn } from '../../infra/http/retry-after.js'
import { type AccessToken, oneLine } from './access-token.js'
import { KeyFailure } from './key-failure.js'
import { portalMessages as messages } from './messages.js'

export interface PortalApiOptions {
  portal: URL
  http: Pick<Http, 'send'>
  accessToken: AccessToken
  /** When the command ends, as Date.now(). */
  deadline: number
}

interface ApiRequest {
  body?: object
  idempotencyKey?: string
  /** Error statuses that the caller handles. */
  accept?: number[]
}

export interface ApiResult<T> {
  status: number
  body: T
  /** The portal replayed the response to an earlier request with this Idempotency-Key. */
  replayed: boolean
  /** The failure for a status that the caller decides not to accept. */
  refusal(): KeyFailure
}

interface Problem {
  type?: string
  detail?: string
  errors?: Record<string, string>
  request_id?: string
}

export type PortalApi = ReturnType<typeof createPortalApi>

/** A sign-up in 3scale may take this long. */
const LONGEST_MS = 35_000
/** The most deletions of a result that the command recreates. */
const MOST_GENERATIONS = 50
const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 15_000

/** Calls the REST API. Retries temporary failures (429, 5xx, no response) until the deadline, after `Retry-After`. Rejects with KeyFailure. */
export function createPortalApi({ portal, http, accessToken, deadline }: PortalApiOptions) {
  return {
    /** The address of a page of the portal. */
    address: (path: string) => new URL(path, portal).href,
    get: <T>(path: string, options?: ApiRequest) => call<T>('GET', path, options),
    post,
    remove: (path: string) => call<unknown>('DELETE', path, { accept: [404] }),
  }

  /** If the result of this key was deleted, a request with another key creates it again. */
  async function post<T>(path: string, { body = {}, name }: { body?: object; name: string }): Promise<ApiResult<T>> {
    for (let generation = 1; ; generation++) {
      const idempotencyKey = generation === 1 ? name : `${name}-${generation}`
      const result = await call<T>('POST', path, { body, idempotencyKey, accept: [409] })
      if (result.status !== 409) return result
      if (!hasCode(result.body, 'result_deleted') || generation === MOST_GENERATIONS) throw result.refusal()
    }
  }

  async function call<T>(method: string, path: string, request: ApiRequest = {}): Promise<ApiResult<T>> {
    let renewed = false
    for (let attempt = 0; ; attempt++) {
      const outcome = await send(method, path, request)
      if ('reason' in outcome) await pause(outcome, attempt)
      else if (outcome.status === 401 && accessToken.renewable && !renewed) {
        renewed = true
        accessToken.forget()
      } else if (outcome.status < 300 || request.accept?.includes(outcome.status)) return resultOf<T>(outcome)
      else throw rejection(outcome)
    }
  }

  /** The response, or the reason of a temporary failure. */
  async function send(method: string, path: string, { body, idempotencyKey }: ApiRequest) {
    try {
      const answer = await http.send({
        method,
        url: new URL(`/api/v1${path}`, portal),
        headers: {
          authorization: `Bearer ${await accessToken.read()}`,
          accept: 'application/json',
          ...(body ? { 'content-type': 'application/json' } : {}),
          ...(idempotencyKey ? { 'idempotency-key': idempotencyKey } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        timeoutMs: LONGEST_MS,
      })
      if (answer.status !== 429 && answer.status < 500) return answer
      return { reason: describe(answer), seconds: retryAfterIn(answer.headers) }
    } catch (error) {
      if (error instanceof KeyFailure) throw error
      return { reason: unreachable(error), seconds: undefined }
    }
  }

  async function pause({ reason, seconds }: { reason: string; seconds: number | undefined }, attempt: number) {
    const wait = seconds === undefined ? Math.min(FIRST_WAIT_MS * 2 ** attempt, LONGEST_WAIT_MS) : seconds * 1000
    if (Date.now() + wait > deadline) {
      const advice = seconds === undefined ? messages.later : messages.after(seconds)
      throw new KeyFailure('unavailable', `${reason} ${advice}`)
    }
    await sleep(wait)
  }
}

function resultOf<T>(answer: HttpResponse): ApiResult<T> {
  const replayed = answer.headers['idempotency-replayed'] === 'true'
  const refusal = () => rejection(answer)
  if (answer.text === '') return { status: answer.status, body: {} as T, replayed, refusal }
  const read = readJson(answer.text)
  if (!('value' in read)) throw new KeyFailure('rejected', messages.notJson)
  return { status: answer.status, body: read.value as T, replayed, refusal }
}

/** Whether a problem has this code, which is the end of its `type`. */
function hasCode(body: unknown, code: string): boolean {
  const { type } = (body ?? {}) as Problem
  return typeof type === 'string' && type.split(':').at(-1) === code
}

function rejection(answer: HttpResponse): KeyFailure {
  const read = readJson(answer.text)
  const waits = 'value' in read && hasCode(read.value, 'account_pending')
  return new KeyFailure(waits ? 'waiting' : 'rejected', describe(answer))
}

/** The problem in one line: detail, fields, status and request id. */
function describe({ status, text }: HttpResponse): string {
  const read = readJson(text)
  const { detail, errors = {}, request_id: id } = ('value' in read ? (read.value ?? {}) : {}) as Problem
  if (typeof detail !== 'string') return messages.status(status)
  const fields = Object.entries(errors).map(([name, problem]) => `${name}: ${problem}`)
  return oneLine([detail, ...fields, ...(id ? [messages.request(status, id)] : [])].join(' '))
}

function unreachable(error: unknown): string {
  const failure = error instanceof HttpError ? error : toHttpError(messages.signInService, error)
  if (failure) return `${failure.message}.`
  if (!(error instanceof Error)) return messages.noResponse
  const cause = error.cause as { status?: unknown } | undefined
  // From openid-client: a response that is neither a token nor an OAuth error.
  if (typeof cause?.status === 'number') return messages.signInStatus(cause.status)
  return `${oneLine(cause instanceof Error ? `${error.message} (${cause.message})` : error.message)}.`
}
