import { hash } from 'node:crypto'
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { asymmetricAlgorithms } from '../../../clients/identity/issuer.js'
import { claimAt, firstValue } from '../../../clients/identity/token-claims.js'
import { PortalError, problem } from '../../../errors.js'
import type { Identity } from '../caller.js'
import { type ClaimMapping, readProfile } from '../identity-claims.js'
import {
  type AccessTokenFormat,
  audienceError,
  callerError,
  clientOf,
  isMarkedService,
  issuerError,
  scopesOf,
  serviceMarks,
  serviceOf,
  tokenFormatError,
  tokenTypeError,
} from './access-token-format.js'
import { callerErrors, serviceNotAllowed, verificationErrors } from './messages.js'

export interface TokenVerifierOptions {
  issuer: string
  audience: string
  /** clients that may act as services */
  clients: string[]
  form: AccessTokenFormat
  rules: ClaimMapping
  keys: JWTVerifyGetKey
  /** called with the reason for the rejection of a token that the provider signed */
  onRejected?(detail: string): void
  now?: () => number
}

export interface VerifiedToken {
  identity: Identity
  scopes: string[]
}

/** How long a verified token is cached. Withdrawn keys of the provider take effect after that time. */
const CACHE_MS = 30_000

/** Bearer tokens of the API: signature, issuer, audience, times, kind (RFC 9068; other providers where they differ). */
export function createTokenVerifier(options: TokenVerifierOptions) {
  const { issuer, audience, clients, rules, keys, onRejected, now = Date.now } = options
  const subjectClaim = options.form.subject_claim ?? rules.subject
  const form: AccessTokenFormat = { ...options.form, subject_claim: subjectClaim }
  // by the hash of the token: clients send a token often, and to verify a signature is expensive
  const cache = new LRUCache<string, { verified: VerifiedToken; until: number }>({ max: 1000 })

  return {
    /** Rejects with invalid_token, forbidden (a service that is not listed) or identity_unavailable. No promise for a cached token. */
    verify(token: string): VerifiedToken | Promise<VerifiedToken> {
      const key = hash('sha256', token, 'base64url')
      const cached = cache.get(key)
      return cached && cached.until > now() ? cached.verified : verifyAndCache(token, key)
    },
  }

  async function verifyAndCache(token: string, key: string): Promise<VerifiedToken> {
    const payload = await check(token)
    const verified = { identity: identityOf(payload), scopes: scopesOf(payload, form) }
    cache.set(key, { verified, until: Math.min(Number(payload.exp) * 1000, now() + CACHE_MS) })
    return verified
  }

  /** The subject of a person's token; undefined: it has none that can be used. */
  function personOf(payload: JWTPayload): string | undefined {
    return subjectClaim === 'sub' ? payload.sub : firstValue(claimAt(payload, subjectClaim))
  }

  function personError(payload: JWTPayload): string | undefined {
    if (serviceOf(payload, form) || personOf(payload) !== undefined) return undefined
    return callerErrors.claimMissing(subjectClaim)
  }

  async function check(token: string): Promise<JWTPayload> {
    try {
      rejectIf(tokenFormatError(token))
      const { payload, protectedHeader } = await jwtVerify(token, keys, {
        algorithms: [...asymmetricAlgorithms],
        clockTolerance: 30,
        requiredClaims: ['exp', 'iat'],
      })
      const rejection =
        issuerError(payload, issuer, form) ??
        tokenTypeError(payload, protectedHeader, form) ??
        audienceError(payload, audience, form) ??
        callerError(payload, form) ??
        personError(payload)
      if (rejection !== undefined) onRejected?.(rejection)
      rejectIf(rejection)
      return payload
    } catch (error) {
      throw toPortalError(error)
    }
  }

  function identityOf(payload: JWTPayload): Identity {
    const service = serviceOf(payload, form)
    if (service && !service.listed && !clients.includes(service.id) && !isMarkedService(payload, form))
      throw problem('forbidden', { detail: serviceNotAllowed(serviceMarks(form).join(' or ')) })
    const profile = readProfile(payload, rules, clientOf(payload, form) ?? '')
    if (!service) return { kind: 'person', issuer, subject: personOf(payload) ?? '', ...profile }
    const unnamed = { name: service.id, email: undefined, emailVerified: false }
    return { kind: 'service', issuer, subject: service.id, ...profile, ...unnamed }
  }
}

function rejectIf(detail: string | undefined): void {
  if (detail !== undefined) throw problem('invalid_token', { detail })
}

function toPortalError(error: unknown): Error {
  if (error instanceof PortalError) return error
  if (error instanceof errors.JWTExpired)
    return problem('invalid_token', { detail: verificationErrors.expired, cause: error })
  // claims are validated after the signature
  if (error instanceof errors.JWTClaimValidationFailed)
    return problem('invalid_token', { ...detailOf(error), cause: error })
  if (error instanceof errors.JOSEAlgNotAllowed)
    return problem('invalid_token', { detail: verificationErrors.algorithm, cause: error })
  return problem('invalid_token', { cause: error })
}

function detailOf({ claim, reason }: errors.JWTClaimValidationFailed): { detail?: string } {
  if (claim === 'nbf') return { detail: verificationErrors.notYetValid }
  return reason === 'missing' ? { detail: verificationErrors.claimMissing(claim) } : {}
}
