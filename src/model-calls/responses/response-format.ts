/** Characters after which the format is determined even without a line end. */
const MIN_CHARACTERS = 64

export type ResponseFormat = 'events' | 'json' | 'page' | 'text' | 'binary'

/**
 * The format of a response, by its media type and its content, because many media types are wrong. Undefined if more content is
 * required.
 */
export function detectFormat(type: string, beginning: string, isEnd: boolean): ResponseFormat | undefined {
  const text = beginning.trimStart()
  if (/^(?:image|audio|video|font)\/|octet-stream|vnd\.amazon\.eventstream|application\/(?:pdf|zip|gzip)/i.test(type))
    return 'binary'
  const isStream = /event-stream/i.test(type)
  if (text === '') return isStream && (isEnd || beginning.length > MIN_CHARACTERS) ? 'events' : undefined
  if (/^[[{]/.test(text) && !/^\[DONE\]/i.test(text)) return 'json'
  if (isStream && !text.startsWith('<')) return 'events'
  if (!isEnd && text.length < MIN_CHARACTERS && !/[\r\n]/.test(text)) return undefined
  if (/^<(?:!doctype|html|head|body|\?xml)/i.test(text) || (/html|xml/i.test(type) && text.startsWith('<')))
    return 'page'
  if (isStream || /^(?:data|event|id|retry)?:/.test(text)) return 'events'
  return /json/i.test(type) ? 'json' : 'text'
}

/** `error: out of memory`, `ValueError: …`, `Internal Server Error`: the answer of some servers after an error. */
export function isErrorText(text: string): boolean {
  return /^\s*(?:internal server error|cuda error|[\w.]*(?:error|exception))\s*(?::|$|[\r\n])/i.test(text.slice(0, 200))
}
