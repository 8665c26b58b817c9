import { STATUS_CODES } from 'node:http'
import { createHighlight, type Highlight } from '../../web/code.js'
import { safeHtml } from '../../web/markdown.js'
import { exampleHtml, methodColor, rowsOf, typeOf } from '../../web/openapi/show.js'
import { ageWords } from '../../web/words.js'
import type { Application } from '../applications/schemas.js'
import type { Answer } from './answer.js'
import { credentialFacts } from './credential-words.js'
import { differences, type Placed } from './placed.js'
import type { Shown } from './reference.js'
import type { Kind, Operation, Parameter, Reference } from './shapes.js'
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
  /** 3scale did not tell them */
  unknown: boolean
  chosen: string
}

export function referenceView(i: Shown & { person: Person | undefined; tried: Tried | undefined; signInHref: string }) {
  const { model, reference, operations, person, tried } = i
  const highlight = createHighlight()
  const shown = operations.map((operation) => ({
    ...stillOf(operation, highlight),
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
    descriptionHtml: descriptionHtml(reference),
    facts: [
      { label: 'Address', value: model.endpoint, code: true },
      ...credentialFacts(model),
      ...(model.model_id ? [{ label: 'Model id', value: model.model_id, code: true }] : []),
    ],
    start: startWords(person, live.length > 0),
    getKeyHref: person && !person.unknown && live.length === 0 && !waiting ? newHref(model.system_name) : '',
    waitingHref: waiting && live.length === 0 ? `/applications/${waiting.id}` : '',
    signInHref: person ? '' : i.signInHref,
    stale:
      i.staleSeconds === undefined
        ? ''
        : `3scale does not answer at the moment; this is its state of ${ageWords(i.staleSeconds)} ago.`,
    groups: groupsOf(shown),
  }
}

function newHref(systemName: string): string {
  return `/applications/new?model=${encodeURIComponent(systemName)}`
}

function titleOf({ title, version }: Reference): string {
  return ['From the uploaded spec', [title, version].filter(Boolean).join(' ')].filter(Boolean).join(': ')
}

function startWords(person: Person | undefined, live: boolean): string {
  if (!person) return 'Sign in to try calls here through an application of your own.'
  if (person.unknown) return '3scale does not tell your applications at the moment, so calls cannot be tried here.'
  if (live) return 'Calls are sent by the portal through your application and count against its plan. Nothing is kept.'
  if (person.applications.some(({ state }) => state === 'pending'))
    return 'Your application for this model waits for approval; calls can be tried here once it is live.'
  return 'Make an application for this model to try calls here.'
}

type StillView = ReturnType<typeof makeStill>
/** by what placing an operation leaves as it is */
const kept = new WeakMap<object, StillView>()

/** What does not depend on who looks. */
function stillOf(operation: Placed, highlight: Highlight): StillView {
  const known = kept.get(operation.responses) ?? makeStill(operation, highlight)
  kept.set(operation.responses, known)
  return known
}

function makeStill(operation: Operation, highlight: Highlight) {
  const { id, method, path, tag, summary, description, deprecated, parameters, body, responses } = operation
  const kind = body?.kinds[0]
  const fields = kind ? rowsOf(kind.schema, (schema) => schema) : []
  return {
    id,
    method,
    color: methodColor(method),
    tag,
    summary: summary || `${method} ${path}`,
    descriptionHtml: safeHtml(description, { headings: false }),
    deprecated,
    parameters: parameters.map(parameterView),
    hasParameters: parameters.length > 0,
    hasBody: kind !== undefined,
    bodyTypes: body?.kinds.map(({ type }) => type).join(', ') ?? '',
    bodyDescription: body?.description ?? '',
    bodyIs: kind && fields.length === 0 ? typeOf(kind.schema).type : '',
    fields,
    hasFields: fields.length > 0,
    bodyExamples: (body?.kinds ?? []).flatMap((each) => exampleView(each, 'Example', highlight)),
    answers: responses.map((response) => ({
      status: response.status,
      description: response.description || (STATUS_CODES[response.status] ?? ''),
      types: response.kinds.map(({ type }) => type).join(', '),
      fields: rowsOf(response.kinds[0]?.schema ?? {}, (schema) => schema),
      hasFields: Object.keys(response.kinds[0]?.schema.properties ?? {}).length > 0,
      examples: response.kinds.flatMap((each) => exampleView(each, `Example of ${response.status}`, highlight)),
      more: response.kinds.some(({ example, schema }) => example !== '' || schema.properties !== undefined),
    })),
  }
}

function parameterView({ name, in: place, required, description, schema, example }: Parameter) {
  const places = { query: 'query', path: 'address', header: 'header', cookie: 'cookie' }
  const more = example && !description.includes(example) ? `For example ${example}` : ''
  return {
    name,
    place: places[place],
    required,
    description: [description, more].filter(Boolean).join(' '),
    type: typeOf(schema).type,
  }
}

function exampleView({ type, example }: Kind, label: string, highlight: Highlight) {
  return example === '' || example === '{}'
    ? []
    : [{ label: `${label}, ${type}`, codeHtml: exampleHtml(example, type, highlight, { cache: true }) }]
}

function descriptionHtml({ description }: Reference): string {
  return safeHtml(description, { headings: false })
}

function groupsOf<T extends { tag: string }>(operations: T[]) {
  const tags = [...new Set(operations.map(({ tag }) => tag))]
  return tags.map((tag, index) => ({
    id: `group-${index + 1}`,
    name: tag || 'Operations',
    operations: operations.filter((operation) => operation.tag === tag),
  }))
}
