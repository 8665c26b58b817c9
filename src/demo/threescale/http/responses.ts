/** The response of a call before its format is chosen. Without `xml`, only JSON is available. */
export interface Answer {
  status: number
  json?: unknown
  /** a list is rendered only if it is asked for */
  xml?: string | (() => string)
  /** The complete body in every format, with the media type of the format unless `type` is set. */
  text?: string
  type?: string
  /** the new record's id, for the Location header */
  id?: number
}

export type Errors = Record<string, string[]>

/** Ends a call with a response. */
export class Refusal extends Error {
  readonly answer: Answer
  constructor(answer: Answer) {
    super(`refused with ${answer.status}`)
    this.answer = answer
  }
}

/** Unusual responses of porta (app/lib/three_scale/api/responder.rb, app/controllers/concerns/error_handling.rb). */
export const answers = {
  ok: (json: unknown, xml?: Answer['xml']): Answer => ({ status: 200, json, ...(xml === undefined ? {} : { xml }) }),
  created: (id: number, json: unknown, xml?: string): Answer => ({ ...answers.ok(json, xml), status: 201, id }),
  /** a delete that worked: 200, said to be of the format, no body */
  empty: { status: 200, text: '' } satisfies Answer,
  notFound: { status: 404, json: { status: 'Not found' }, xml: '' } satisfies Answer,
  forbidden: { status: 403, json: { status: 'Forbidden' }, xml: '' } satisfies Answer,
  /** A unique index of the database refused a row that had passed validation (base_controller.rb, RecordNotUnique). */
  conflict: { status: 409, text: '' } satisfies Answer,
  internal: {
    status: 500,
    json: { status: 500, error: 'Internal Server Error' },
    xml: '<?xml version="1.0" encoding="UTF-8"?>\n<hash>\n  <status>500</status>\n  <to_xml/>\n  <error>Internal Server Error</error>\n</hash>\n',
  } satisfies Answer,
  invalid: (errors: Errors): Answer => ({ status: 422, json: { errors }, xml: errorsXml(errors) }),
  /** a delete that the model refuses */
  refused: (errors: Errors): Answer => ({ status: 403, json: { errors }, xml: errorsXml(errors) }),
  error: (status: number, error: unknown): Answer => ({
    status,
    json: { error },
    xml: `<?xml version="1.0" encoding="UTF-8"?><error>${typeof error === 'string' ? escapeXml(error) : ''}</error>`,
  }),
  cannotTransition: (event: string): Answer => answers.invalid({ state: [`cannot transition via "${event}"`] }),
  /** the form of events that raise (app/representers/state_machine/invalid_transition_representer.rb) */
  invalidTransition: (from: string, event: string, object: object): Answer =>
    answers.error(422, { from, event, error: `State cannot transition via "${event}"`, object }),
  missing: (name: string): Answer => ({
    status: 400,
    text: `Required parameter missing: ${name}`,
    type: 'text/plain; charset=utf-8',
  }),
  /** said to be JSON, which it is not */
  wrongType: (name: string): Answer => ({
    status: 422,
    text: `Wrong type for parameter: ${name}`,
    type: 'application/json; charset=utf-8',
  }),
}

/** Rows of one page: per_page outside 1 to 500 is 500; metadata only where more exist (app/lib/three_scale/api/collection.rb). */
export function page<T>(list: T[], query: Record<string, unknown>): { rows: T[]; metadata?: object } {
  const requested = Number(query.per_page ?? 500)
  const per_page = Number.isInteger(requested) && requested >= 1 && requested <= 500 ? requested : 500
  const current_page = Math.max(1, Math.trunc(Number(query.page)) || 1)
  const rows = list.slice((current_page - 1) * per_page, current_page * per_page)
  if (per_page >= list.length) return { rows }
  const total_entries = list.length
  return { rows, metadata: { per_page, total_entries, total_pages: Math.ceil(total_entries / per_page), current_page } }
}

/** The page of an unknown address, regardless of format and credentials. */
export const NOT_FOUND_PAGE = `<!DOCTYPE html>
<html lang="en">
  <head><meta charset="utf-8" /><title>Not Found</title></head>
  <body><h1>Not Found</h1><p>Sorry. We can't find what you're looking for.</p></body>
</html>
`

function errorsXml(errors: Errors): string {
  const lines = Object.entries(errors).flatMap(([name, messages]) =>
    messages.map(
      (message) => `<error>${escapeXml(name === 'base' ? message : `${humanise(name)} ${message}`)}</error>`,
    ),
  )
  return `<?xml version="1.0" encoding="UTF-8"?><errors>${lines.join('')}</errors>`
}

function humanise(name: string): string {
  const words = name.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}
