import type { Application } from '../applications/schemas.js'
import { staleMessage } from '../models/messages.js'
import { credentialFacts } from './credential-facts.js'
import { type GatewayOperation, specDifferences } from './gateway-operations.js'
import { firstOf, generatedSource, labels, pageTitle, rejectedOperations, start, uploadedSource } from './messages.js'
import { descriptionHtmlOf, operationHtml, parameterView } from './operation-html.js'
import type { ReferenceResult, TryItOutcome } from './reference.js'
import type { OtherOperation, Reference } from './reference-types.js'
import { tryItView } from './try-it-view.js'

/** A submitted form, with the response or the reason why no call was sent. */
export interface TryItSubmission {
  operation: string
  values: Record<string, string>
  errors?: Record<string, string>
  outcome?: TryItOutcome
  failure?: string
}

export interface TryItCaller {
  applications: Pick<Application, 'id' | 'name' | 'state'>[]
  /** true: the applications could not be read from 3scale */
  unavailable: boolean
  selected: string
}

export function referenceView(
  i: ReferenceResult & {
    tryItCaller: TryItCaller | undefined
    submission: TryItSubmission | undefined
    signInHref: string
  },
) {
  const { model, reference, operations, tryItCaller, submission } = i
  const shown = operations.map((operation) => ({
    ...operationHtml(operation),
    ...parametersIn(operation),
    callPath: operation.callPath,
    tryIt: tryItView({
      model,
      operation,
      tryItCaller,
      submission: submission?.operation === operation.id ? submission : undefined,
    }),
  }))
  const pending = tryItCaller?.applications.find(({ state }) => state === 'pending')
  const live = tryItCaller?.applications.filter(({ state }) => state === 'live') ?? []
  return {
    title: pageTitle(model.name),
    name: model.name,
    modelHref: `/models/${encodeURIComponent(model.system_name)}`,
    action: `/models/${encodeURIComponent(model.system_name)}/reference`,
    source: reference.uploaded ? sourceOf(reference) : generatedSource,
    remarks: [...reference.remarks, ...specDifferences(model, reference)],
    descriptionHtml: reference.descriptionHtml ?? descriptionHtmlOf(reference),
    facts: [
      { label: labels.address, value: model.endpoint, code: true },
      ...credentialFacts(model),
      ...(model.model_id ? [{ label: labels.modelId, value: model.model_id, code: true }] : []),
      ...reference.apiFacts.map(({ label, value, url }) => ({ label, value, href: url })),
    ],
    start: startMessage(tryItCaller, live.length > 0),
    getKeyHref:
      tryItCaller && !tryItCaller.unavailable && live.length === 0 && !pending
        ? newApplicationHref(model.system_name)
        : '',
    pendingHref: pending && live.length === 0 ? `/applications/${pending.id}` : '',
    signInHref: tryItCaller ? '' : i.signInHref,
    stale: staleMessage(i.staleSeconds),
    groups: groupsOf(shown),
    others: othersOf(reference),
  }
}

/** Rows rendered with the reference where possible; parameters that the gateway requires are rendered here. */
function parametersIn(operation: GatewayOperation) {
  const rows = operationHtml(operation).parameters
  const parameters = operation.parameters.map(
    (parameter) =>
      rows.find((row) => row.name === parameter.name && row.in === parameter.in) ?? parameterView(parameter),
  )
  return { parameters, hasParameters: parameters.length > 0 }
}

/** Operations listed without details. */
function othersOf({ otherOperations: { rejectedCount, rejected, accepted } }: Reference) {
  const list = (id: string, title: string, total: number, operations: OtherOperation[]) => ({
    id,
    title,
    summary: total > operations.length ? firstOf(operations.length, total) : labels.showList,
    operations,
  })
  return [
    ...(accepted.length > 0 ? [list('more-operations', labels.otherOperations, accepted.length, accepted)] : []),
    ...(rejectedCount > 0
      ? [list('rejected-operations', rejectedOperations(rejectedCount), rejectedCount, rejected)]
      : []),
  ]
}

function newApplicationHref(systemName: string): string {
  return `/applications/new?model=${encodeURIComponent(systemName)}`
}

function sourceOf({ title, version }: Reference): string {
  return uploadedSource([title, version].filter(Boolean).join(' '))
}

function startMessage(tryItCaller: TryItCaller | undefined, live: boolean): string {
  if (!tryItCaller) return start.signIn
  if (tryItCaller.unavailable) return start.unavailable
  if (live) return start.ready
  return tryItCaller.applications.some(({ state }) => state === 'pending') ? start.pending : start.noApplication
}

function groupsOf<T extends { tag: string }>(operations: T[]) {
  const tags = [...new Set(operations.map(({ tag }) => tag))]
  return tags.map((tag, index) => ({
    id: `group-${index + 1}`,
    name: tag || labels.operations,
    operations: operations.filter((operation) => operation.tag === tag),
  }))
}
