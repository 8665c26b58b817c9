import { readJson } from '../../clients/bounded-json.js'
import { problem } from '../../errors.js'
import { idFrom } from '../../web/ids.js'

/** One exchange that has been: what was asked, and what each of the compared models said. */
export interface Turn {
  prompt: string
  answers: string[]
}

/** What a person wants to send; all of it comes with every request, nothing of a conversation is kept here. */
export interface Wanted {
  /** the application, and where two are compared the other one */
  applications: number[]
  system: string
  prompt: string
  turns: Turn[]
  parameters: { temperature?: number; top_p?: number; max_tokens?: number }
}

const MOST_TURNS = 50
const LONGEST = 32_000
/** texts and documents of one call; empty lines between them do not count */
const MOST_LINES = 20
const MOST_READ = 1000

/** The form of the playground, checked. Rejects with invalid_fields, a sentence beside each field. */
export function wantedOf(values: Record<string, string>): Wanted {
  const errors: Record<string, string> = {}
  const prompt = (values.prompt ?? '').trim()
  if (prompt === '') errors.prompt = 'Write something to send.'
  if (tooLong(prompt)) errors.prompt = tooLong(prompt)
  const system = (values.system ?? '').trim()
  if (tooLong(system)) errors.system = tooLong(system)
  const parameters = {
    ...within(values, 'temperature', 0, 2, errors),
    ...within(values, 'top_p', 0, 1, errors),
    ...within(values, 'max_tokens', 1, 32_768, errors),
  }
  if (Number.isFinite(parameters.max_tokens) && !Number.isInteger(parameters.max_tokens))
    errors.max_tokens = 'Use a whole number.'
  if (Object.keys(errors).length > 0) throw problem('invalid_fields', { fields: errors })
  return { applications: applicationsOf(values), system, prompt, turns: turnsOf(values.turns), parameters }
}

/** The conversation as it stands: what is being written, or else the last exchange, as it was sent. */
export function lastSent(values: Record<string, string>): Record<string, string> {
  const turns = turnsOf(values.turns)
  const last = turns.at(-1)
  if ((values.prompt ?? '').trim() !== '' || !last) return values
  return { ...values, prompt: last.prompt, turns: JSON.stringify(turns.slice(0, -1)) }
}

/** Ids are numbers; anything else is nobody's application. */
export function applicationsOf({ application = '', compare = '' }: Record<string, string>): number[] {
  const ids = [application, compare].filter(Boolean).map(idFrom)
  const known = ids.filter((id) => id !== undefined)
  if (known.length === 0 || known.length < ids.length) throw problem('not_found')
  return [...new Set(known)]
}

/** The first lines of a text area, without empty ones. */
export function linesOf(text: string | undefined): string[] {
  const lines = (text ?? '')
    .trim()
    .split(/\r?\n/, MOST_READ)
    .map((line) => line.trim())
  return lines.filter(Boolean).slice(0, MOST_LINES)
}

/** Rejects with invalid_fields: those of `fields` that are empty, with that sentence, or too long. */
export function checkTexts(values: Record<string, string>, fields: Record<string, string>): void {
  const errors = Object.entries(fields).flatMap(([name, ifEmpty]) => {
    const text = (values[name] ?? '').trim()
    const words = text === '' ? ifEmpty : tooLong(text)
    return words === '' ? [] : [[name, words] as const]
  })
  if (errors.length > 0) throw problem('invalid_fields', { fields: Object.fromEntries(errors) })
}

/** A sentence where a text is too long to be sent, else an empty one. */
function tooLong(text = ''): string {
  return text.length > LONGEST ? `Use at most ${LONGEST.toLocaleString('en-US')} characters.` : ''
}

function within(
  values: Record<string, string>,
  name: 'temperature' | 'top_p' | 'max_tokens',
  least: number,
  most: number,
  errors: Record<string, string>,
): Wanted['parameters'] {
  const text = (values[name] ?? '').trim()
  if (text === '') return {}
  const value = Number(text)
  if (Number.isFinite(value) && value >= least && value <= most) return { [name]: value }
  errors[name] = `Use a number from ${least} to ${most}.`
  return {}
}

/** The conversation so far comes back from the browser, so it is read as anything a stranger might send. */
export function turnsOf(text: string | undefined): Turn[] {
  const read = readJson(text || '[]')
  if (!('value' in read) || !Array.isArray(read.value)) return []
  return read.value.slice(-MOST_TURNS).flatMap((turn: { prompt?: unknown; answers?: unknown } | null) => {
    if (typeof turn?.prompt !== 'string' || !Array.isArray(turn.answers)) return []
    return [{ prompt: turn.prompt, answers: turn.answers.slice(0, 2).map(textOf) }]
  })
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** Characters that the first side was sent and answered, and those that are about to be sent. */
export function lengthOf({ system, turns, prompt }: Wanted): number {
  const earlier = turns.map((turn) => turn.prompt.length + (turn.answers[0] ?? '').length)
  return earlier.reduce((sum, length) => sum + length, system.length + prompt.length)
}

/** Messages as the model of that side saw them: its own answers, not the other one's. An empty answer is left out. */
export function messagesOf({ system, turns, prompt }: Omit<Wanted, 'applications' | 'parameters'>, side: number) {
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
