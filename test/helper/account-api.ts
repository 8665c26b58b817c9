import { createThreescale } from '../../src/clients/threescale/client.js'

export const ADMIN = 'https://tenant-admin.example.com'

export interface Said {
  status: number
  body: unknown
}

/**
 * The client in front of a 3scale that answers what `answers` says of a call, `METHOD path` without `/admin/api` and the
 * format (` NUL` behind a look-up with U+0000); anything else is 404. `calls` are those that were sent.
 */
export function scriptedApi(answers: Record<string, Said>) {
  const calls: string[] = []
  const api = createThreescale({
    adminUrl: ADMIN,
    accessToken: 'token',
    http: {
      async send({ method = 'GET', url }) {
        const name = `${method} ${url.pathname.replace(/^\/admin\/api|\.(json|xml)$/g, '')}`
        const asked = url.searchParams.get('username') === '\u0000' ? `${name} NUL` : name
        calls.push(asked)
        const { status, body } = answers[asked] ?? { status: 404, body: '' }
        const text = typeof body === 'string' ? body : JSON.stringify(body)
        return { status, headers: { 'content-type': 'application/json' }, text } as never
      },
    },
  })
  return { api, calls }
}
