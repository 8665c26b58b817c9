import { STATUS_CODES } from 'node:http'
import { indentJson, readJson } from '../../clients/bounded-json.js'
import { createHighlight } from '../../web/code.js'
import { exampleHtml, typeOf } from '../../web/openapi/show.js'
import { number } from '../../web/words.js'
import type { Model } from '../models/schemas.js'
import { type Answer, SHOWN } from './answer.js'
import type { Placed } from './placed.js'
import type { Person, Tried } from './view.js'
import { fieldName, LONGEST_BODY } from './wanted.js'

/** The form of one operation, and what came of it. */
export function tryView(i: { model: Model; operation: Placed; person: Person | undefined; tried: Tried | undefined }) {
  const { model, operation, person, tried } = i
  const { id, against, fields, sendable, method } = operation
  const values = tried?.values ?? {}
  // one that stopped being live meanwhile stays chosen beside what came of the call
  const live =
    person?.applications.filter((each) => each.state === 'live' || String(each.id) === values.application) ?? []
  const errors = tried?.errors ?? {}
  const kind = sendable.find(({ type }) => type === values.type) ?? sendable[0]
  const writes = kind !== undefined && method !== 'GET' && method !== 'HEAD'
  const wanted = values.application || person?.chosen
  const chosen = live.find(({ id: each }) => String(each) === wanted) ?? live[0]
  return {
    against,
    ready: against === '' && live.length > 0,
    open: tried !== undefined,
    applications: live.map((each) => ({ value: String(each.id), label: each.name, selected: each === chosen })),
    applicationId: `${id}-application`,
    applicationError: errors.application ?? '',
    fields: fields.map((field, index) => {
      const name = fieldName(field)
      return {
        id: `${id}-field-${index + 1}`,
        name,
        label: field.name,
        hint: [typeOf(field.schema).type, field.repeats ? 'separate values with commas' : '']
          .filter(Boolean)
          .join(', '),
        required: field.required,
        value: values[name] ?? (tried || !(field.required || field.in === 'path') ? '' : field.example),
        error: errors[name] ?? '',
        errorId: `${id}-field-${index + 1}-error`,
      }
    }),
    writes,
    types: sendable.map(({ type }) => ({ type, selected: type === kind?.type })),
    severalTypes: sendable.length > 1,
    typeId: `${id}-type`,
    type: kind?.type ?? '',
    body: values.body ?? kind?.example ?? '',
    bodyId: `${id}-body`,
    bodyError: errors.body ?? '',
    bodyErrorId: `${id}-body-error`,
    longest: LONGEST_BODY,
    fillsIn: model.model_id === null && /"model":\s*""/.test(kind?.example ?? ''),
    failure: tried?.failure ?? errors.form ?? '',
    answer: tried?.answer && answerView(tried.answer.answer, tried.answer.words),
  }
}

function answerView({ status, ms, headers, text, type, notes }: Answer, words: string) {
  const ok = status >= 200 && status < 300
  const kind = ok ? 'success' : status < 400 ? 'info' : 'danger'
  const shown = readable(text, type)
  return {
    kind,
    title: `${[status, STATUS_CODES[status]].filter(Boolean).join(' ')} after ${number(ms)} ms`,
    words: ok ? '' : status < 400 ? 'The endpoint sent a redirect, which the portal does not follow.' : words,
    headers: headers.map(([name, value]) => `${name}: ${value}`).join('\n'),
    notes: shown.cut ? [...notes, 'Only the beginning is shown.'] : notes,
    codeHtml: text === '' ? '' : exampleHtml(shown.text, type, createHighlight(), { cache: false }),
    empty: text === '' && notes.length === 0,
  }
}

/** JSON with line breaks, as far as that is not much longer; anything else as it came. */
function readable(text: string, type: string): { text: string; cut: boolean } {
  return /json/.test(type) && 'value' in readJson(text) ? indentJson(text, SHOWN) : { text, cut: false }
}
