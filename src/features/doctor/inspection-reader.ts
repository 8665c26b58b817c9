import { type ErrorCode, isProblem, type PortalError } from '../../errors.js'
import type { CreateFinding, Finding, FindingCode, NamedProduct } from './findings/findings.js'
import { runMessages } from './messages.js'
import type { ProbeClient } from './probe-client.js'

/** The purpose of a call. */
export interface CallPurpose<T> {
  /** Completes “Not checked: …” if the call fails. */
  unchecked: string
  product?: NamedProduct
  /** Results for errors that are a valid answer to the call. */
  expectedErrors?: Partial<Record<ErrorCode, T>>
}

interface FailedCall {
  error: PortalError
  unchecked: string
  product: NamedProduct | undefined

  isExpected: boolean
}

export type InspectionReader = ReturnType<typeof createInspectionReader>

/** Calls 3scale. A failed call becomes a finding with the checks that depended on it, and the run continues. */
export function createInspectionReader(probe: Pick<ProbeClient, 'run'>) {
  const failures: FailedCall[] = []
  let answers = 0

  return {
    /** Undefined if the call failed. */
    read: <T>(call: () => Promise<T>, purpose: CallPurpose<T>): Promise<T | undefined> =>
      probe.run(() => attempt(call, purpose)),

    /** Whether any call succeeded. */
    wasAnswered: () => answers > 0,

    /** One finding for each failure, or a single one if every call failed. */
    findings(finding: CreateFinding): Finding[] {
      const [first] = failures
      if (answers === 0 && first) return [finding(verdict(failures), { what: reasonOf(first.error) })]
      return failures
        .filter(({ isExpected: meant }) => !meant)
        .map((failure) =>
          finding(codeOf(failure), {
            what: runMessages.unchecked(reasonOf(failure.error), failure.unchecked),
            ...(failure.product ? { product: failure.product } : {}),
          }),
        )
    },
  }

  async function attempt<T>(call: () => Promise<T>, purpose: CallPurpose<T>): Promise<T | undefined> {
    try {
      const value = await call()
      answers++
      return value
    } catch (error) {
      if (!isProblem(error)) throw error
      const { unchecked, product, expectedErrors: refusals = {} } = purpose
      const meant = error.code in refusals
      failures.push({ error, unchecked, product, isExpected: meant })
      return refusals[error.code]
    }
  }
}

function verdict(failures: FailedCall[]): FindingCode {
  if (!failures.every(({ error }) => isRefusal(error))) return 'threescale_unreachable'
  return failures.some(({ error }) => error.code === 'threescale_scope')
    ? 'threescale_token_scope_account'
    : 'threescale_token_rejected'
}

function codeOf({ error, product }: FailedCall): FindingCode {
  if (isRefusal(error)) return 'call_refused'
  return product ? 'product_unreadable' : 'call_failed'
}

function isRefusal(error: PortalError): boolean {
  return isProblem(error, 'threescale_denied', 'threescale_scope')
}

/** The cause has the message for operators; of the response it contains only the status. */
function reasonOf(error: Error): string {
  const reason = error.cause instanceof Error ? error.cause.message : error.message
  return /[.!?]$/.test(reason) ? reason : `${reason}.`
}
