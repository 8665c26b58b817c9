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

/** The form of the playground, checked. Rejects with invalid_fields, a sentence beside each field. */
export function wantedOf(values: Record<string, string>): Wanted {
  const errors: Record<string, string> = {}
  const prompt = (values.prompt ?? '').trim()
  if (prompt === '') errors.prompt = 'Write something to send.'
  if (prompt.length > LONGEST) errors.prompt = `Use at most ${LONGEST.toLocaleString('en-US')} characters.`
  const system = (values.system ?? '').trim()
  if (system.length > LONGEST) errors.system = `Use at most ${LONGEST.toLocaleString('en-US')} characters.`
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

/** The lines of a text area, without empty ones. */
export function linesOf(text: string | undefined, most: number): string[] {
  return (text ?? '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(0, most)
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
  try {
    const list: unknown = JSON.parse(text || '[]')
    if (!Array.isArray(list)) return []
    return list.slice(-MOST_TURNS).flatMap((turn: { prompt?: unknown; answers?: unknown } | null) => {
      if (typeof turn?.prompt !== 'string' || !Array.isArray(turn.answers)) return []
      return [{ prompt: turn.prompt, answers: turn.answers.slice(0, 2).map(String) }]
    })
  } catch {
    return []
  }
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
