import { type ErrorCode, isProblem, type PortalError } from '../../errors.js'
import type { Asking } from './asking.js'
import type { Find, Finding, FindingCode, NamedProduct } from './findings.js'

/** What a call is for. */
export interface Purpose<T> {
  /** what is not known without its answer, as it ends “Not checked: …” */
  unchecked: string
  product?: NamedProduct
  /** refusals that are an answer in themselves */
  refusals?: Partial<Record<ErrorCode, T>>
}

interface Failure {
  error: PortalError
  unchecked: string
  product: NamedProduct | undefined
  /** the refusal was what the call asked for */
  meant: boolean
}

export type Reader = ReturnType<typeof createReader>

/**
 * Calls to 3scale that may fail one by one: a failure becomes a finding that says which call it was and what could not be
 * checked without it, and nothing else depends on it.
 */
export function createReader(ask: Pick<Asking, 'run'>) {
  const failures: Failure[] = []
  let answers = 0

  return {
    /** Undefined where the call failed. */
    read: <T>(call: () => Promise<T>, purpose: Purpose<T>): Promise<T | undefined> =>
      ask.run(() => attempt(call, purpose)),

    /** Whether any call was answered as it should be. */
    wasAnswered: () => answers > 0,

    /** One finding for each failure, or one for all of them where 3scale answered nothing. */
    findings(find: Find): Finding[] {
      const [first] = failures
      if (answers === 0 && first) return [find(verdict(failures), { what: sentenceOf(first.error) })]
      return failures
        .filter(({ meant }) => !meant)
        .map((failure) =>
          find(codeOf(failure), {
            what: `${sentenceOf(failure.error)} Not checked: ${failure.unchecked}.`,
            ...(failure.product ? { product: failure.product } : {}),
          }),
        )
    },
  }

  async function attempt<T>(call: () => Promise<T>, purpose: Purpose<T>): Promise<T | undefined> {
    try {
      const value = await call()
      answers++
      return value
    } catch (error) {
      if (!isProblem(error)) throw error
      const { unchecked, product, refusals = {} } = purpose
      const meant = error.code in refusals
      failures.push({ error, unchecked, product, meant })
      return refusals[error.code]
    }
  }
}

function verdict(failures: Failure[]): FindingCode {
  if (!failures.every(({ error }) => isRefusal(error))) return 'threescale_unreachable'
  return failures.some(({ error }) => error.code === 'threescale_scope') ? 'token_scope_account' : 'token_refused'
}

function codeOf({ error, product }: Failure): FindingCode {
  if (isRefusal(error)) return 'call_refused'
  return product ? 'product_unread' : 'call_failed'
}

function isRefusal(error: PortalError): boolean {
  return isProblem(error, 'threescale_denied', 'threescale_scope')
}

/** The cause is the sentence for operators; it holds nothing of an answer but its status. */
function sentenceOf(error: Error): string {
  const said = error.cause instanceof Error ? error.cause.message : error.message
  return /[.!?]$/.test(said) ? said : `${said}.`
}
