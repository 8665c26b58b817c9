import { readJson } from '../../infra/bounded-json.js'

/** Characters of the error text. */
const MAX_CHARACTERS = 600
/** Characters that are searched for the title of an error page. */
const SEARCHED_CHARACTERS = 16_000
/** Errors of one response. */
const MAX_ERRORS = 5

/**
 * The message in the body of an error response, as one line of up to 600 characters; empty if there is none. Reads JSON of any common
 * form, the title of a web page, events, and plain text. Linear; never throws.
 */
export function errorTextOf(text: string, contentType = ''): string {
  const body = text.trimStart()
  if (body === '') return ''
  if (body.startsWith('<')) return titleIn(body.slice(0, SEARCHED_CHARACTERS))
  const read = readJson(body)
  if ('value' in read) return errorTextIn(read.value)
  const data = dataIn(body.slice(0, SEARCHED_CHARACTERS))
  if (data !== undefined) return data
  if (/json/i.test(contentType) || /^[[{]/.test(body)) return messageIn(body.slice(0, SEARCHED_CHARACTERS))
  return textual(contentType) ? toOneLine(body) : ''
}

/** The message in a JSON value, at any level of the common forms. */
export function errorTextIn(value: unknown): string {
  return toOneLine(messageInValue(value, 0))
}

/** One line without control characters, cut at the limit. */
export function toOneLine(text: string): string {
  const line = text
    .slice(0, MAX_CHARACTERS * 4)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
    .replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ')
    .trim()
  return (line.length > MAX_CHARACTERS ? `${line.slice(0, MAX_CHARACTERS)}…` : line).toWellFormed()
}

function messageInValue(value: unknown, depth: number): string {
  if (typeof value === 'string') return value
  if (depth > 6 || typeof value !== 'object' || value === null) return ''
  if (Array.isArray(value)) {
    const all = value.slice(0, MAX_ERRORS).map((each) => messageInValue(each, depth + 1))
    return [...new Set(all.filter(Boolean))].join('; ')
  }
  const node = value as Record<string, unknown>
  const of = (name: string) => messageInValue(node[name], depth + 1)
  if (typeof node.msg === 'string' && Array.isArray(node.loc)) return `${node.loc.slice(0, 8).join('.')}: ${node.msg}`
  const message = first(of, messages)
  const details = first(of, lists)
  const { error, metadata } = node
  // {"error":"invalid_request","error_description":"…"}: the code and the sentence belong together
  const head = typeof error === 'string' ? error : typeof node.title === 'string' ? node.title : ''
  const inner = typeof error === 'string' ? '' : of('error')
  // OpenRouter and LiteLLM repeat here what the provider answered
  const raw = typeof metadata === 'object' ? messageInValue((metadata as { raw?: unknown } | null)?.raw, depth + 1) : ''
  const parts = [head, inner || message || details, raw].filter(Boolean)
  return [...new Set(parts)].join(': ') || fieldsIn(node, depth)
}

/** Members with a message, the most specific first. */
const messages = [
  ...['message', 'Message', 'error_description', 'errorMessage', 'error_message', 'faultstring'],
  ...['fault', 'reason', 'msg', 'description'],
]
/** Members with a message, or with a list or an object of messages. */
const lists = ['detail', 'details', 'errors', 'exception']

function first(of: (name: string) => string, names: string[]): string {
  for (const name of names) {
    const message = of(name)
    if (message !== '') return message
  }
  return ''
}

/** `{"max_tokens":["must be a number"]}`: messages by the name of a field. */
function fieldsIn(node: Record<string, unknown>, depth: number): string {
  if (depth === 0) return ''
  return Object.entries(node)
    .slice(0, MAX_ERRORS)
    .flatMap(([name, value]) => {
      const message = Array.isArray(value) ? messageInValue(value, depth + 1) : ''
      return message === '' ? [] : [`${name}: ${message}`]
    })
    .join('; ')
}

/** The title or heading of a web page; the message of an error in XML. */
function titleIn(page: string): string {
  const lower = page.toLowerCase()
  const texts = ['title', 'h1', 'pre', 'message', 'faultstring'].map((name) => {
    const open = lower.indexOf(`<${name}`)
    const from = open === -1 ? -1 : lower.indexOf('>', open)
    const until = from === -1 ? -1 : lower.indexOf('</', from)
    const text = until === -1 ? '' : toOneLine(page.slice(from + 1, until))
    return text.includes('<') ? '' : text
  })
  // Express titles every error page "Error" and writes the message below
  return texts.find((text) => text !== '' && !/^error$/i.test(text)) ?? texts.find(Boolean) ?? ''
}

/** The message in events such as `data: {"error":…}` or `data: error: …`; undefined if the text has no events. */
function dataIn(body: string): string | undefined {
  const lines = body.split(/\r\n?|\n/)
  if (!/^(data|event|id|retry):/.test(lines[0] ?? '')) return undefined
  const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim())
  for (const line of data) {
    const read = readJson(line)
    const words = 'value' in read ? errorTextIn(read.value) : toOneLine(line)
    if (words !== '' && words !== '[DONE]') return words
  }
  return ''
}

/** The message in JSON that is incomplete or exceeds the limits. */
function messageIn(body: string): string {
  const found = /"(?:message|detail|error|msg)"\s*:\s*("(?:[^"\\]|\\.){1,2000}")/.exec(body)?.[1]
  const read = found === undefined ? { value: '' } : readJson(found)
  return 'value' in read ? errorTextIn(read.value) : ''
}

function textual(type: string): boolean {
  return type === '' || /^text\/|x-ndjson|jsonl/i.test(type)
}
