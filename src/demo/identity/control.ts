import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { importJWK, SignJWT } from 'jose'
import type Provider from 'oidc-provider'
import { demoKey } from './key.js'
import type { PushedClient } from './main.js'
import { claimsOf, type Person } from './people.js'

interface Fault {
  match: string
  latency_ms?: number
  status?: number
  hang?: boolean
  drop?: 'before' | 'after'
  times?: number
  hits: number
}

interface ControlOptions {
  provider: Provider
  people: Person[]
  pushed: Map<string, PushedClient>
  issuer: string
}

/** The demo's own controls: Zync's push, people that change, odd tokens, a back-channel logout, faults. */
export function createControl({ people, pushed, issuer }: ControlOptions) {
  let faults: Fault[] = []

  const routes: Record<
    string,
    (body: Record<string, unknown>, request: IncomingMessage) => Promise<object | undefined> | object | undefined
  > = {
    'PUT /_demo/clients': (body, request) => {
      if (request.headers.authorization !== 'Bearer demo-zync-token') return undefined
      pushed.clear()
      for (const client of Object.values(body) as PushedClient[]) pushed.set(client.client_id, client)
      return { clients: pushed.size }
    },
    'PUT /_demo/faults': (body) => {
      faults = (Object.values(body) as Omit<Fault, 'hits'>[]).map((fault) => ({ ...fault, hits: 0 }))
      return faults
    },
    'GET /_demo/faults': () => faults,
    'POST /_demo/people': (body) => {
      people.push({
        name: String(body.username),
        sub: `added-${people.length}`,
        groups: ['developers'],
        ...body,
      } as Person)
      return people.at(-1)
    },
    'POST /_demo/token': mint,
    'POST /_demo/sign-out': signOut,
  }

  return {
    async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const path = request.url?.split('?')[0] ?? ''
      let text = ''
      for await (const chunk of request) text += String(chunk)
      const body = (text ? JSON.parse(text) : {}) as Record<string, unknown>
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

    /** True when the fault answered instead. */
    async fault(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
      const call = `${request.method} ${request.url?.split('?')[0]}`
      const fault = faults.find(({ match, times }) => matches(match, call) && (times ?? 1) > 0)
      if (!fault) return false
      fault.hits++
      if (fault.times !== undefined) fault.times--
      if (fault.latency_ms) await sleep(fault.latency_ms)
      if (fault.hang) return true
      if (fault.drop) {
        request.socket.destroy()
        return true
      }
      if (fault.status === undefined) return false
      response.writeHead(fault.status, { 'content-type': 'text/html' }).end(`<h1>${fault.status}</h1>`)
      return true
    },
  }

  /** Any token a test needs, signed with the real key. */
  async function mint(body: Record<string, unknown>): Promise<object> {
    const person = people.find(({ username }) => username === body.username)
    const client = String(body.client_id ?? (person ? 'maas-cli' : 'demo-service'))
    const claims = {
      azp: client,
      client_id: client,
      typ: 'Bearer',
      scope: String(body.scope ?? 'maas:read maas:write'),
      ...(person ? claimsOf(person) : { sub: client, preferred_username: `service-account-${client}` }),
      ...(body.claims as object | undefined),
    }
    return {
      access_token: await sign(
        claims,
        String(body.typ ?? 'at+jwt'),
        String(body.aud ?? 'maas-portal-api'),
        Number(body.expires_in ?? 300),
        String(body.iss ?? issuer),
      ),
    }
  }

  /** Tells the portal by back-channel that a person, or one session, is signed out. */
  async function signOut(body: Record<string, unknown>): Promise<object> {
    const person = people.find(({ username }) => username === body.username)
    const claims = {
      ...(person ? { sub: person.sub } : {}),
      ...(body.sid ? { sid: body.sid } : {}),
      jti: `logout-${Date.now()}-${Math.random()}`,
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      ...(body.claims as object | undefined),
    }
    const token = await sign(claims, 'logout+jwt', String(body.aud ?? 'maas-portal'), 120, issuer)
    if (!body.url) return { logout_token: token }
    const answer = await fetch(String(body.url), { method: 'POST', body: new URLSearchParams({ logout_token: token }) })
    return { logout_token: token, status: answer.status }
  }

  async function sign(
    claims: Record<string, unknown>,
    typ: string,
    aud: string,
    seconds: number,
    iss: string,
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: demoKey.kid, typ })
      .setIssuer(iss)
      .setAudience(aud)
      .setIssuedAt(now)
      .setExpirationTime(now + seconds)
      .sign(await importJWK(demoKey, 'RS256'))
  }
}

function matches(rule: string, call: string): boolean {
  const source = rule
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*')
  return new RegExp(`^${source}$`).test(call)
}
