import { CircuitState, circuitBreaker, handleWhen, type IBreaker, SamplingBreaker } from 'cockatiel'
import { LRUCache } from 'lru-cache'
import { createResponseMonitor } from './response-monitor.js'

export type BreakerState = 'closed' | 'open' | 'half_open'
export type BreakerEvent = 'opened' | 'closed' | 'refused'

export interface BreakerOptions {
  /** upstreams by origin; every other host is reported as `other` and has a breaker of its own */
  names: Record<string, string>
  /** true for errors that show that the host is down; other errors count neither as failure nor as success */
  isOutage(error: unknown): boolean
  isTimeout(error: unknown): boolean
  /** origins where a time-out is no failure until the host has not responded at all for `silentMs` */
  slowOrigins?: string[]
  silentMs?: number
  /** the error of a request that is not sent */
  circuitOpenError(host: string, last: unknown): Error
  onEvent(upstream: string, host: string, event: BreakerEvent): void
}

export interface BreakerReport {
  upstream: string
  host: string
  state: BreakerState
}

type Policy = ReturnType<typeof createPolicy>

const MAX_HOSTS = 1000
const OTHER = 'other'
const WINDOW_MS = 10_000
const MIN_REQUESTS_PER_SECOND = 1
const FAILURE_SHARE = 0.8
const RETRY_AFTER_MS = 1000
const SILENT_MS = 15_000
/** How many 500s of one owner count in a window: the owner's own data may be the reason, and ten failures open the breaker. */
const MAX_FAILURES_PER_OWNER = 3
const MAX_OWNERS = 5000

const states: Record<CircuitState, BreakerState> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half_open',
  [CircuitState.Isolated]: 'open',
}

/**
 * A circuit breaker for each host. It opens for a second at a time if more than 80 % of at least ten requests within 10 s failed; then
 * one request tests whether the host has recovered, and all others are refused without a wait. At most three 500s of one owner count
 * in that time, so the requests of one caller cannot open it. Time-outs of a slow origin count once it has not responded for 15 s, and
 * then one is enough.
 */
export function createCircuitBreakers({
  names,
  isOutage,
  isTimeout,
  slowOrigins = [],
  silentMs = SILENT_MS,
  circuitOpenError,
  onEvent,
}: BreakerOptions) {
  const monitors = new Map(slowOrigins.map((origin) => [origin, createResponseMonitor()]))
  const upstreamPolicies = new Map<string, Policy>()
  const otherPolicies = new LRUCache<string, Policy>({ max: MAX_HOSTS })
  const failuresByOwner = new LRUCache<string, number>({ max: MAX_OWNERS, ttl: WINDOW_MS })

  return {
    /** `owner`: the account or identity that the request is for; empty for the portal itself or an unknown caller. */
    async run<T extends { status: number }>({ origin, host }: URL, request: () => Promise<T>, owner = ''): Promise<T> {
      const policy = policyOf(origin, host)
      const last = policy.lastFailure
      const refuse = () => {
        onEvent(upstreamOf(origin), host, 'refused')
        return circuitOpenError(host, last && ('error' in last ? last.error : statusError(host, last.value)))
      }
      if (policy.state === CircuitState.HalfOpen) throw refuse()
      let isSent = false
      try {
        return await policy.execute(async () => {
          isSent = true
          const response = await tracked(origin, request)
          if (response.status === 500 && !mayCount(origin, owner)) throw new UncountedResponse(response)
          return response
        })
      } catch (error) {
        if (error instanceof UncountedResponse) return error.response as T
        throw isSent ? error : refuse()
      }
    },

    /** Sends a request that the breaker neither refuses nor counts. Its response still shows that the host responds. */
    bypass: <T extends { status: number }>({ origin }: URL, request: () => Promise<T>): Promise<T> =>
      tracked(origin, request),

    /** A response arrived for a request that has timed out. */
    markResponse: ({ origin }: URL): void => monitors.get(origin)?.markResponse(),

    /** All named upstreams, and the other hosts whose circuit is open. */
    report(): BreakerReport[] {
      const upstreams = Object.entries(names).map(([origin, upstream]) => {
        const state = states[upstreamPolicies.get(origin)?.state ?? CircuitState.Closed]
        return { upstream, host: new URL(origin).host, state }
      })
      const others = [...otherPolicies.entries()]
        .filter(([, { state }]) => state !== CircuitState.Closed)
        .map(([origin, { state }]) => ({ upstream: OTHER, host: new URL(origin).host, state: states[state] }))
      return [...upstreams, ...others]
    },
  }

  function tracked<T>(origin: string, request: () => Promise<T>): Promise<T> {
    const monitor = monitors.get(origin)
    return monitor ? monitor.track(request) : request()
  }

  /** 3scale returns 500 for text that its database cannot store. Repeated requests of one owner must not stop the others. */
  function mayCount(origin: string, owner: string): boolean {
    if (owner === '') return true
    const key = `${origin} ${owner}`
    const count = (failuresByOwner.get(key) ?? 0) + 1
    failuresByOwner.set(key, count, { noUpdateTTL: true })
    return count <= MAX_FAILURES_PER_OWNER
  }

  function upstreamOf(origin: string): string {
    return names[origin] ?? OTHER
  }

  function policyOf(origin: string, host: string): Policy {
    const upstream = upstreamOf(origin)
    const policies = upstream === OTHER ? otherPolicies : upstreamPolicies
    const existing = policies.get(origin)
    if (existing) return existing
    const monitor = monitors.get(origin)
    const isSilent = () => monitor !== undefined && monitor.silentMs() >= silentMs
    const isSlow = (error: unknown) => monitor !== undefined && isTimeout(error) && !isSilent()
    const isFailure = (error: unknown): boolean =>
      !(error instanceof UncountedResponse) &&
      isOutage(error) &&
      (!isSlow(error) || policy.state === CircuitState.HalfOpen)
    // a model may return 500 for a particular request; 3scale and the identity provider do so when they are down
    const policy: Policy = createPolicy(isFailure, upstream !== OTHER, isSilent)
    let isOpen = false
    policy.onBreak(() => {
      // a failed test opens it again, which is not a new event
      if (!isOpen) onEvent(upstream, host, 'opened')
      isOpen = true
    })
    policy.onReset(() => {
      isOpen = false
      onEvent(upstream, host, 'closed')
    })
    policies.set(origin, policy)
    return policy
  }
}

/** Carries a response past the policy, so that it counts neither as failure nor as success. */
class UncountedResponse extends Error {
  readonly response: unknown
  constructor(response: unknown) {
    super('a response that shows nothing about the host')
    this.response = response
  }
}

function statusError(host: string, response: unknown): Error {
  return new Error(`${host} returned ${(response as { status: number }).status}`)
}

function createPolicy(isFailure: (error: unknown) => boolean, byStatus: boolean, isSilent: () => boolean) {
  const isFailedResponse = (response: unknown) => {
    const { status } = response as { status: number }
    return byStatus && (status >= 500 || status === 429)
  }
  const sampling = new SamplingBreaker({
    threshold: FAILURE_SHARE,
    duration: WINDOW_MS,
    minimumRps: MIN_REQUESTS_PER_SECOND,
  })
  return circuitBreaker(handleWhen(isFailure).orWhenResult(isFailedResponse), {
    halfOpenAfter: RETRY_AFTER_MS,
    breaker: openAlsoIf(isSilent, sampling),
  })
}

/** Opens like `breaker`, and also after the first failure while `isOpen` returns true. */
function openAlsoIf(isOpen: () => boolean, breaker: IBreaker): IBreaker {
  return {
    get state() {
      return breaker.state
    },
    set state(value) {
      breaker.state = value
    },
    success: (state) => breaker.success(state),
    failure: (state) => breaker.failure(state) || isOpen(),
  }
}
