import { STATUS_CODES } from 'node:http'
import { indentJson, readJson } from '../../infra/bounded-json.js'
import { exampleHtml, schemaType } from '../../web/api/openapi/schema-rows.js'
import { createHighlighter } from '../../web/pages/syntax-highlighting.js'
import type { Model } from '../models/schemas.js'
import type { GatewayOperation } from './gateway-operations.js'
import { commaSeparated, redirectNotFollowed, responseTitle, truncated } from './messages.js'
import type { TryItOutcome } from './reference.js'
import { MAX_SHOWN } from './response.js'
import { fieldName, MAX_BODY_LENGTH } from './try-it-form.js'
import type { TryItCaller, TryItSubmission } from './view.js'

/** The form of one operation, and its result. */
export function tryItView(i: {
  model: Model
  operation: GatewayOperation
  tryItCaller: TryItCaller | undefined
  submission: TryItSubmission | undefined
}) {
  const { model, operation, tryItCaller, submission } = i
  const { id, unavailableReason, fields, sendableBodies, method } = operation
  const values = submission?.values ?? {}
  // An application that is no longer live remains selected when the result of its call is shown.
  const live =
    tryItCaller?.applications.filter((each) => each.state === 'live' || String(each.id) === values.application) ?? []
  const errors = submission?.errors ?? {}
  const body = sendableBodies.find(({ type }) => type === values.type) ?? sendableBodies[0]
  const hasBody = body !== undefined && method !== 'GET' && method !== 'HEAD'
  const selectedId = values.application || tryItCaller?.selected
  const selected = live.find((application) => String(application.id) === selectedId) ?? live[0]
  return {
    unavailableReason,
    ready: unavailableReason === '' && live.length > 0,
    open: submission !== undefined,
    applications: live.map((each) => ({ value: String(each.id), label: each.name, selected: each === selected })),
    applicationId: `${id}-application`,
    applicationError: errors.application ?? '',
    fields: fields.map((field, index) => {
      const name = fieldName(field)
      return {
        id: `${id}-field-${index + 1}`,
        name,
        label: field.name,
        hint: [schemaType(field.schema).type, field.repeatable ? commaSeparated : ''].filter(Boolean).join(', '),
        required: field.required,
        value: values[name] ?? (submission || !(field.required || field.in === 'path') ? '' : field.example),
        error: errors[name] ?? '',
        errorId: `${id}-field-${index + 1}-error`,
      }
    }),
    hasBody,
    types: sendableBodies.map(({ type }) => ({ type, selected: type === body?.type })),
    severalTypes: sendableBodies.length > 1,
    typeId: `${id}-type`,
    type: body?.type ?? '',
    body: values.body ?? body?.example ?? '',
    bodyId: `${id}-body`,
    bodyError: errors.body ?? '',
    bodyErrorId: `${id}-body-error`,
    maxLength: MAX_BODY_LENGTH,
    fillsIn: model.model_id === null && /"model":\s*""/.test(body?.example ?? ''),
    failure: submission?.failure ?? errors.form ?? '',
    response: submission?.outcome && responseView(submission.outcome),
  }
}

function responseView({ response, explanation }: TryItOutcome) {
  const { status, ms, headers, text, type, remarks } = response
  const ok = status >= 200 && status < 300
  const kind = ok ? 'success' : status < 400 ? 'info' : 'danger'
  const shown = readable(text, type)
  return {
    kind,
    title: responseTitle([status, STATUS_CODES[status]].filter(Boolean).join(' '), ms),
    explanation: ok ? '' : status < 400 ? redirectNotFollowed : explanation,
    headers: headers.map(([name, value]) => `${name}: ${value}`).join('\n'),
    remarks: shown.cut ? [...remarks, truncated] : remarks,
    codeHtml: text === '' ? '' : exampleHtml(shown.text, type, createHighlighter(), { cache: false }),
    empty: text === '' && remarks.length === 0,
  }
}

/** JSON indented up to the limit; any other text unchanged. */
function readable(text: string, type: string): { text: string; cut: boolean } {
  return /json/.test(type) && 'value' in readJson(text) ? indentJson(text, MAX_SHOWN) : { text, cut: false }
}
