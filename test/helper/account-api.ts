import { createThreescale } from '../../src/clients/threescale/client.js'

export const ADMIN = 'https://tenant-admin.example.com'

export interface Said {
  status: number
  body: unknown
}

/**
 * The client with a 3scale that returns `answers` for each call, `METHOD path` without `/admin/api` and the
 * format (` NUL` after a search with U+0000); any other call is 404. `calls` are the calls that were sent.
 */
export function scriptedApi(answers: Record<string, Said>) {
  const calls: string[] = []
  const api = createThreescale({
    adminUrl: ADMIN,
    accessToken: 'token',
    http: {
      async send({ method = 'GET', url }) {
        const name = `${method} ${url.pathname.replace(/^\/admin\/api|\.(json|xml)$/g, '')}`
        const requested = url.searchParams.get('username') === '\u0000' ? `${name} NUL` : name
        calls.push(requested)
        const { status, body } = answers[requested] ?? { status: 404, body: '' }
        const text = typeof body === 'string' ? body : JSON.stringify(body)
        return { status, headers: { 'content-type': 'application/json' }, text } as never
      },
    },
  })
  return { api, calls }
}
