import { createHash } from 'node:crypto'
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { asymmetric } from '../clients/identity-terms.js'
import { claimAt, firstValue } from '../clients/token-claims.js'
import { PortalError, problem } from '../errors.js'
import type { Identity } from './caller.js'
import { type ClaimRules, profileOf } from './claims.js'
import {
  audienceFault,
  callerFault,
  clientOf,
  formFault,
  issuerFault,
  kindFault,
  scopesOf,
  serviceOf,
  type TokenForm,
} from './token-kinds.js'

export interface TokensOptions {
  issuer: string
  audience: string
  /** clients that may act as services */
  clients: string[]
  form: TokenForm
  rules: ClaimRules
  keys: JWTVerifyGetKey
  /** receives the reason for which a token that the provider signed was rejected */
  refused?(detail: string): void
  now?: () => number
}

export interface Verified {
  identity: Identity
  scopes: string[]
}

/** How long a token that was checked is believed: keys that the provider withdraws count that much later. */
const KEPT_MS = 30_000

export type Tokens = ReturnType<typeof createTokens>

/** Bearer tokens of the API: signature, issuer, audience, times, kind (RFC 9068; other providers where they differ). */
export function createTokens(options: TokensOptions) {
  const { issuer, audience, clients, rules, keys, refused, now = Date.now } = options
  const subjectClaim = options.form.subject_claim ?? rules.subject
  const form: TokenForm = { ...options.form, subject_claim: subjectClaim }
  // by its hash: who polls sends one token often, and a signature costs more than the answer
  const kept = new LRUCache<string, { verified: Verified; until: number }>({ max: 1000 })

  return {
    /** Rejects with invalid_token, forbidden (a service that is not listed) or identity_unavailable. */
    async verify(token: string): Promise<Verified> {
      const place = createHash('sha256').update(token).digest('base64url')
      const known = kept.get(place)
      if (known && known.until > now()) return known.verified
      const payload = await check(token)
      const verified = { identity: identityOf(payload), scopes: scopesOf(payload, form) }
      kept.set(place, { verified, until: Math.min(Number(payload.exp) * 1000, now() + KEPT_MS) })
      return verified
    },
  }

  /** The subject of a person's token; undefined: it has none that can be used. */
  function personOf(payload: JWTPayload): string | undefined {
    return subjectClaim === 'sub' ? payload.sub : firstValue(claimAt(payload, subjectClaim))
  }

  function personFault(payload: JWTPayload): string | undefined {
    if (serviceOf(payload, form) || personOf(payload) !== undefined) return undefined
    return `This access token has no usable claim ${subjectClaim}.`
  }

  async function check(token: string): Promise<JWTPayload> {
    try {
      refuse(formFault(token))
      const { payload, protectedHeader } = await jwtVerify(token, keys, {
        algorithms: [...asymmetric],
        clockTolerance: 30,
        requiredClaims: ['exp', 'iat'],
      })
      const fault =
        issuerFault(payload, issuer, form) ??
        kindFault(payload, protectedHeader, form) ??
        audienceFault(payload, audience, form) ??
        callerFault(payload, form) ??
        personFault(payload)
      if (fault !== undefined) refused?.(fault)
      refuse(fault)
      return payload
    } catch (error) {
      throw translate(error)
    }
  }

  function identityOf(payload: JWTPayload): Identity {
    const service = serviceOf(payload, form)
    if (service && !service.listed && !clients.includes(service.id)) {
      throw problem('forbidden', {
        detail: 'This client may not act as a service here. The operator of the portal can list it in API_CLIENTS.',
      })
    }
    const profile = profileOf(payload, rules, clientOf(payload, form) ?? '')
    if (!service) return { kind: 'person', issuer, subject: personOf(payload) ?? '', ...profile }
    const unnamed = { name: service.id, email: undefined, emailVerified: false }
    return { kind: 'service', issuer, subject: service.id, ...profile, ...unnamed }
  }
}

function refuse(detail: string | undefined): void {
  if (detail !== undefined) throw problem('invalid_token', { detail })
}

function translate(error: unknown): Error {
  if (error instanceof PortalError) return error
  if (error instanceof errors.JWTExpired)
    return problem('invalid_token', { detail: 'The access token has expired. Get a new one.', cause: error })
  // the signature is verified before any claim is
  if (error instanceof errors.JWTClaimValidationFailed)
    return problem('invalid_token', { ...detailOf(error), cause: error })
  if (error instanceof errors.JOSEAlgNotAllowed)
    return problem('invalid_token', {
      detail:
        'The signature algorithm (alg) of this access token is not accepted. Have the provider sign with a key pair, such as RS256 or ES256.',
      cause: error,
    })
  return problem('invalid_token', { cause: error })
}

function detailOf({ claim, reason }: errors.JWTClaimValidationFailed): { detail?: string } {
  if (claim === 'nbf') return { detail: 'This access token is not valid yet (nbf). Check the clock of the provider.' }
  return reason === 'missing' ? { detail: `This access token has no claim ${claim}.` } : {}
}
