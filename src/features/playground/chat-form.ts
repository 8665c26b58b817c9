import { problem } from '../../errors.js'
import { readJson } from '../../infra/bounded-json.js'
import { parseId } from '../../web/api/validation/ids.js'
import { fieldErrors } from './messages.js'

/** A completed exchange: the message, and the answer of each compared model. */
export interface ChatTurn {
  prompt: string
  answers: string[]
}

/** The submitted form. Each request contains the whole conversation; the server stores nothing of it. */
export interface ChatForm {
  /** the application, and the second one of a comparison */
  applications: number[]
  system: string
  prompt: string
  turns: ChatTurn[]
  parameters: { temperature?: number; top_p?: number; max_tokens?: number }
}

const MAX_TURNS = 50
const MAX_CHARACTERS = 32_000
/** Texts and documents per call, without empty lines. */
const MAX_LINES = 20
const MAX_LINES_READ = 1000

/** Validates the form. Throws invalid_fields with a message for each field. */
export function parseChatForm(values: Record<string, string>): ChatForm {
  const errors: Record<string, string> = {}
  const prompt = (values.prompt ?? '').trim()
  if (prompt === '') errors.prompt = fieldErrors.promptRequired
  if (tooLong(prompt)) errors.prompt = tooLong(prompt)
  const system = (values.system ?? '').trim()
  if (tooLong(system)) errors.system = tooLong(system)
  const parameters = {
    ...parseParameter(values, 'temperature', 0, 2, errors),
    ...parseParameter(values, 'top_p', 0, 1, errors),
    ...parseParameter(values, 'max_tokens', 1, 32_768, errors),
  }
  if (Number.isFinite(parameters.max_tokens) && !Number.isInteger(parameters.max_tokens))
    errors.max_tokens = fieldErrors.wholeNumber
  if (Object.keys(errors).length > 0) throw problem('invalid_fields', { fields: errors })
  return { applications: parseApplicationIds(values), system, prompt, turns: parseTurns(values.turns), parameters }
}

/** The message being written or, if there is none, the last exchange as it was sent. */
export function lastExchange(values: Record<string, string>): Record<string, string> {
  const turns = parseTurns(values.turns)
  const last = turns.at(-1)
  if ((values.prompt ?? '').trim() !== '' || !last) return values
  return { ...values, prompt: last.prompt, turns: JSON.stringify(turns.slice(0, -1)) }
}

/** Throws not_found unless every id is a number. */
export function parseApplicationIds({ application = '', compare = '' }: Record<string, string>): number[] {
  const ids = [application, compare].filter(Boolean).map(parseId)
  const valid = ids.filter((id) => id !== undefined)
  if (valid.length === 0 || valid.length < ids.length) throw problem('not_found')
  return [...new Set(valid)]
}

/** The first lines of a text area, without empty lines. */
export function parseLines(text: string | undefined): string[] {
  const lines = (text ?? '')
    .trim()
    .split(/\r?\n/, MAX_LINES_READ)
    .map((line) => line.trim())
  return lines.filter(Boolean).slice(0, MAX_LINES)
}

/** Throws invalid_fields for each of `fields` that is too long, or empty (with the message of that field). */
export function validateTexts(values: Record<string, string>, fields: Record<string, string>): void {
  const errors = Object.entries(fields).flatMap(([name, ifEmpty]) => {
    const text = (values[name] ?? '').trim()
    const message = text === '' ? ifEmpty : tooLong(text)
    return message === '' ? [] : [[name, message] as const]
  })
  if (errors.length > 0) throw problem('invalid_fields', { fields: Object.fromEntries(errors) })
}

function tooLong(text = ''): string {
  return text.length > MAX_CHARACTERS ? fieldErrors.tooLong(MAX_CHARACTERS) : ''
}

function parseParameter(
  values: Record<string, string>,
  name: 'temperature' | 'top_p' | 'max_tokens',
  min: number,
  max: number,
  errors: Record<string, string>,
): ChatForm['parameters'] {
  const text = (values[name] ?? '').trim()
  if (text === '') return {}
  const value = Number(text)
  if (Number.isFinite(value) && value >= min && value <= max) return { [name]: value }
  errors[name] = fieldErrors.outOfRange(min, max)
  return {}
}

/** The browser sends the conversation back, so its content is untrusted. */
export function parseTurns(text: string | undefined): ChatTurn[] {
  const read = readJson(text || '[]')
  if (!('value' in read) || !Array.isArray(read.value)) return []
  return read.value.slice(-MAX_TURNS).flatMap((turn: { prompt?: unknown; answers?: unknown } | null) => {
    if (typeof turn?.prompt !== 'string' || !Array.isArray(turn.answers)) return []
    return [{ prompt: turn.prompt, answers: turn.answers.slice(0, 2).map(stringOrEmpty) }]
  })
}

function stringOrEmpty(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** Characters of the conversation with the first model, including the next message. */
export function conversationLength({ system, turns, prompt }: ChatForm): number {
  const earlier = turns.map((turn) => turn.prompt.length + (turn.answers[0] ?? '').length)
  return earlier.reduce((sum, length) => sum + length, system.length + prompt.length)
}

/** The messages of one compared model: its own answers only. Exchanges without an answer are left out. */
export function buildMessages({ system, turns, prompt }: Omit<ChatForm, 'applications' | 'parameters'>, side: number) {
  const earlier = turns.flatMap((turn) => {
    const answer = turn.answers[side] ?? ''
    if (answer === '') return []
    return [
      { role: 'user', content: turn.prompt },
      { role: 'assistant', content: answer },
    ]
  })
  return [...(system ? [{ role: 'system', content: system }] : []), ...earlier, { role: 'user', content: prompt }]
}
