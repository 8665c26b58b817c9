import { readJson } from './bounded-json.js'

/** Characters of an error message that are shown. */
const LONGEST = 600
/** Characters that are searched for the title of an error page. */
const SEARCHED = 16_000
/** Errors of one answer that are shown. */
const MOST = 5

/**
 * What a server itself says in the body of an error, as one line of up to 600 characters; empty where it says nothing that
 * a person can read. Reads JSON of any common form, the title of a web page, events, and plain text. Linear; never throws.
 */
export function ownWordsOf(text: string, contentType = ''): string {
  const body = text.trimStart()
  if (body === '') return ''
  if (body.startsWith('<')) return titleIn(body.slice(0, SEARCHED))
  const read = readJson(body)
  if ('value' in read) return wordsIn(read.value)
  const data = dataIn(body.slice(0, SEARCHED))
  if (data !== undefined) return data
  if (/json/i.test(contentType) || /^[[{]/.test(body)) return messageIn(body.slice(0, SEARCHED))
  return textual(contentType) ? oneLine(body) : ''
}

/** The same for a value of JSON: the message of an error, however it is wrapped. */
export function wordsIn(value: unknown): string {
  return oneLine(sentenceIn(value, 0))
}

/** A text on one line, without control characters, cut to what is shown. */
export function oneLine(text: string): string {
  const line = text
    .slice(0, LONGEST * 4)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
    .replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ')
    .trim()
  return (line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line).toWellFormed()
}

function sentenceIn(value: unknown, depth: number): string {
  if (typeof value === 'string') return value
  if (depth > 6 || typeof value !== 'object' || value === null) return ''
  if (Array.isArray(value)) {
    const all = value.slice(0, MOST).map((each) => sentenceIn(each, depth + 1))
    return [...new Set(all.filter(Boolean))].join('; ')
  }
  const node = value as Record<string, unknown>
  const of = (name: string) => sentenceIn(node[name], depth + 1)
  if (typeof node.msg === 'string' && Array.isArray(node.loc)) return `${node.loc.slice(0, 8).join('.')}: ${node.msg}`
  const message = first(of, messages)
  const details = first(of, lists)
  const { error, metadata } = node
  // {"error":"invalid_request","error_description":"…"}: the code and the sentence belong together
  const head = typeof error === 'string' ? error : typeof node.title === 'string' ? node.title : ''
  const inner = typeof error === 'string' ? '' : of('error')
  // OpenRouter and LiteLLM repeat here what the provider answered
  const raw = typeof metadata === 'object' ? sentenceIn((metadata as { raw?: unknown } | null)?.raw, depth + 1) : ''
  const parts = [head, inner || message || details, raw].filter(Boolean)
  return [...new Set(parts)].join(': ') || fieldsIn(node, depth)
}

/** Members that hold a message, the most telling first. */
const messages = [
  ...['message', 'Message', 'error_description', 'errorMessage', 'error_message', 'faultstring'],
  ...['fault', 'reason', 'msg', 'description'],
]
/** Members that hold a message, or a list or an object with messages. */
const lists = ['detail', 'details', 'errors', 'exception']

function first(of: (name: string) => string, names: string[]): string {
  for (const name of names) {
    const words = of(name)
    if (words !== '') return words
  }
  return ''
}

/** `{"max_tokens":["must be a number"]}`: messages by the name of a field. */
function fieldsIn(node: Record<string, unknown>, depth: number): string {
  if (depth === 0) return ''
  return Object.entries(node)
    .slice(0, MOST)
    .flatMap(([name, value]) => {
      const words = Array.isArray(value) ? sentenceIn(value, depth + 1) : ''
      return words === '' ? [] : [`${name}: ${words}`]
    })
    .join('; ')
}

/** The title or heading of a web page; the message of an error in XML. */
function titleIn(page: string): string {
  const lower = page.toLowerCase()
  const found = ['title', 'h1', 'pre', 'message', 'faultstring'].map((name) => {
    const open = lower.indexOf(`<${name}`)
    const from = open === -1 ? -1 : lower.indexOf('>', open)
    const until = from === -1 ? -1 : lower.indexOf('</', from)
    const words = until === -1 ? '' : oneLine(page.slice(from + 1, until))
    return words.includes('<') ? '' : words
  })
  // Express titles every error page "Error" and writes the message below
  return found.find((words) => words !== '' && !/^error$/i.test(words)) ?? found.find(Boolean) ?? ''
}

/** What events of an error say, as `data: {"error":…}` and `data: error: …`; undefined where the text has no events. */
function dataIn(body: string): string | undefined {
  const lines = body.split(/\r\n?|\n/)
  if (!/^(data|event|id|retry):/.test(lines[0] ?? '')) return undefined
  const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim())
  for (const line of data) {
    const read = readJson(line)
    const words = 'value' in read ? wordsIn(read.value) : oneLine(line)
    if (words !== '' && words !== '[DONE]') return words
  }
  return ''
}

/** The message in JSON that is cut short or beyond what is parsed. */
function messageIn(body: string): string {
  const found = /"(?:message|detail|error|msg)"\s*:\s*("(?:[^"\\]|\\.){1,2000}")/.exec(body)?.[1]
  const read = found === undefined ? { value: '' } : readJson(found)
  return 'value' in read ? wordsIn(read.value) : ''
}

function textual(type: string): boolean {
  return type === '' || /^text\/|x-ndjson|jsonl/i.test(type)
}
