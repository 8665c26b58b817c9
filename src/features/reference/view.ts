import { number } from '../../web/words.js'
import type { Application } from '../applications/schemas.js'
import { staleWords } from '../models/words.js'
import type { Answer } from './answer.js'
import { credentialFacts } from './credential-words.js'
import { differences, type Placed } from './placed.js'
import type { Shown } from './reference.js'
import type { OtherOperation, Reference } from './shapes.js'
import { descriptionHtmlOf, parameterView, stillOf } from './still.js'
import { tryView } from './try-view.js'

/** What came of a call, or why none was made. */
export interface Tried {
  operation: string
  values: Record<string, string>
  errors?: Record<string, string>
  answer?: { answer: Answer; words: string }
  /** in words */
  failure?: string
}

export interface Person {
  applications: Pick<Application, 'id' | 'name' | 'state'>[]
  /** true: they could not be read from 3scale */
  unknown: boolean
  chosen: string
}

export function referenceView(i: Shown & { person: Person | undefined; tried: Tried | undefined; signInHref: string }) {
  const { model, reference, operations, person, tried } = i
  const shown = operations.map((operation) => ({
    ...stillOf(operation),
    ...parametersIn(operation),
    callPath: operation.callPath,
    attempt: tryView({ model, operation, person, tried: tried?.operation === operation.id ? tried : undefined }),
  }))
  const waiting = person?.applications.find(({ state }) => state === 'pending')
  const live = person?.applications.filter(({ state }) => state === 'live') ?? []
  return {
    title: `API reference of ${model.name}`,
    name: model.name,
    modelHref: `/models/${encodeURIComponent(model.system_name)}`,
    action: `/models/${encodeURIComponent(model.system_name)}/reference`,
    source: reference.uploaded ? titleOf(reference) : '',
    made: !reference.uploaded,
    notes: [...reference.notes, ...differences(model, reference)],
    descriptionHtml: reference.descriptionHtml ?? descriptionHtmlOf(reference),
    facts: [
      { label: 'Address', value: model.endpoint, code: true },
      ...credentialFacts(model),
      ...(model.model_id ? [{ label: 'Model id', value: model.model_id, code: true }] : []),
      ...reference.about.map(({ label, value, url }) => ({ label, value, href: url })),
    ],
    start: startWords(person, live.length > 0),
    getKeyHref: person && !person.unknown && live.length === 0 && !waiting ? newHref(model.system_name) : '',
    waitingHref: waiting && live.length === 0 ? `/applications/${waiting.id}` : '',
    signInHref: person ? '' : i.signInHref,
    stale: staleWords(i.staleSeconds),
    groups: groupsOf(shown),
    others: othersOf(reference),
  }
}

/** As they were made with the reference, without those that are the portal's, and with those that the gateway requires. */
function parametersIn(operation: Placed) {
  const made = stillOf(operation).parameters
  const parameters = operation.parameters.map(
    (parameter) =>
      made.find((row) => row.name === parameter.name && row.in === parameter.in) ?? parameterView(parameter),
  )
  return { parameters, hasParameters: parameters.length > 0 }
}

/** Operations that are only named. */
function othersOf({ others: { count, named, more } }: Reference) {
  const list = (id: string, title: string, total: number, operations: OtherOperation[]) => ({
    id,
    title,
    summary: total > operations.length ? `The first ${operations.length} of ${number(total)}` : 'Show the list',
    operations,
  })
  const rejected = `${number(count)} ${count === 1 ? 'operation' : 'operations'} of the spec that this gateway rejects`
  return [
    ...(more.length > 0 ? [list('more-operations', 'Further operations', more.length, more)] : []),
    ...(count > 0 ? [list('rejected-operations', rejected, count, named)] : []),
  ]
}

function newHref(systemName: string): string {
  return `/applications/new?model=${encodeURIComponent(systemName)}`
}

function titleOf({ title, version }: Reference): string {
  return ['From the uploaded spec', [title, version].filter(Boolean).join(' ')].filter(Boolean).join(': ')
}

function startWords(person: Person | undefined, live: boolean): string {
  if (!person) return 'Sign in to try calls here through an application of your own.'
  if (person.unknown)
    return 'Your applications cannot be read from 3scale at the moment, so calls cannot be tried here.'
  if (live)
    return 'The portal sends calls through your application, and they count against its plan. Nothing is stored.'
  if (person.applications.some(({ state }) => state === 'pending'))
    return 'Your application for this model waits for approval; calls can be tried here once it is live.'
  return 'Create an application for this model to try calls here.'
}

function groupsOf<T extends { tag: string }>(operations: T[]) {
  const tags = [...new Set(operations.map(({ tag }) => tag))]
  return tags.map((tag, index) => ({
    id: `group-${index + 1}`,
    name: tag || 'Operations',
    operations: operations.filter((operation) => operation.tag === tag),
  }))
}
