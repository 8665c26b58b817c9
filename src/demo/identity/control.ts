import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Bender, Forgery } from './altered-responses.js'
import type { PushedClient } from './clients.js'
import type { Fault, Faults } from './faults.js'
import { claimsOf, type Person } from './people.js'
import type { Keys } from './signing-keys.js'

interface ControlOptions {
  people: Person[]
  pushed: Map<string, PushedClient>
  issuer: string
  keys: Keys
  forgery: Bender
  faults: Faults
}

type Body = Record<string, unknown>

/** The demo's own controls: Zync's push, people that change, odd tokens, keys that change, faults. */
export function createControl({ people, pushed, issuer, keys, forgery, faults }: ControlOptions) {
  const routes: Record<string, (body: Body, request: IncomingMessage) => Promise<object> | object | undefined> = {
    'PUT /_demo/clients': (body, request) => {
      if (request.headers.authorization !== 'Bearer demo-zync-token') return undefined
      pushed.clear()
      for (const client of Object.values(body) as PushedClient[]) pushed.set(client.client_id, client)
      return { clients: pushed.size }
    },
    'PUT /_demo/faults': (body) => faults.replace(Object.values(body) as Omit<Fault, 'hits'>[]),
    'GET /_demo/faults': () => faults.list(),
    'GET /_demo/calls': () => faults.calls(),
    'DELETE /_demo/calls': () => faults.forgetCalls(),
    'POST /_demo/people': (body) => {
      const added = { name: String(body.username), sub: `added-${people.length}`, groups: ['developers'], ...body }
      people.push(added as Person)
      return added
    },
    'PUT /_demo/forgery': (body) => forgery.set(body as Forgery),
    'POST /_demo/keys': (body) => keys.rotate(body.withdraw === true),
    'DELETE /_demo/keys': () => {
      keys.reset()
      return keys.set()
    },
    'POST /_demo/token': mint,
    'POST /_demo/sign-out': signOut,
  }

  return {
    async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const path = request.url?.split('?')[0] ?? ''
      let text = ''
      for await (const chunk of request) text += String(chunk)
      const body = (text ? JSON.parse(text) : {}) as Body
      const name = /^\/_demo\/people\/(.+)$/.exec(path)?.[1]
      const person = people.find(({ username }) => username === name)
      const answer =
        name && request.method === 'PUT'
          ? person && Object.assign(person, body)
          : await routes[`${request.method} ${path}`]?.(body, request)
      response
        .writeHead(answer ? 200 : 404, { 'content-type': 'application/json' })
        .end(JSON.stringify(answer ?? { error: 'not here' }))
    },
  }

  /** Issues any access token that a test requires. */
  async function mint(body: Body): Promise<object> {
    const person = people.find(({ username }) => username === body.username)
    const client = String(body.client_id ?? (person ? 'maas-cli' : 'demo-service'))
    const claims = {
      azp: client,
      client_id: client,
      typ: 'Bearer',
      scope: String(body.scope ?? 'maas:read maas:write maas:reveal'),
      ...(person ? claimsOf(person) : { sub: client, preferred_username: `service-account-${client}` }),
      ...times(Number(body.expires_in ?? 300)),
      iss: String(body.iss ?? issuer),
      aud: String(body.aud ?? 'maas-portal-api'),
      ...(body.claims as object | undefined),
    }
    const stranger = body.stranger === true
    return { access_token: await keys.sign(claims, { typ: String(body.typ ?? 'at+jwt'), stranger }) }
  }

  /** Notifies the portal by back-channel that a person, or one session, is signed out; without `url` it gives the token. */
  async function signOut(body: Body): Promise<object> {
    const person = people.find(({ username }) => username === body.username)
    const claims = {
      ...(person ? { sub: person.sub } : {}),
      ...(body.sid ? { sid: body.sid } : {}),
      jti: `logout-${Date.now()}-${Math.random()}`,
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      ...times(120),
      iss: String(body.iss ?? issuer),
      aud: String(body.aud ?? 'maas-portal'),
      ...(body.claims as object | undefined),
    }
    const stranger = body.stranger === true
    const token = await keys.sign(claims, { typ: String(body.typ ?? 'logout+jwt'), stranger })
    if (!body.url) return { logout_token: token }
    const answer = await fetch(String(body.url), { method: 'POST', body: new URLSearchParams({ logout_token: token }) })
    return { logout_token: token, status: answer.status }
  }
}

function times(seconds: number): { iat: number; exp: number } {
  const now = Math.floor(Date.now() / 1000)
  return { iat: now, exp: now + seconds }
}
