import { CircuitState, circuitBreaker, handleWhen, type IBreaker, SamplingBreaker } from 'cockatiel'
import { LRUCache } from 'lru-cache'
import { createPulse } from './pulse.js'

export type BreakerState = 'closed' | 'open' | 'half_open'
export type BreakerEvent = 'opened' | 'closed' | 'refused'

export interface BreakerOptions {
  /** upstreams by origin; every other host is one of `other`, with a breaker of its own */
  names: Record<string, string>
  /** whether an error says that the host is down; one that does not is as if it had not been */
  isOutage(error: unknown): boolean
  /** whether no answer came in time */
  isLate(error: unknown): boolean
  /** origins where a late answer is no failure: only a host that has answered nothing for `silentMs` has failed */
  slow?: string[]
  silentMs?: number
  /** what a call gets that is not made */
  refusal(host: string, last: unknown): Error
  onEvent(upstream: string, host: string, event: BreakerEvent): void
}

export interface BreakerReport {
  upstream: string
  host: string
  state: BreakerState
}

type Policy = ReturnType<typeof newPolicy>

const HOSTS = 1000
const OTHER = 'other'
const WINDOW_MS = 10_000
const LEAST_A_SECOND = 1
const SHARE = 0.8
const REST_MS = 1000
const SILENT_MS = 15_000
/** 500s of one owner that count within a window: what somebody sends may be the reason, and ten failures open the breaker */
const MOST_OF_ONE = 3
const OWNERS = 5000

const words: Record<CircuitState, BreakerState> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half_open',
  [CircuitState.Isolated]: 'open',
}

/**
 * A circuit breaker for every host: when more than 80 % of at least ten calls within 10 s failed, it is left alone for a
 * second at a time, and one call looks whether it is back. The others are refused at once: nobody waits behind that call.
 * Of one owner's answers of 500, three within that time count, so that the requests of one caller cannot open it.
 * A `slow` host may be late: its time-outs count once it has answered nothing at all for 15 s, and then one is enough.
 */
export function createBreakers({
  names,
  isOutage,
  isLate,
  slow = [],
  silentMs = SILENT_MS,
  refusal,
  onEvent,
}: BreakerOptions) {
  const pulses = new Map(slow.map((origin) => [origin, createPulse()]))
  const named = new Map<string, Policy>()
  const others = new LRUCache<string, Policy>({ max: HOSTS })
  const failuresOf = new LRUCache<string, number>({ max: OWNERS, ttl: WINDOW_MS })

  return {
    /** `owner`: whose request it is; empty where nobody waits for it or nobody is known. */
    async run<T extends { status: number }>({ origin, host }: URL, call: () => Promise<T>, owner = ''): Promise<T> {
      const policy = policyOf(origin, host)
      const last = policy.lastFailure
      const refuse = () => {
        onEvent(nameOf(origin), host, 'refused')
        return refusal(
          host,
          last &&
            ('error' in last ? last.error : new Error(`${host} answered ${(last.value as { status: number }).status}`)),
        )
      }
      if (policy.state === CircuitState.HalfOpen) throw refuse()
      let made = false
      try {
        return await policy.execute(async () => {
          made = true
          const answer = await felt(origin, call)
          // neither a failure nor a success, as if it had not been
          if (answer.status === 500 && !mayCount(origin, owner)) throw new Unjudged(answer)
          return answer
        })
      } catch (error) {
        if (error instanceof Unjudged) return error.answer as T
        throw made ? error : refuse()
      }
    },

    /** A call that the breaker neither stops nor counts; its answer shows all the same that the host is there. */
    unguarded: <T extends { status: number }>({ origin }: URL, call: () => Promise<T>): Promise<T> =>
      felt(origin, call),

    /** An answer came to a call that nobody waits for any more. */
    answered: ({ origin }: URL): void => pulses.get(origin)?.answered(),

    /** The named upstreams, whatever their state, and of the other hosts those that are left alone. */
    report(): BreakerReport[] {
      const all = Object.entries(names).map(([origin, upstream]) => {
        const state = words[named.get(origin)?.state ?? CircuitState.Closed]
        return { upstream, host: new URL(origin).host, state }
      })
      const away = [...others.entries()].filter(([, { state }]) => state !== CircuitState.Closed)
      return [
        ...all,
        ...away.map(([origin, { state }]) => ({ upstream: OTHER, host: new URL(origin).host, state: words[state] })),
      ]
    },
  }

  function felt<T>(origin: string, call: () => Promise<T>): Promise<T> {
    const pulse = pulses.get(origin)
    return pulse ? pulse.feel(call) : call()
  }

  /** 3scale answers 500 to a text that its database cannot hold: one who repeats that must not stop the others. */
  function mayCount(origin: string, owner: string): boolean {
    if (owner === '') return true
    const key = `${origin} ${owner}`
    const count = (failuresOf.get(key) ?? 0) + 1
    failuresOf.set(key, count, { noUpdateTTL: true })
    return count <= MOST_OF_ONE
  }

  function nameOf(origin: string): string {
    return names[origin] ?? OTHER
  }

  function policyOf(origin: string, host: string): Policy {
    const upstream = nameOf(origin)
    const place = upstream === OTHER ? others : named
    const known = place.get(origin)
    if (known) return known
    // a model may answer 500 to what one person sends it; 3scale and the sign-in service answer so when they are ill
    const pulse = pulses.get(origin)
    const isSilent = () => pulse !== undefined && pulse.silentMs() >= silentMs
    const isSlow = (error: unknown) => pulse !== undefined && isLate(error) && !isSilent()
    const isFailure = (error: unknown): boolean =>
      !(error instanceof Unjudged) && isOutage(error) && (!isSlow(error) || policy.state === CircuitState.HalfOpen)
    const policy: Policy = newPolicy(isFailure, upstream !== OTHER, isSilent)
    let away = false
    policy.onBreak(() => {
      // a look in vain opens it again; that is no news
      if (!away) onEvent(upstream, host, 'opened')
      away = true
    })
    policy.onReset(() => {
      away = false
      onEvent(upstream, host, 'closed')
    })
    place.set(origin, policy)
    return policy
  }
}

/** Carries an answer past the policy. */
class Unjudged extends Error {
  readonly answer: unknown
  constructor(answer: unknown) {
    super('an answer that says nothing of the host')
    this.answer = answer
  }
}

function newPolicy(isOutage: (error: unknown) => boolean, byStatus: boolean, isSilent: () => boolean) {
  const ill = (answer: unknown) => {
    const { status } = answer as { status: number }
    return byStatus && (status >= 500 || status === 429)
  }
  return circuitBreaker(handleWhen(isOutage).orWhenResult(ill), {
    halfOpenAfter: REST_MS,
    breaker: orWhen(
      isSilent,
      new SamplingBreaker({ threshold: SHARE, duration: WINDOW_MS, minimumRps: LEAST_A_SECOND }),
    ),
  })
}

/** Opens as `breaker` does, and at once where `opens` says so. */
function orWhen(opens: () => boolean, breaker: IBreaker): IBreaker {
  return {
    get state() {
      return breaker.state
    },
    set state(value) {
      breaker.state = value
    },
    success: (state) => breaker.success(state),
    failure: (state) => breaker.failure(state) || opens(),
  }
}
