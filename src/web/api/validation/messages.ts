/** Messages about fields and bodies of requests. They never repeat a value. */

export const READ_ONLY = 'This field is read-only. Omit it, or send the current value.'

export const bodyErrors = {
  notJson: 'Send the body as application/json, with this Content-Type.',
  encoded: 'Send the body without Content-Encoding.',
  notUtf8: 'The body is not valid UTF-8. Send it again in UTF-8.',
  tooDeep: 'The JSON is nested too deeply or has too many values. Send a body that the API describes.',
  prototype: 'The body has a member named __proto__ or constructor.prototype, which is not accepted.',
}

export function jsonSyntaxError({ line, column }: { line: number; column: number }): string {
  return `The body is not valid JSON: line ${line}, column ${column}. Correct it and send it again.`
}

export const UNKNOWN_FIELD = 'This field does not exist.'
export const REQUIRED = 'This is required.'
export const NOT_ACCEPTED = 'This value is not accepted.'

export function choiceError(choices: string[]): string {
  return choices.length === 1 ? `This must be ${choices[0]}.` : `Use one of: ${choices.join(', ')}.`
}

export function typeError(types: string[]): string {
  return `Send ${alternatives(types.map((type) => typeNames[type] ?? 'another type of value'))}.`
}

export function unknownParameter(closest: unknown, names: string[]): string {
  const suggestion = closest ? ` Did you mean ${closest}?` : ''
  const list = names.length === 0 ? 'This request has no parameters.' : `Available parameters: ${names.join(', ')}.`
  return `This query parameter does not exist.${suggestion} ${list}`
}

export const EMPTY_QUERY_PARAMETER = 'Send a value, or omit this query parameter.'
export const REPEATED_QUERY_PARAMETER = 'Send this query parameter only once.'

/** Messages by keyword of JSON Schema. */
export const keywordErrors: Record<string, (params: Record<string, unknown>) => string> = {
  required: () => REQUIRED,
  minLength: ({ limit }) => (limit === 1 ? REQUIRED : `Use at least ${limit} characters.`),
  maxLength: ({ limit }) => `Use at most ${counted(limit, 'character')}.`,
  minimum: ({ limit }) => `Use ${limit} or more.`,
  formatMinimum: ({ limit }) => `Use ${limit} or more.`,
  maximum: ({ limit }) => `Use ${limit} or less.`,
  formatMaximum: ({ limit }) => `Use ${limit} or less.`,
  exclusiveMinimum: ({ limit }) => `Use more than ${limit}.`,
  exclusiveMaximum: ({ limit }) => `Use less than ${limit}.`,
  multipleOf: ({ multipleOf }) => `Use a multiple of ${multipleOf}.`,
  format: ({ format }) => `Use ${formatNames[String(format)] ?? `the format ${format}`}.`,
  pattern: ({ pattern }) => `Use the form ${pattern} (a regular expression).`,
  minItems: ({ limit }) => `Send at least ${counted(limit, 'entry', 'entries')}.`,
  maxItems: ({ limit }) => `Send at most ${counted(limit, 'entry', 'entries')}.`,
  uniqueItems: () => 'Send each entry only once.',
  minProperties: ({ limit }) => `Send at least ${counted(limit, 'field')}.`,
  maxProperties: ({ limit }) => `Send at most ${counted(limit, 'field')}.`,
  dependentRequired: ({ property }) => `This is required together with ${property}.`,
  dependencies: ({ property }) => `This is required together with ${property}.`,
  additionalProperties: () => UNKNOWN_FIELD,
  unevaluatedProperties: () => UNKNOWN_FIELD,
}

const typeNames: Record<string, string> = {
  string: 'a string',
  integer: 'an integer',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'an array',
  null: 'null',
}

const formatNames: Record<string, string> = {
  'date-time': 'a date and time with a time zone, such as 2026-03-01T10:00:00Z',
  date: 'a date such as 2026-03-01',
  time: 'a time such as 10:00:00Z',
  duration: 'a duration such as P1D',
  email: 'an e-mail address',
  hostname: 'a host name',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  uri: 'an absolute URI such as https://example.com/',
  url: 'an absolute URL such as https://example.com/',
  uuid: 'a UUID',
}

function alternatives(options: string[]): string {
  const [last = '', ...others] = [...new Set(options)].reverse()
  return others.length === 0 ? last : `${others.reverse().join(', ')} or ${last}`
}

function counted(count: unknown, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`
}
