import { AsyncLocalStorage } from 'node:async_hooks'
import { withDeadline } from './deadline.js'

/** The purpose of calls to 3scale: one request of a caller, or a job that outlives the request. */
export interface CallContext {
  /** when its reads must have ended, in milliseconds of performance.now() */
  deadlineAt: number
  /** running calls that pause the deadline, and when the first of them started */
  pausedCalls: number
  pausedSince: number
  /** for fairness: an account, or an identity without one; empty if there is no known caller */
  owner: string
  /** true for work that may write: it waits for its turn without a deadline */
  unbounded: boolean
  /** other callers wait for the result too */
  shared: boolean
  /** a write was sent: the calls that follow belong to it and are always sent */
  hasWritten: boolean
  isCancelled: boolean
  onCancel: Set<() => void>
}

const contexts = new AsyncLocalStorage<CallContext>()

/** Undefined: the portal itself, for no caller. */
export function currentContext(): CallContext | undefined {
  return contexts.getStore()
}

/** Creates a context without a deadline. Run code in it with `runInContext`. */
export function createContext(owner = '', unbounded = false): CallContext {
  return {
    deadlineAt: Number.POSITIVE_INFINITY,
    pausedCalls: 0,
    pausedSince: 0,
    owner,
    unbounded,
    shared: false,
    hasWritten: false,
    isCancelled: false,
    onCancel: new Set(),
  }
}

export function runInContext<T>(context: CallContext, run: () => T): T {
  return contexts.run(context, run)
}

/** The caller disconnected: calls that wait in the queue are removed, unless a write was sent. */
export function cancelContext(context: CallContext): void {
  context.isCancelled = true
  const listeners = [...context.onCancel]
  context.onCancel.clear()
  for (const listener of listeners) listener()
}

/**
 * Runs work for a caller: all its calls to 3scale together end within `ms`. Call `done` once the response is sent or the
 * connection is closed: what still runs then has no deadline.
 */
export function runWithDeadline<T>(ms: number, run: (done: () => void) => T): T {
  const context = createContext()
  context.deadlineAt = performance.now() + ms
  return contexts.run(context, run, () => removeDeadline(context))
}

export function removeDeadline(context: CallContext): void {
  context.deadlineAt = Number.POSITIVE_INFINITY
}

/** Runs work that outlives its first caller, such as a load that other callers wait for too. */
export function detachDeadline<T>(run: () => T): T {
  const context = contexts.getStore()
  return context ? contexts.run({ ...createContext(context.owner, context.unbounded), shared: true }, run) : run()
}

/** Milliseconds until the deadline; infinite without one. */
export function remainingMs(): number {
  const context = contexts.getStore()
  if (!context) return Number.POSITIVE_INFINITY
  return context.deadlineAt - (context.pausedCalls > 0 ? context.pausedSince : performance.now())
}

/** Runs a call with a time-out of its own, such as one to a slow model. It does not use up the time for calls to 3scale. */
export async function pauseDeadline<T>(call: () => Promise<T>): Promise<T> {
  const context = contexts.getStore()
  if (!context) return call()
  if (context.pausedCalls++ === 0) context.pausedSince = performance.now()
  try {
    return await call()
  } finally {
    if (--context.pausedCalls === 0) context.deadlineAt += performance.now() - context.pausedSince
  }
}

/** Waits for shared work until the caller's deadline, then rejects with `timeoutError`. The work continues. */
export function untilContextDeadline<T>(work: Promise<T>, timeoutError: () => Error): Promise<T> {
  const ms = remainingMs()
  if (ms === Number.POSITIVE_INFINITY) return work
  return withDeadline(work, ms, () => {
    throw timeoutError()
  })
}
