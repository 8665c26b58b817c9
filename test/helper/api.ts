import type { Stack } from './stack.js'

export interface Wish {
  /** A user of the demo, or `client_id` for a service. */
  username?: string
  client_id?: string
  scope?: string
  aud?: string
  iss?: string
  typ?: string
  expires_in?: number
  claims?: object
}

export interface ApiAnswer<T = Record<string, unknown>> {
  status: number
  body: T
  headers: Headers
  text: string
}

/** The state of an account, as the API describes it. */
export interface Member {
  id: number
  kind: string
  state: string
  role: string
  email: string | null
  client_id: string | null
  you: boolean
  claimed_organisation: string | null
}

/** A client of the REST API: signs any token that a test requires with the demo's identity provider, and sends calls with it. */
export function createApi(stack: Pick<Stack, 'port' | 'url'>, origin = stack.url) {
  const identity = `http://127.0.0.1:${stack.port + 2}`

  return {
    /** Valid for an hour, because a test on a busy machine can take longer than the five minutes of the demo. */
    async token(submission: Wish): Promise<string> {
      const body = JSON.stringify({ expires_in: 3600, ...submission })
      const answer = await fetch(`${identity}/_demo/token`, { method: 'POST', body })
      return ((await answer.json()) as { access_token: string }).access_token
    },
    /** A new user who can sign in with the demo's password. */
    async person(person: { username: string; [claim: string]: unknown }): Promise<void> {
      await fetch(`${identity}/_demo/people`, {
        method: 'POST',
        body: JSON.stringify({ email: `${person.username}@example.com`, email_verified: true, ...person }),
      })
    },
    async faults(list: object[]): Promise<void> {
      await fetch(`${identity}/_demo/faults`, { method: 'PUT', body: JSON.stringify(list) })
    },
    call,
    get: <T = Record<string, unknown>>(path: string, token?: string, headers: Record<string, string> = {}) =>
      call<T>('GET', path, { token, headers }),
    post: <T = Record<string, unknown>>(
      path: string,
      token: string | undefined,
      body: unknown,
      headers: Record<string, string> = {},
    ) => call<T>('POST', path, { token, body, headers }),
  }

  async function call<T = Record<string, unknown>>(
    method: string,
    path: string,
    {
      token,
      body,
      headers = {},
      signal,
    }: {
      token?: string | undefined
      body?: unknown
      headers?: Record<string, string>
      signal?: AbortSignal
    } = {},
  ): Promise<ApiAnswer<T>> {
    const answer = await fetch(`${origin}/api/v1${path}`, {
      method,
      ...(signal ? { signal } : {}),
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    const json = /json/.test(answer.headers.get('content-type') ?? '') && text !== ''
    return { status: answer.status, body: (json ? JSON.parse(text) : {}) as T, headers: answer.headers, text }
  }
}
